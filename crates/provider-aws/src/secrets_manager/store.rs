//! `aws-secrets-manager`: the secrets of one account and region.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_secretsmanager::{Client, config::Builder};
use keywheel_core::{
    Fingerprinter, Result,
    provider::{Entrusted, Finding, Store},
    rotation::Location,
    secret::{Secret, Stage},
};
use tokio::sync::OnceCell;

use super::{examine, first, secret::AwsSecret};
use crate::access::Access;

/// The longest name: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>.
const LONGEST_NAME: usize = 512;

/// A declared store of kind `aws-secrets-manager`.
pub(crate) struct SecretsManager(Arc<Shared>);

/// What the secrets of one store share.
pub(crate) struct Shared {
    pub(crate) access: Access,
    /// For secrets that are created here.
    pub(crate) kms_key: Option<String>,
    /// Whether text is kept as bytes, too.
    pub(crate) binary: bool,
    pub(super) client: OnceCell<Client>,
}

impl Shared {
    pub(crate) async fn client(&self, operation: &'static str) -> Result<&Client> {
        let config = self.access.config(operation).await?;
        let make = || async {
            let mut builder = Builder::from(config).retry_classifier(self.access.put_off());
            builder.set_endpoint_url(self.access.endpoint.clone());
            Client::from_conf(builder.build())
        };
        Ok(self.client.get_or_init(make).await)
    }
}

impl SecretsManager {
    pub(crate) fn new(access: Access, kms_key: Option<String>, binary: bool) -> Self {
        Self(Arc::new(Shared { access, kms_key, binary, client: OnceCell::new() }))
    }
}

#[async_trait]
impl Store for SecretsManager {
    fn describe(&self) -> String {
        format!("AWS Secrets Manager in {}", self.0.access.describe())
    }

    fn check_location(&self, location: &Location) -> Result<(), String> {
        let Location { key, next, previous } = location;
        if next.is_some() {
            return Err("this store has no place for the next version: leave `next` out".to_owned());
        }
        if previous.as_deref().is_some_and(|label| label != "AWSPREVIOUS") {
            return Err("the previous version has the label AWSPREVIOUS: leave `previous` out".to_owned());
        }
        let refuse = |why: &str| Err(format!("`{key}` cannot be the name of a secret: {why}"));
        if key.starts_with("arn:") {
            return refuse("it is an ARN; write the name alone, and the region in the store's settings");
        }
        if key.is_empty() || key.len() + first::SUFFIX.len() > LONGEST_NAME {
            return refuse("it is empty or too long");
        }
        if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte)) {
            return refuse("only letters, digits and /_+=.@- can stand in one");
        }
        if key.ends_with(first::SUFFIX) {
            return refuse("keywheel itself uses `….keywheel-pending`");
        }
        Ok(())
    }

    fn beside(&self, _key: &str, stage: Stage) -> Option<Arc<str>> {
        match stage {
            Stage::Previous => Some("AWSPREVIOUS".into()),
            Stage::Pending | Stage::Next | Stage::Current => None,
        }
    }

    fn secret(&self, location: &Location, fingerprinter: Fingerprinter) -> Arc<dyn Secret> {
        Arc::new(AwsSecret::new(Arc::clone(&self.0), Arc::clone(&location.key), fingerprinter))
    }

    async fn examine(&self, entrusted: &[Entrusted]) -> Vec<Finding> {
        examine::findings(&self.0, entrusted).await
    }
}
