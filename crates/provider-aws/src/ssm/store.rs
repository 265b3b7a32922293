//! `aws-ssm`: the parameters of one account and region.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_ssm::{Client, config::Builder};
use keywheel_core::{
    Fingerprinter, Result,
    provider::{Entrusted, Finding, Store},
    rotation::Location,
    secret::{Secret, Stage},
};
use tokio::sync::OnceCell;

use super::{
    examine, labels,
    secret::{AwsParameter, Tier},
};
use crate::access::Access;

/// Where pending values are.
pub(super) const PENDING_ROOT: &str = "/keywheel-pending";

/// The longest name and the deepest hierarchy, both with what stands before a pending value's:
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>.
const LONGEST_NAME: usize = 1011 - PENDING_ROOT.len();
const DEEPEST: usize = 14;

/// A declared store of kind `aws-ssm`.
pub(crate) struct ParameterStore(Arc<Shared>);

/// What the secrets of one store share.
pub(crate) struct Shared {
    pub(crate) access: Access,
    /// What values are encrypted with, in place of what they were encrypted with before.
    pub(crate) kms_key: Option<String>,
    pub(crate) tier: Tier,
    client: OnceCell<Client>,
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

impl ParameterStore {
    pub(crate) fn new(access: Access, kms_key: Option<String>, tier: Tier) -> Self {
        Self(Arc::new(Shared { access, kms_key, tier, client: OnceCell::new() }))
    }
}

#[async_trait]
impl Store for ParameterStore {
    fn describe(&self) -> String {
        format!("AWS SSM Parameter Store in {}", self.0.access.describe())
    }

    fn check_location(&self, location: &Location) -> Result<(), String> {
        let Location { key, next, previous } = location;
        if next.is_some() {
            return Err("this store has no place for the next version: leave `next` out".to_owned());
        }
        let beside = self.beside(key, Stage::Previous);
        if previous.as_ref().is_some_and(|place| Some(place) != beside.as_ref()) {
            let label = labels::PREVIOUS;
            return Err(format!("the previous version has the label `{label}`: leave `previous` out"));
        }
        let refuse = |why: &str| Err(format!("`{key}` cannot be the name of a parameter: {why}"));
        if key.starts_with("arn:") {
            return refuse("it is an ARN; write the name alone, and the region in the store's settings");
        }
        if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_.-".contains(&byte)) {
            return refuse("only letters, digits and /_.- can stand in one");
        }
        let path = key.strip_prefix('/').unwrap_or(key);
        if path.is_empty() || path.split('/').any(str::is_empty) {
            return refuse("it is empty, or one of the parts between its slashes is");
        }
        if !key.starts_with('/') && path.contains('/') {
            return refuse("with a slash in it, it begins with one");
        }
        if key.len() > LONGEST_NAME || path.split('/').count() > DEEPEST {
            return refuse("it is too long, or has more than 14 parts");
        }
        let first = path.get(..3).unwrap_or_default().to_ascii_lowercase();
        if first == "aws" || first == "ssm" {
            return refuse("AWS itself uses names that begin with `aws` and `ssm`");
        }
        if format!("/{path}/").starts_with(&format!("{PENDING_ROOT}/")) {
            return refuse("keywheel itself uses `/keywheel-pending`");
        }
        Ok(())
    }

    fn beside(&self, key: &str, stage: Stage) -> Option<Arc<str>> {
        match stage {
            Stage::Previous => Some(format!("{key}:{}", labels::PREVIOUS).into()),
            Stage::Pending | Stage::Next | Stage::Current => None,
        }
    }

    fn secret(&self, location: &Location, fingerprinter: Fingerprinter) -> Arc<dyn Secret> {
        Arc::new(AwsParameter::new(Arc::clone(&self.0), Arc::clone(&location.key), fingerprinter))
    }

    async fn examine(&self, entrusted: &[Entrusted]) -> Vec<Finding> {
        examine::findings(&self.0, entrusted).await
    }
}
