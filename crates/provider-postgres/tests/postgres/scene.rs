//! A server, and rotators as an inventory would declare them.

use keywheel_testkit::declared;
use std::{fs, future::pending, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_core::{
    CallContext, Clock, Fence, Identity, Initiator, RotationId, SecretValue,
    provider::{Consumer, Surroundings, Target},
    rotator::{Credential, Rotator},
};
use keywheel_testservers::{Postgres, Stopwatch};
use tempfile::TempDir;
use tokio::time::timeout;

/// The machine's time.
pub(crate) struct Real(Stopwatch);

#[async_trait]
impl Clock for Real {
    #[expect(clippy::disallowed_methods, reason = "compared with a server's time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn running(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        let _elapsed = timeout(duration, pending::<()>()).await;
    }
}

/// The inventory's directory, with the administrator's password in `administrator`, and time.
pub(crate) struct Scene {
    pub(crate) directory: TempDir,
    pub(crate) surroundings: Surroundings,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("administrator"), Postgres::PASSWORD).unwrap();
        let clock = Arc::new(Real(Stopwatch::start()));
        let surroundings = Surroundings { base: directory.path().to_owned(), clock };
        Self { directory, surroundings }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A target as an inventory declares it; `Err` with the mistakes as they are printed.
    pub(crate) fn target(&self, text: &str) -> Result<Arc<dyn Target>, String> {
        declared::configure(&*keywheel_provider_postgres::rotators::kinds()[0], &self.surroundings, text)
    }

    /// A consumer as an inventory declares it; `Err` with the mistakes as they are printed.
    pub(crate) fn consumer(&self, text: &str) -> Result<Arc<dyn Consumer>, String> {
        declared::configure(&*keywheel_provider_postgres::consumers::kinds()[0], &self.surroundings, text)
    }

    /// Rotates `role` with the superuser's login.
    pub(crate) fn rotator(&self, port: u16, strategy: &str, role: &str) -> Arc<dyn Rotator> {
        let text = format!("port: {port}\nstrategy: {strategy}\n{ADMINISTRATOR}");
        self.target(&text).unwrap().rotator(Some(&role.into()))
    }

    /// Rotates `role`, which logs in with its own password.
    pub(crate) fn own(&self, port: u16, role: &str) -> Arc<dyn Rotator> {
        self.target(&format!("port: {port}\nstrategy: in-place\n")).unwrap().rotator(Some(&role.into()))
    }

    /// A call with so much time left.
    pub(crate) fn within(&self, left: Duration) -> CallContext {
        CallContext {
            rotation: RotationId::from_random([7; 16]),
            started_at: Timestamp::UNIX_EPOCH,
            initiator: Initiator::new("test"),
            deadline: self.surroundings.clock.running() + left,
            fence: Fence(1),
        }
    }

    /// A call with plenty of time.
    pub(crate) fn unhurried(&self) -> CallContext {
        self.within(Duration::from_secs(30))
    }
}

pub(crate) const ADMINISTRATOR: &str = "login: {user: postgres, password: 'file:administrator'}\n";

/// Whom a password is for, and the password.
pub(crate) struct Owned(Identity, SecretValue);

pub(crate) fn owned(role: &str, password: &str) -> Owned {
    Owned(role.into(), SecretValue::copy_from(password.as_bytes()))
}

impl Owned {
    pub(crate) fn lend(&self) -> Credential<'_> {
        Credential { identity: Some(&self.0), value: &self.1 }
    }
}
