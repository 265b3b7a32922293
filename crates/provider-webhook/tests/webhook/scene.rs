//! Settings as an inventory holds them, a clock and a notice.

use std::{future::pending, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_core::{
    CallContext, Clock, Fence, Fingerprint, Initiator, RotationId,
    notifier::{Notice, Phase},
    provider::{Consumer, Settings, Surroundings},
    yaml::{self, Diagnostics, Source, Style},
};
use keywheel_provider_webhook::consumers::kinds;
use tokio::time::timeout;

/// Real waiting, at an instant of its own: deadlines are relative to it.
pub(crate) struct Standing;

#[async_trait]
impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn running(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, duration: Duration) {
        let _elapsed = timeout(duration, pending::<()>()).await;
    }
}

pub(crate) fn surroundings(base: &Path) -> Surroundings {
    Surroundings { base: base.to_owned(), clock: Arc::new(Standing) }
}

/// The consumer that `text` describes, or the mistakes in it as they are printed.
pub(crate) fn consumer(text: &str) -> Result<Arc<dyn Consumer>, String> {
    let kind = kinds().pop().unwrap();
    let mut diagnostics = Diagnostics::new(Source::new("keywheel.yaml", text));
    let document = yaml::parse(&mut diagnostics).unwrap();
    let settings = Settings { node: document.root(), diagnostics: &mut diagnostics };
    let consumer = kind.configure(&surroundings(Path::new(env!("CARGO_MANIFEST_DIR"))), settings);
    // A mistake in one key does not keep the rest from being read; the inventory is refused all the same.
    let consumer = consumer.filter(|_| !diagnostics.has_errors());
    consumer.ok_or_else(|| diagnostics.render(Style::Plain))
}

/// A consumer that is called at `reload` and trusted.
pub(crate) fn called_at(reload: &str, more: &str) -> Arc<dyn Consumer> {
    let text = format!("reload: {{ url: '{reload}'{more} }}\nevidence: {{ trust: a test }}\n");
    consumer(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// A call with so much time left.
pub(crate) fn context(left: Duration) -> CallContext {
    CallContext {
        rotation: rotation(),
        started_at: Timestamp::UNIX_EPOCH,
        initiator: Initiator::new("test"),
        deadline: left,
        fence: Fence(1),
    }
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
