//! The suites over the reference models, and over the fault decorators with a plan that injects nothing.

use std::sync::Arc;

use keywheel_testkit::{
    conformance::models,
    faults::{FaultPlan, Faulty},
    journal_conformance,
    memory::{Behaviour, MemoryTarget},
    notifier_conformance, rotator_conformance, secret_conformance,
};

fn calm<T: ?Sized>(inner: Arc<T>) -> Arc<Faulty<T>> {
    Arc::new(Faulty::new(inner, FaultPlan::none(), "calm"))
}

secret_conformance!(secret_with_everything, || async {
    models::secret(models::plain_secret(), |secret| secret)
});
secret_conformance!(secret_with_nothing, || async {
    let bare = models::plain_secret().without_native_staging().without_next().without_previous();
    models::secret(bare.limited_to(512).text_only().comparing_fences(), |secret| secret)
});
secret_conformance!(secret_under_faulty, || async {
    models::secret(models::plain_secret(), |secret| calm(secret))
});

rotator_conformance!(in_place, || async {
    models::rotator(MemoryTarget::in_place("app"), "app", None, |rotator| rotator)
});
rotator_conformance!(overlap, || async {
    models::rotator(MemoryTarget::overlap("app"), "app", Some("app"), |rotator| rotator)
});
rotator_conformance!(alternating, || async {
    models::rotator(MemoryTarget::alternating("a", "b"), "a", Some("a"), |rotator| rotator)
});
rotator_conformance!(minted, || async { models::minting(|rotator| rotator) });
rotator_conformance!(reissued, || async { models::reissuing(|rotator| rotator) });
rotator_conformance!(versioned, || async {
    models::rotator(MemoryTarget::versioned("orders"), "orders", Some("orders"), |rotator| rotator)
});
rotator_conformance!(reissuing_under_faulty, || async { models::reissuing(|rotator| calm(rotator)) });
rotator_conformance!(rotator_under_faulty, || async { models::minting(|rotator| calm(rotator)) });

notifier_conformance!(immediate, || async { models::notifier(Behaviour::Immediately, |notifier| notifier) });
notifier_conformance!(slow, || async { models::notifier(Behaviour::AfterLooks(3), |notifier| notifier) });
notifier_conformance!(unobservable, || async {
    models::notifier(Behaviour::Unobservable("a vendor's appliance".to_owned()), |notifier| notifier)
});
notifier_conformance!(handed, || async { models::handed(|notifier| notifier) });
notifier_conformance!(handed_under_faulty, || async { models::handed(|notifier| calm(notifier)) });
notifier_conformance!(notifier_under_faulty, || async {
    models::notifier(Behaviour::Immediately, |notifier| calm(notifier))
});

journal_conformance!(journal, || async { models::journal(|journal| journal) });
journal_conformance!(journal_under_faulty, || async { models::journal(|journal| calm(journal)) });
