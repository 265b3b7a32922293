//! Settings as an inventory holds them, a clock and a notice.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use keywheel_core::{
    CallContext, Fingerprint, RotationId,
    notifier::{Notice, Phase},
    provider::Consumer,
};
use keywheel_provider_webhook::consumers::kinds;
use keywheel_testkit::declared::{self, call, surroundings};

/// The consumer that `text` describes, or the mistakes in it as they are printed.
pub(crate) fn consumer(text: &str) -> Result<Arc<dyn Consumer>, String> {
    declared::configure(&*kinds()[0], &surroundings(Path::new(env!("CARGO_MANIFEST_DIR"))), text)
}

/// A consumer that is called at `reload` and trusted.
pub(crate) fn called_at(reload: &str, more: &str) -> Arc<dyn Consumer> {
    let text = format!("reload: {{ url: '{reload}'{more} }}\nevidence: {{ trust: a test }}\n");
    consumer(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// A call with so much time left.
pub(crate) fn context(left: Duration) -> CallContext {
    call(left)
}

pub(crate) fn unhurried() -> CallContext {
    context(Duration::from_secs(30))
}

pub(crate) fn promoted(expected: Fingerprint) -> Notice {
    Notice {
        rotation: rotation(),
        phase: Phase::Promoted,
        secret: "web/cookie".into(),
        expected: Some(expected),
        identity: None,
        replaced: None,
        since: Timestamp::UNIX_EPOCH,
    }
}

pub(crate) fn some_print() -> Fingerprint {
    "ba7816bf8f01cfea".parse().unwrap()
}

fn rotation() -> RotationId {
    RotationId::from_random([7; 16])
}
