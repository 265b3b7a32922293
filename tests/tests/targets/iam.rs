//! Access keys of IAM users. The stand-in checks signatures and takes an inactive key all the same, so that who looks from
//! outside asks for the list of keys as well. It forgets everything when it ends, and is never restarted.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use aws_credential_types::Credentials;
use aws_sdk_iam::config::{BehaviorVersion, Region, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::{Builder, Connector};
use keywheel_testservers::{Mended, Moto};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::{
    server::{Login, Server, Strategy},
    trouble::Trouble,
};

const ADMINISTRATOR: &str = "admin";
const REGION: &str = "eu-central-1";

/// An account whose keys are checked, and an administrator of it.
struct Account {
    moto: Moto,
    errors: Mended,
    runtime: Runtime,
    admin: Login,
    /// The ids of keys that were made by hand, by user.
    by_hand: Mutex<BTreeMap<String, String>>,
}

pub(crate) fn start() -> Box<dyn Server> {
    let moto = Moto::start();
    let runtime = Runtime::new().expect("a runtime");
    let anybody = Login { user: "AKIAANYBODY".to_owned(), password: "anybody".to_owned() };
    let client = client(moto.port(), &anybody);
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let admin = runtime.block_on(async {
        client.create_user().user_name(ADMINISTRATOR).send().await.expect("a user is made");
        let all =
            client.put_user_policy().user_name(ADMINISTRATOR).policy_name("all").policy_document(policy);
        all.send().await.expect("a policy is put");
        new_key(&client, ADMINISTRATOR).await
    });
    moto.check_keys();
    let errors = Mended::of(moto.port());
    Box::new(Account { moto, errors, runtime, admin, by_hand: Mutex::default() })
}

fn plain_http() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|_, _| Connector::builder().build_http())
}

fn client(port: u16, login: &Login) -> aws_sdk_iam::Client {
    let config = aws_sdk_iam::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::from_keys(&login.user, &login.password, None))
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .http_client(plain_http());
    aws_sdk_iam::Client::from_conf(config.build())
}

async fn new_key(client: &aws_sdk_iam::Client, user: &str) -> Login {
    let made = client.create_access_key().user_name(user).send().await.expect("a key is made");
    let key = made.access_key.expect("the answer has it");
    Login { user: key.access_key_id, password: key.secret_access_key }
}

impl Account {
    fn by_hand(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.by_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self) -> aws_sdk_iam::Client {
        client(self.moto.port(), &self.admin)
    }

    /// Every key of the user, and whether it is active.
    fn keys(&self, user: &str) -> Vec<(String, bool)> {
        let request = self.client().list_access_keys().user_name(user).send();
        let listed = self.runtime.block_on(request).expect("the keys are listed");
        let keys = listed.access_key_metadata.into_iter().map(|key| {
            let active = key.status.is_some_and(|status| status.as_str() == "Active");
            (key.access_key_id.unwrap_or_default(), active)
        });
        keys.collect()
    }
}

impl Server for Account {
    fn name(&self) -> &'static str {
        "iam"
    }

    fn strategies(&self) -> &'static [Strategy] {
        &[Strategy::Minted, Strategy::MintedWithoutRoom]
    }

    fn ports(&self) -> Vec<u16> {
        vec![self.errors.port()]
    }

    fn rotator(&self, _strategy: Strategy, user: &str, ports: &[u16]) -> String {
        let address = format!("http://127.0.0.1:{}", ports[0]);
        format!(
            "    aws-access-keys:\n      user: {user}\n      region: {REGION}\n      sts-endpoint: {address}\n      \
             access: {{ endpoint: \"{address}\", keys: {{ id: {}, secret: \"file:admin\" }} }}",
            self.admin.user
        )
    }

    fn administrator(&self) -> String {
        self.admin.password.clone()
    }

    fn create(&self, strategy: Strategy, user: &str, _password: &str) -> Login {
        let client = self.client();
        self.runtime.block_on(async {
            client.create_user().user_name(user).send().await.expect("a user is made");
            let login = new_key(&client, user).await;
            if strategy == Strategy::MintedWithoutRoom {
                let second = new_key(&client, user).await;
                self.by_hand().insert(user.to_owned(), second.user);
            }
            login
        })
    }

    fn accepts(&self, user: &str, password: &str) -> bool {
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::from_keys(
                user, password, None,
            )))
            .endpoint_url(format!("http://127.0.0.1:{}", self.moto.port()))
            .http_client(plain_http());
        let client = aws_sdk_sts::Client::from_conf(config.build());
        let answer = self.runtime.block_on(client.get_caller_identity().send());
        let Ok(identity) = answer else { return false };
        let arn = identity.arn.expect("whose the key is");
        let owner = arn.rsplit('/').next().expect("a name");
        self.keys(owner).contains(&(user.to_owned(), true))
    }

    fn strayed(&self, user: &str, kept: &Login) -> Vec<String> {
        let by_hand = self.by_hand().get(user).cloned();
        let expected: BTreeSet<_> =
            [kept.user.clone()].into_iter().chain(by_hand).map(|id| (id, true)).collect();
        let keys: BTreeSet<_> = self.keys(user).into_iter().collect();
        if keys == expected {
            Vec::new()
        } else {
            vec![format!("the keys are {keys:?} and not {expected:?}")]
        }
    }

    fn restart(&self) {
        unreachable!("it forgets its users");
    }

    /// One line for each request.
    fn written(&self) -> String {
        self.moto.log()
    }

    fn writes(&self) -> &'static str {
        "POST"
    }

    fn share(&self, trouble: Trouble) -> usize {
        match trouble {
            Trouble::Restarted => 0,
            // Of a mint whose reply nobody heard nothing is left but what is listed.
            Trouble::Killed => 4,
            Trouble::RequestLost | Trouble::ReplyLost | Trouble::Late | Trouble::Outage => trouble.share(),
        }
    }
}
