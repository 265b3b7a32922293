//! A secret in a stand-in for Secrets Manager, rotations of it begun as the service begins them, and a function.

use std::{
    fs,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_secretsmanager::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::RotationRulesType,
};
use keywheel_core::{OsEntropy, Result, inventory::CredentialRef, provider::Surroundings};
use keywheel_engine::SystemClock;
use keywheel_lambda::{Event, Outcome, RotationFunction, Settings, Step};
use keywheel_provider_aws::{AccessSettings, KeySettings, SecretsManagerSettings};
use keywheel_testservers::{Mariadb, Moto, Postgres};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const OLD: &str = "the-password-before-the-rotation";
const REGION: &str = "eu-central-1";

/// A secret, and whoever is called for it.
pub(crate) struct Scene {
    pub(crate) name: String,
    pub(crate) client: Client,
    pub(crate) users: &'static str,
    moto: Arc<Moto>,
    directory: TempDir,
}

impl Scene {
    /// No secret yet.
    pub(crate) fn new(users: &'static str) -> Self {
        let moto = Moto::shared();
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("key"), "the-secret-access-key-of-nobody").unwrap();
        let client = client(moto.port());
        Self { name: fresh("prod/db"), client, users, moto, directory }
    }

    /// One whose current value is `document`.
    pub(crate) async fn with(users: &'static str, document: &str) -> Self {
        let scene = Self::new(users);
        scene.client.create_secret().name(&scene.name).secret_string(document).send().await.unwrap();
        scene
    }

    pub(crate) fn moto_port(&self) -> u16 {
        self.moto.port()
    }

    /// A rotation is begun, as Secrets Manager does it: there is a version with a label and without a value. The stand-in looks
    /// for the function after it has done so, and does not find it.
    pub(crate) async fn begin(&self) -> String {
        let token = token();
        let labels = self.labels().await;
        if let Some((_, id)) = labels.iter().find(|(label, _)| label == "AWSPENDING")
            && labels.contains(&("AWSCURRENT".to_owned(), id.clone()))
        {
            // The service takes it along; the stand-in refuses to go on.
            self.unlabel("AWSPENDING", id).await;
        }
        let rules = RotationRulesType::builder().automatically_after_days(30).build();
        let refused = self
            .client
            .rotate_secret()
            .secret_id(&self.name)
            .client_request_token(&token)
            .rotation_lambda_arn("arn:aws:lambda:eu-central-1:123456789012:function:none")
            .rotation_rules(rules)
            .send()
            .await;
        assert!(refused.is_err(), "there is no such function");
        assert!(self.labels().await.contains(&("AWSPENDING".to_owned(), token.clone())));
        token
    }

    pub(crate) async fn unlabel(&self, label: &str, id: &str) {
        let request = self.client.update_secret_version_stage().secret_id(&self.name).version_stage(label);
        request.remove_from_version_id(id).send().await.unwrap();
    }

    /// The service's own rotation is turned off.
    pub(crate) async fn cancel(&self) {
        self.client.cancel_rotate_secret().secret_id(&self.name).send().await.unwrap();
    }

    /// A value for the pending version that was not made by the function.
    pub(crate) async fn put(&self, token: &str, document: &str) {
        let request = self.client.put_secret_value().secret_id(&self.name).client_request_token(token);
        request.secret_string(document).version_stages("AWSPENDING").send().await.unwrap();
    }

    pub(crate) async fn labels(&self) -> Vec<(String, String)> {
        let seen = self.client.describe_secret().secret_id(&self.name).send().await.unwrap();
        let mut labels: Vec<_> = seen
            .version_ids_to_stages
            .unwrap_or_default()
            .into_iter()
            .flat_map(|(id, labels)| labels.into_iter().map(move |label| (label, id.clone())))
            .collect();
        labels.sort();
        labels
    }

    /// What stands in the version with `label`.
    pub(crate) async fn document(&self, label: &str) -> Option<Value> {
        let request = self.client.get_secret_value().secret_id(&self.name).version_stage(label);
        let answer = request.send().await.ok()?;
        Some(serde_json::from_str(&answer.secret_string?).unwrap())
    }

    pub(crate) async fn password(&self, label: &str) -> String {
        self.document(label).await.unwrap()["password"].as_str().unwrap().to_owned()
    }

    /// A function as Lambda would start it anew.
    pub(crate) fn function(&self) -> RotationFunction {
        self.function_at(self.moto_port(), &[])
    }

    /// One that finds Secrets Manager at another port, with further variables.
    pub(crate) fn function_at(&self, port: u16, variables: &[(&str, &str)]) -> RotationFunction {
        let base = self.directory.path();
        let settings = Settings::read(|name| match name {
            "ROTATION_USERS" => Some(self.users.to_owned()),
            "LAMBDA_TASK_ROOT" => Some(base.display().to_string()),
            name => variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        })
        .unwrap();
        let surroundings = Surroundings { base: base.to_owned(), clock: Arc::new(SystemClock) };
        let secret = CredentialRef::File(base.join("key"));
        let secrets = SecretsManagerSettings {
            region: Some(REGION.to_owned()),
            access: AccessSettings {
                keys: Some(KeySettings { id: "AKIAEXAMPLE".to_owned(), secret }),
                endpoint: Some(format!("http://127.0.0.1:{port}")),
                ..AccessSettings::default()
            },
            ..SecretsManagerSettings::default()
        };
        let secrets = secrets.rotated(&surroundings).map_err(|_| "mistakes").unwrap();
        RotationFunction::new(settings, secrets, Arc::new(SystemClock), Arc::new(OsEntropy))
    }

    /// A file beside the function's code.
    pub(crate) fn file(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).unwrap();
    }

    pub(crate) fn event(&self, token: &str, step: Step) -> Event {
        Event { secret: self.name.clone(), token: token.to_owned(), step }
    }

    /// One step, by a function that was just started.
    pub(crate) async fn step(&self, token: &str, step: Step) -> Result<Outcome> {
        self.function().serve(&self.event(token, step), Duration::from_mins(1)).await
    }

    /// The four steps in order.
    pub(crate) async fn rotate(&self) -> String {
        let token = self.begin().await;
        for step in Step::ALL {
            self.step(&token, step).await.unwrap_or_else(|error| panic!("{step}: {error}"));
        }
        token
    }
}

pub(crate) fn client(port: u16) -> Client {
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new("AKIAEYE", "of-the-eye", None, None, "test"))
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .http_client(
            aws_smithy_http_client::Builder::new()
                .build_with_connector_fn(|_, _| aws_smithy_http_client::Connector::builder().build_http()),
        )
        .build();
    Client::from_conf(config)
}

/// A name that no other test of this process uses.
pub(crate) fn fresh(name: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("{name}_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn token() -> String {
    keywheel_core::Entropy::rotation_id(&OsEntropy).unwrap().to_string()
}

static POSTGRES: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
static MARIADB: Mutex<Weak<Mariadb>> = Mutex::new(Weak::new());

/// The server that the tests of this process share, started with the first of them.
fn shared<T>(place: &Mutex<Weak<T>>, start: impl FnOnce() -> T) -> Arc<T> {
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    place.upgrade().unwrap_or_else(|| {
        let started = Arc::new(start());
        *place = Arc::downgrade(&started);
        started
    })
}

pub(crate) fn postgres() -> Arc<Postgres> {
    shared(&POSTGRES, Postgres::start)
}

pub(crate) fn mariadb() -> Arc<Mariadb> {
    shared(&MARIADB, Mariadb::start)
}

/// A new role of the server that has [`OLD`].
pub(crate) fn role(server: &Postgres) -> String {
    let role = fresh("app");
    server.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD '{OLD}'"));
    role
}

/// A new account of the server that has [`OLD`].
pub(crate) fn account(server: &Mariadb) -> String {
    let account = fresh("app");
    server.sql(&format!("CREATE USER {account}@'%' IDENTIFIED BY '{OLD}'"));
    account
}

/// As the console writes it, without TLS, and with fields that are nobody's business.
pub(crate) fn document(engine: &str, port: u16, user: &str) -> Value {
    json!({
        "engine": engine, "host": "127.0.0.1", "port": port, "username": user, "password": OLD, "ssl": false,
        "dbInstanceIdentifier": "shop", "more": {"kept": [1, 2]},
    })
}
