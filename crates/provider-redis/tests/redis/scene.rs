//! A server, a target that the inventory could declare, and values.

use std::{sync::Arc, time::Duration};

use keywheel_core::{
    CallContext, Error, Identity, SecretValue,
    provider::Target,
    rotator::{Credential, Probe, Rotator},
};
use keywheel_provider_redis::{RedisSettings, RedisTarget};
use keywheel_testkit::declared::{call, surroundings};
use keywheel_testservers::{Redis, RedisSetup, RedisUsers};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const OLD: &str = "old-password-of-the-application";
pub(crate) const NEW: &str = "new-password-of-the-application";

pub(crate) fn context() -> CallContext {
    call(Duration::from_secs(30))
}

/// The user `app` with the password [`OLD`].
pub(crate) fn app() -> String {
    format!("app on >{OLD} ~app:* &news.* +@read +ping")
}

pub(crate) fn with_app(users_in: RedisUsers) -> Redis {
    Redis::start(RedisSetup { users_in, users: vec![app()], ..RedisSetup::default() })
}

/// What the inventory says, and the files beside it.
pub(crate) struct Scene {
    pub(crate) directory: Arc<TempDir>,
    pub(crate) settings: Value,
}

impl Scene {
    /// The administrator changes users of the server at `port`.
    pub(crate) fn new(port: u16) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        std::fs::write(directory.path().join("admin"), Redis::PASSWORD).unwrap();
        let login = json!({"user": "admin", "password": "file:admin"});
        Self { directory, settings: json!({"host": "127.0.0.1", "port": port, "login": login}) }
    }

    /// Each user changes its own password.
    pub(crate) fn without_login(port: u16) -> Self {
        let mut scene = Self::new(port);
        scene.settings.as_object_mut().unwrap().remove("login");
        scene
    }

    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.settings[key] = value;
        self
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.directory.path().join(name), text).unwrap();
    }

    pub(crate) fn target(&self) -> RedisTarget {
        let settings: RedisSettings = serde_json::from_value(self.settings.clone()).unwrap();
        settings
            .resolve(&surroundings(self.directory.path()))
            .unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
    }

    /// The rotator of a secret for `user`.
    pub(crate) fn user(&self, user: &str) -> User {
        User::new(self.target().rotator(Some(&Identity::from(user))), self)
    }

    /// The rotator of a secret that does not say whom it is for.
    pub(crate) fn nobody(&self) -> User {
        User::new(self.target().rotator(None), self)
    }

    pub(crate) fn app(&self) -> User {
        self.user("app")
    }
}

/// A rotator, called with text, and the files that it reads.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) rotator: Arc<dyn Rotator>,
    _directory: Arc<TempDir>,
}

fn value(text: &str) -> SecretValue {
    SecretValue::copy_from(text.as_bytes())
}

impl User {
    /// Its files live as long as it does.
    pub(crate) fn new(rotator: Arc<dyn Rotator>, scene: &Scene) -> Self {
        Self { rotator, _directory: Arc::clone(&scene.directory) }
    }

    pub(crate) async fn try_probe(&self, password: &str) -> Result<Probe, Error> {
        self.rotator.probe(Credential { identity: None, value: &value(password) }).await
    }

    pub(crate) async fn accepts(&self, password: &str) -> bool {
        self.try_probe(password).await.unwrap() == Probe::Accepted
    }

    pub(crate) async fn apply(&self, new: &str, current: Option<&str>) -> Result<(), Error> {
        let (new, current) = (value(new), current.map(value));
        let current = current.as_ref().map(|value| Credential { identity: None, value });
        self.rotator.apply(&context(), Credential { identity: None, value: &new }, current).await
    }

    pub(crate) async fn revoke(&self, old: &str, remaining: Option<&str>) -> Result<(), Error> {
        let (old, remaining) = (value(old), remaining.map(value));
        let remaining = remaining.as_ref().map(|value| Credential { identity: None, value });
        self.rotator.revoke(&context(), Credential { identity: None, value: &old }, remaining).await
    }

    pub(crate) async fn rotate(&self) {
        self.apply(NEW, Some(OLD)).await.unwrap();
        assert!(self.accepts(NEW).await);
        self.revoke(OLD, Some(NEW)).await.unwrap();
        assert!(!self.accepts(OLD).await);
        assert!(self.accepts(NEW).await);
    }

    /// What `doctor` says, one line for each finding.
    pub(crate) async fn findings(&self) -> String {
        let findings = self.rotator.examine().await;
        let lines: Vec<_> = findings
            .iter()
            .map(|finding| {
                let hint = finding.hint.as_deref().unwrap_or_default();
                format!("{:?}: {} ({hint})", finding.severity, finding.message)
            })
            .collect();
        lines.join("\n")
    }
}
