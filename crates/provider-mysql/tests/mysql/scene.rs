//! A server, a network in front of it, and targets as an inventory declares them.

use std::{fs, sync::Arc, time::Duration};

use jiff::Timestamp;
use keywheel_core::{
    CallContext, Fence, Identity, RotationId, SecretValue,
    provider::{Finding, Surroundings, Target},
    rotator::{Credential, Probe, Rotator},
};
use keywheel_provider_mysql::kinds;
use keywheel_testkit::ManualClock;
use keywheel_testkit::declared;
use keywheel_testservers::{Mariadb, Proxy};
use tempfile::TempDir;

/// What the account `app` has at first.
pub(crate) const OLD: &str = "old-value-of-the-application-1";
/// What it gets.
pub(crate) const NEW: &str = "new-value-of-the-application-2";
/// One that it never has.
pub(crate) const WRONG: &str = "wrong-value-3";

pub(crate) struct Scene {
    pub(crate) server: Mariadb,
    pub(crate) proxy: Proxy,
    pub(crate) directory: TempDir,
    pub(crate) clock: ManualClock,
    pub(crate) kept: Vec<TempDir>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// A server with further options, and the account `app` that may read a table and write another.
    pub(crate) fn with(options: &[&str]) -> Self {
        let server = Mariadb::start_with(options);
        server.sql(&format!(
            "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT); CREATE USER app@'%' IDENTIFIED BY '{OLD}'; \
             GRANT SELECT ON shop.* TO app@'%'; GRANT INSERT ON shop.orders TO app@'%';"
        ));
        let proxy = Proxy::to(server.port());
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("admin"), server.admin().1).unwrap();
        Self { server, proxy, directory, clock: ManualClock::at(Timestamp::UNIX_EPOCH), kept: Vec::new() }
    }

    /// Settings with a `login`, and `more`.
    pub(crate) fn settings(&self, more: &str) -> String {
        let (user, _) = self.server.admin();
        format!("{}\nlogin: {{ user: {user}, password: file:admin }}", self.settings_without_login(more))
    }

    /// Settings without a `login`.
    pub(crate) fn settings_without_login(&self, more: &str) -> String {
        let tls = if more.contains("tls:") { "" } else { "\ntls: { mode: disable }" };
        format!("host: 127.0.0.1\nport: {}{tls}\n{more}", self.proxy.port())
    }

    pub(crate) fn target(&self, text: &str) -> Arc<dyn Target> {
        let surroundings =
            Surroundings { base: self.directory.path().to_owned(), clock: Arc::new(self.clock.clone()) };
        configure_in(&surroundings, text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    /// The rotator for `identity`, with the administrator and `more`.
    pub(crate) fn rotator(&self, more: &str, identity: &str) -> Arc<dyn Rotator> {
        self.target(&self.settings(more)).rotator(Some(&Identity::from(identity)))
    }

    /// What the server keeps of its accounts, without what changes by itself.
    pub(crate) fn state(&self) -> String {
        state(&self.server)
    }
}

/// `Err` with the mistakes as they are printed.
pub(crate) fn configure(text: &str) -> Result<Arc<dyn Target>, String> {
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    configure_in(&Surroundings { base: "/nowhere".into(), clock }, text)
}

pub(crate) fn configure_in(surroundings: &Surroundings, text: &str) -> Result<Arc<dyn Target>, String> {
    declared::configure(&*kinds()[0], surroundings, text)
}

pub(crate) fn state(server: &Mariadb) -> String {
    server.sql(
        "SELECT User, Host, JSON_REMOVE(Priv, '$.password_last_changed') FROM mysql.global_priv ORDER BY 1, 2; \
         SELECT * FROM mysql.db; SELECT Db, User, Host, Table_name, Table_priv FROM mysql.tables_priv; \
         SELECT * FROM mysql.roles_mapping",
    )
}

pub(crate) fn context() -> CallContext {
    CallContext {
        rotation: RotationId::from_random([1; 16]),
        started_at: Timestamp::UNIX_EPOCH,
        initiator: "tests".into(),
        deadline: Duration::MAX,
        fence: Fence(1),
    }
}

/// A value with whom it is for.
pub(crate) struct For(pub(crate) Identity, pub(crate) SecretValue);

impl For {
    pub(crate) fn lend(&self) -> Credential<'_> {
        Credential { identity: Some(&self.0), value: &self.1 }
    }
}

pub(crate) fn credential(identity: &str, value: &str) -> For {
    For(identity.into(), SecretValue::copy_from(value.as_bytes()))
}

pub(crate) async fn probe(rotator: &Arc<dyn Rotator>, identity: &str, value: &str) -> Probe {
    rotator.probe(credential(identity, value).lend()).await.unwrap_or_else(|error| panic!("{error}"))
}

/// `apply` of [`NEW`] in place of [`OLD`].
pub(crate) async fn apply(rotator: &Arc<dyn Rotator>, identity: &str) -> keywheel_core::Result<()> {
    let old = credential(identity, OLD);
    rotator.apply(&context(), credential(identity, NEW).lend(), Some(old.lend())).await
}

/// All findings as text.
pub(crate) fn words(findings: &[Finding]) -> String {
    findings.iter().fold(String::new(), |text, finding| {
        let hint = finding.hint.as_deref().unwrap_or_default();
        text + &format!("{:?} {} -> {hint}\n", finding.severity, finding.message)
    })
}
