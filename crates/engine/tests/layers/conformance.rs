//! A decorator keeps the contract of what it wraps: every suite over every layer, and over the stack of them.

use std::sync::Arc;

use keywheel_core::Clock;
use keywheel_engine::{
    SystemClock,
    layers::{Retrying, Timed, Traced, stack},
};
use keywheel_testkit::{
    conformance::models, journal_conformance, memory::Behaviour, notifier_conformance, rotator_conformance,
    secret_conformance,
};

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

macro_rules! every_suite_over {
    ($layers:ident, $wrap:expr) => {
        mod $layers {
            use super::*;

            secret_conformance!(secret, || async {
                models::secret(models::plain_secret(), |inner| Arc::new($wrap(inner)))
            });
            rotator_conformance!(rotator, || async { models::minting(|inner| Arc::new($wrap(inner))) });
            rotator_conformance!(reissuing, || async { models::reissuing(|inner| Arc::new($wrap(inner))) });
            notifier_conformance!(notifier, || async {
                models::notifier(Behaviour::AfterLooks(3), |inner| Arc::new($wrap(inner)))
            });
            notifier_conformance!(handed, || async { models::handed(|inner| Arc::new($wrap(inner))) });
            journal_conformance!(journal, || async { models::journal(|inner| Arc::new($wrap(inner))) });
        }
    };
}

every_suite_over!(timed, |inner| Timed::around(inner, clock()));
every_suite_over!(retrying, |inner| Retrying::around(inner, clock()));
every_suite_over!(traced, |inner| Traced::around(inner, clock(), "model"));
every_suite_over!(all, |inner| stack(inner, &clock(), "model"));
