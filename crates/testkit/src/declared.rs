//! What an inventory declares, made as the inventory makes it, and the circumstances of a call to it.

use std::{future::pending, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_core::{
    CallContext, Clock, Fence, RotationId,
    provider::{Kind, Settings, Surroundings},
    yaml::{self, Diagnostics, Source, Style},
};
use tokio::time::timeout;

/// Waits as long as it is told to, in an instant that never passes: a deadline is the time that is left.
pub struct StandingClock;

#[async_trait]
impl Clock for StandingClock {
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

/// Those of an inventory in the directory `base`, with a [`StandingClock`].
pub fn surroundings(base: &Path) -> Surroundings {
    Surroundings { base: base.to_owned(), clock: Arc::new(StandingClock) }
}

/// A call with so much time left.
pub fn call(left: Duration) -> CallContext {
    CallContext {
        rotation: RotationId::from_random([7; 16]),
        started_at: Timestamp::UNIX_EPOCH,
        initiator: "test".into(),
        deadline: left,
        fence: Fence(1),
    }
}

/// What `kind` makes of `text`.
///
/// # Errors
/// The mistakes, as they are printed.
///
/// # Panics
/// When `text` is no YAML.
pub fn configure<T: ?Sized>(
    kind: &dyn Kind<T>,
    surroundings: &Surroundings,
    text: &str,
) -> Result<Arc<T>, String> {
    let mut diagnostics = Diagnostics::new(Source::new("keywheel.yaml", text));
    let document = yaml::parse(&mut diagnostics).expect("YAML");
    let settings = Settings { node: document.root(), diagnostics: &mut diagnostics };
    let made = kind.configure(surroundings, settings);
    // A mistake in one key does not keep the rest from being read; the inventory is refused all the same.
    made.filter(|_| !diagnostics.has_errors()).ok_or_else(|| diagnostics.render(Style::Plain))
}
