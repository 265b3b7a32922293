//! A server with roles, connections and keys, and rotators as the inventory declares them.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use keywheel_core::{
    CallContext, Identity, RotationId, SecretValue,
    provider::Target,
    rotator::{Credential, Probe, Rotator},
};
use keywheel_testkit::declared::{call, configure, surroundings};
use keywheel_testservers::{OpenBao, Postgres};
use serde_json::{Value, json};
use tempfile::TempDir;

/// An `OpenBao` with keys, and with a `PostgreSQL` at which it makes credentials.
pub(crate) struct Ground {
    pub(crate) bao: Arc<OpenBao>,
    postgres: Option<Postgres>,
    /// Where the engines of this ground are.
    pub(crate) database: String,
    pub(crate) transit: String,
    directory: TempDir,
}

/// The password with which the server logs in first.
pub(crate) const FIRST: &str = "the-password-that-somebody-chose";

impl Ground {
    /// One with the keys `orders`, `signing` and `tags`, and no database.
    pub(crate) fn of_keys() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (database, transit) = (format!("database-{number}"), format!("transit-{number}"));
        let bao = OpenBao::shared();
        bao.mount(&database, &json!({ "type": "database" }));
        bao.mount(&transit, &json!({ "type": "transit" }));
        for (key, settings) in [
            ("orders", json!({ "type": "aes256-gcm96" })),
            ("signing", json!({ "type": "ed25519" })),
            ("tags", json!({ "type": "hmac", "key_size": 32 })),
        ] {
            bao.write(&format!("{transit}/keys/{key}"), &settings);
        }
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("token"), bao.root_token()).unwrap();
        Self { bao, postgres: None, database, transit, directory }
    }

    /// One with the connection `main` and the role `app`, whose user is `app-user`, besides.
    pub(crate) fn start() -> Self {
        let mut ground = Self::of_keys();
        let (bao, database) = (&ground.bao, &ground.database);
        // A test kills it, and what was made before is to be there when it starts again.
        let postgres = Postgres::prepare().setting("synchronous_commit", "on").start();
        postgres.sql(&format!(
            "CREATE ROLE vaultadmin SUPERUSER LOGIN PASSWORD '{FIRST}'; CREATE ROLE \"app-user\" LOGIN PASSWORD 'old'"
        ));
        let port = postgres.port();
        let url = format!(
            "postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{port}/postgres?sslmode=disable"
        );
        bao.write(
            &format!("{database}/config/main"),
            &json!({
                "plugin_name": "postgresql-database-plugin",
                "allowed_roles": "*",
                "connection_url": url,
                "username": "vaultadmin",
                "password": FIRST,
            }),
        );
        bao.write(
            &format!("{database}/static-roles/app"),
            &json!({ "db_name": "main", "username": "app-user", "rotation_period": "24h" }),
        );
        ground.postgres = Some(postgres);
        ground
    }

    pub(crate) fn postgres(&self) -> &Postgres {
        self.postgres.as_ref().expect("a ground with a database")
    }

    pub(crate) fn postgres_itself(&mut self) -> &mut Postgres {
        self.postgres.as_mut().expect("a ground with a database")
    }

    pub(crate) fn base(&self) -> &Path {
        self.directory.path()
    }

    /// The target of `kind`, with `more` settings.
    pub(crate) fn target(&self, kind: &str, mount: &str) -> Arc<dyn Target> {
        target(
            self.base(),
            kind,
            &format!("address: '{}'\nauth: {{ token: 'file:token' }}\nmount: {mount}", self.bao.url()),
        )
        .unwrap()
    }

    pub(crate) fn static_role(&self, name: &str) -> Arc<dyn Rotator> {
        self.target("vault-static-role", &self.database).rotator(Some(&Identity::from(name)))
    }

    pub(crate) fn root_credential(&self, name: &str) -> Arc<dyn Rotator> {
        self.target("vault-root-credential", &self.database).rotator(Some(&Identity::from(name)))
    }

    pub(crate) fn key(&self, name: &str) -> Arc<dyn Rotator> {
        self.target("vault-transit-key", &self.transit).rotator(Some(&Identity::from(name)))
    }

    /// What the server hands out for the role `app`.
    pub(crate) fn password(&self) -> String {
        let creds = self.bao.read(&format!("{}/static-creds/app", self.database)).unwrap();
        creds["password"].as_str().unwrap().to_owned()
    }

    /// A key as the server shows it.
    pub(crate) fn shown(&self, key: &str) -> Value {
        self.bao.read(&format!("{}/keys/{key}", self.transit)).unwrap()
    }
}

/// What `kind` makes of settings.
pub(crate) fn target(base: &Path, kind: &str, settings: &str) -> Result<Arc<dyn Target>, String> {
    let kinds = keywheel_provider_vault::rotators::kinds();
    let kind = kinds.iter().find(|known| known.name() == kind).expect("a known kind");
    configure(&**kind, &surroundings(base), settings)
}

pub(crate) fn value(text: &str) -> SecretValue {
    SecretValue::copy_from(text.as_bytes())
}

/// A call of the `number`-th rotation.
pub(crate) fn rotation(number: u8) -> CallContext {
    CallContext { rotation: RotationId::from_random([number; 16]), ..call(Duration::from_secs(30)) }
}

pub(crate) async fn accepts(rotator: &dyn Rotator, text: &str) -> bool {
    let value = value(text);
    rotator.probe(Credential { identity: None, value: &value }).await.unwrap() == Probe::Accepted
}
