//! An account whose keys are checked, and an administrator of it.

use std::{
    future::pending,
    io::Write,
    path::Path,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use aws_sdk_iam::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
};
use jiff::Timestamp;
use keywheel_core::{Clock, provider::Surroundings, rotator::Rotator};
use keywheel_testkit::declared::{configure, surroundings};
use keywheel_testservers::{Mended, Moto, Stopwatch};
use serde_json::json;
use tokio::{sync::Mutex, time::timeout};

use crate::scene::REGION;

static SHARED: Mutex<Weak<Account>> = Mutex::const_new(Weak::new());

struct Account {
    moto: Moto,
    errors: Mended,
    id: String,
    secret: String,
}

impl Account {
    async fn open() -> Self {
        let moto = Moto::start();
        let anybody = client(moto.port(), "AKIAANYBODY", "anybody");
        anybody.create_user().user_name("admin").send().await.unwrap();
        let all = anybody.put_user_policy().user_name("admin").policy_name("all");
        all.policy_document(policy(&["*"])).send().await.unwrap();
        let made = anybody.create_access_key().user_name("admin").send().await.unwrap();
        let key = made.access_key.unwrap();
        moto.check_keys();
        let errors = Mended::of(moto.port());
        Self { moto, errors, id: key.access_key_id, secret: key.secret_access_key }
    }
}

#[derive(Clone)]
pub(crate) struct Ground {
    account: Arc<Account>,
    pub(crate) admin: Client,
}

fn client(port: u16, id: &str, secret: &str) -> Client {
    let config = aws_sdk_iam::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(id, secret, None, None, "test"))
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .http_client(
            aws_smithy_http_client::Builder::new()
                .build_with_connector_fn(|_, _| aws_smithy_http_client::Connector::builder().build_http()),
        )
        .build();
    Client::from_conf(config)
}

/// Whoever has it may do this. The stand-in checks no signature of a request with blanks in it.
pub(crate) fn policy(actions: &[&str]) -> String {
    let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

/// Time as it passes.
pub(crate) struct Real(Stopwatch);

impl Real {
    pub(crate) fn new() -> Self {
        Self(Stopwatch::start())
    }
}

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

impl Ground {
    pub(crate) async fn shared() -> Self {
        let mut shared = SHARED.lock().await;
        let running = shared.upgrade();
        let account = if let Some(account) = running { account } else { Arc::new(Account::open().await) };
        *shared = Arc::downgrade(&account);
        let admin = client(account.errors.port(), &account.id, &account.secret);
        Self { account, admin }
    }

    pub(crate) fn port(&self) -> u16 {
        self.account.errors.port()
    }

    pub(crate) fn log(&self) -> String {
        self.account.moto.log()
    }

    /// A user that no other test has, with one key.
    pub(crate) async fn user(&self) -> (String, String, String) {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("app-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.admin.create_user().user_name(&name).path("/team/").send().await.unwrap();
        let (id, secret) = self.key(&name).await;
        (name, id, secret)
    }

    /// A key that somebody makes by hand.
    pub(crate) async fn key(&self, user: &str) -> (String, String) {
        let made = self.admin.create_access_key().user_name(user).send().await.unwrap();
        let key = made.access_key.unwrap();
        (key.access_key_id, key.secret_access_key)
    }

    /// Uses a key, as an application would.
    pub(crate) async fn use_key(&self, id: &str, secret: &str) {
        // It is refused, and it was used.
        let _refused = client(self.port(), id, secret).list_users().send().await;
    }

    /// Every key of the user and whether it is active.
    pub(crate) async fn keys(&self, user: &str) -> Vec<(String, String)> {
        let found = self.admin.list_access_keys().user_name(user).send().await.unwrap();
        let mut keys: Vec<_> = found
            .access_key_metadata
            .into_iter()
            .map(|key| (key.access_key_id.unwrap(), key.status.unwrap().to_string()))
            .collect();
        keys.sort();
        keys
    }

    pub(crate) fn rotator(&self, user: &str) -> Arc<dyn Rotator> {
        self.rotator_through(self.port(), user, "").unwrap()
    }

    pub(crate) fn rotator_through(
        &self,
        port: u16,
        user: &str,
        further: &str,
    ) -> Result<Arc<dyn Rotator>, String> {
        declared(port, user, &self.account.id, &self.account.secret, further)
    }
}

/// A rotator that asks at `port` with this key.
pub(crate) fn declared(
    port: u16,
    user: &str,
    id: &str,
    secret: &str,
    further: &str,
) -> Result<Arc<dyn Rotator>, String> {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut key = tempfile::NamedTempFile::new_in(base).unwrap();
    key.write_all(secret.as_bytes()).unwrap();
    key.persist(base.join(id)).unwrap();
    let settings = format!(
        "user: {user}\nregion: {REGION}\nsts-endpoint: http://127.0.0.1:{port}\naccess:\n  \
         keys: {{id: {id}, secret: 'file:{id}'}}\n  endpoint: http://127.0.0.1:{port}\n{further}"
    );
    let kinds = keywheel_provider_aws::access_keys::kinds();
    let surroundings = Surroundings { clock: Arc::new(Real::new()), ..surroundings(base) };
    configure(&*kinds[0], &surroundings, &settings).map(|target| target.rotator(None))
}
