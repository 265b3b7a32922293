//! What others see of parameters, and do to them.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_ssm::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::{ParameterHistory, ParameterType},
};

use crate::scene::REGION;

/// A name that no other test of this process uses, in a path of its own.
pub(crate) fn fresh() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("/prod/{}/password", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A client with rights of its own.
#[derive(Clone)]
pub(crate) struct Eye {
    pub(crate) client: Client,
}

impl Eye {
    pub(crate) fn at(port: u16) -> Self {
        let config =
            aws_sdk_ssm::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(REGION))
                .credentials_provider(Credentials::new("AKIAEYE", "of-the-eye", None, None, "test"))
                .endpoint_url(format!("http://127.0.0.1:{port}"))
                .http_client(aws_smithy_http_client::Builder::new().build_with_connector_fn(|_, _| {
                    aws_smithy_http_client::Connector::builder().build_http()
                }))
                .build();
        Self { client: Client::from_conf(config) }
    }

    /// A version that somebody else puts; which one it is.
    pub(crate) async fn put(&self, name: &str, value: &str) -> i64 {
        let request = self.client.put_parameter().name(name).value(value).r#type(ParameterType::SecureString);
        request.overwrite(true).send().await.unwrap().version
    }

    pub(crate) async fn label(&self, name: &str, version: i64, label: &str) {
        let request = self.client.label_parameter_version().name(name).parameter_version(version);
        request.labels(label).send().await.unwrap();
    }

    /// Every version, oldest first.
    pub(crate) async fn history(&self, name: &str) -> Vec<ParameterHistory> {
        let (mut found, mut token) = (Vec::new(), None);
        loop {
            let request = self.client.get_parameter_history().name(name).with_decryption(true);
            let Ok(page) = request.set_next_token(token).send().await else { return found };
            found.extend(page.parameters.unwrap_or_default());
            token = page.next_token;
            if token.is_none() {
                return found;
            }
        }
    }

    /// Number, value and labels of each version, and what is pending.
    pub(crate) async fn everything(&self, name: &str) -> Vec<(i64, String, Vec<String>)> {
        let mut all = self.history(name).await;
        all.extend(self.history(&format!("/keywheel-pending{name}")).await);
        all.into_iter()
            .map(|version| {
                let mut labels = version.labels.unwrap_or_default();
                labels.sort();
                (version.version, version.value.unwrap(), labels)
            })
            .collect()
    }

    /// What consumers get that ask by name, by label, or for all that is in the parameter's path.
    pub(crate) async fn consumers_see(&self, name: &str) -> Vec<Vec<u8>> {
        let mut seen = Vec::new();
        for selector in [name.to_owned(), format!("{name}:current"), format!("{name}:previous")] {
            let answer = self.client.get_parameter().name(selector).with_decryption(true).send().await;
            seen.extend(answer.ok().and_then(|output| output.parameter?.value).map(String::into_bytes));
        }
        let path = name.rsplit_once('/').unwrap().0;
        let request = self.client.get_parameters_by_path().path(path).recursive(true).with_decryption(true);
        let found = request.send().await.unwrap().parameters.unwrap_or_default();
        seen.extend(found.into_iter().filter_map(|found| found.value).map(String::into_bytes));
        seen
    }
}
