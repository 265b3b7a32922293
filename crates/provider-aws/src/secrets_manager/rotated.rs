//! A secret that Secrets Manager rotates by itself, as a rotation function sees it: the service has begun the rotation, with a
//! token and the label `AWSPENDING`, and the function fills in the rest.
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html>

use std::{cmp::Reverse, sync::Arc};

use aws_sdk_secretsmanager::primitives::DateTime;
use keywheel_core::{
    CallContext, ErrorKind, Fingerprinter, Result, SecretValue,
    provider::{Mistake, Surroundings},
};
use tokio::sync::OnceCell;

use super::{
    picture::{CURRENT, PENDING, PREVIOUS},
    requests::LABEL_MOVED,
    secret::AwsSecret,
    store::Shared,
};
use crate::{call::Call, settings::SecretsManagerSettings};

/// As many versions as the service lists at once.
const PAGE: i32 = 100;

/// The secrets that a rotation function is called for.
pub struct RotatedSecrets(Arc<Shared>);

/// One of them. Every request is made once; whoever calls decides about a repetition.
pub struct RotatedSecret(AwsSecret);

/// Which versions have the labels that a rotation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationLabels {
    /// Whether the secret is configured to be rotated.
    pub rotation_enabled: bool,
    /// The version with `AWSCURRENT`.
    pub current: Option<String>,
    /// The version with `AWSPREVIOUS`.
    pub previous: Option<String>,
    /// The version with `AWSPENDING`.
    pub pending: Option<String>,
    /// Every version that has a label at all.
    pub versions: Vec<String>,
}

impl SecretsManagerSettings {
    /// For a rotation function.
    ///
    /// # Errors
    /// Every mistake in the settings.
    pub fn rotated(self, surroundings: &Surroundings) -> Result<RotatedSecrets, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let access = self.access.resolve(self.region, surroundings, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let (kms_key, binary, client) = (self.kms_key, self.binary, OnceCell::new());
        Ok(RotatedSecrets(Arc::new(Shared { access, kms_key, binary, client })))
    }
}

impl RotatedSecrets {
    /// The secret that `id` names, by its ARN or its name.
    pub fn secret(&self, id: &str) -> RotatedSecret {
        RotatedSecret(AwsSecret::new(Arc::clone(&self.0), id.into(), Fingerprinter::plain()))
    }
}

impl RotatedSecret {
    /// Who has which label now.
    ///
    /// # Errors
    /// `NotFound` when there is no such secret; `InvalidConfig` for one that cannot be changed: it is scheduled for deletion,
    /// or a replica.
    pub async fn labels(&self, context: &CallContext) -> Result<RotationLabels> {
        let call = self.0.call("find versions", Some(context));
        self.seen(&call).await
    }

    /// The value of version `id`; `None` if it has none yet.
    ///
    /// # Errors
    /// What keeps the service from telling it.
    pub async fn value(&self, context: &CallContext, id: &str) -> Result<Option<SecretValue>> {
        let call = self.0.call("read version", Some(context));
        Ok(self.0.value(&call, &self.0.name, id).await?.map(|found| found.value))
    }

    /// The value that whoever asks for the secret gets.
    ///
    /// # Errors
    /// As [`RotatedSecret::value`].
    pub async fn current(&self, context: &CallContext) -> Result<Option<SecretValue>> {
        let call = self.0.call("read version", Some(context));
        Ok(self.0.labelled(&call, CURRENT).await?.map(|found| found.value))
    }

    /// The youngest versions without a label, the youngest first: what rotations left that were given up. The service removes
    /// such versions in its own time, and none of the last day.
    ///
    /// # Errors
    /// What keeps the service from listing them; it asks for a right of its own, `secretsmanager:ListSecretVersionIds`.
    pub async fn unlabelled(&self, context: &CallContext) -> Result<Vec<String>> {
        let call = self.0.call("list versions", Some(context));
        let client = self.0.shared.client(call.operation).await?;
        let request = client
            .list_secret_version_ids()
            .secret_id(&*self.0.name)
            .include_deprecated(true)
            .max_results(PAGE);
        let listed =
            call.look(Box::pin(request.send())).await.map_err(|failure| self.0.about(failure.error))?;
        let mut left: Vec<_> =
            listed.versions().iter().rev().filter(|version| version.version_stages().is_empty()).collect();
        left.sort_by_key(|version| Reverse(version.created_date().map(DateTime::secs)));
        Ok(left.into_iter().filter_map(|version| version.version_id()).map(ToOwned::to_owned).collect())
    }

    /// Gives the version `token`, which has the label `AWSPENDING`, its value.
    ///
    /// # Errors
    /// `Conflict` when it has another one; `InvalidValue` when the service has no room for this one.
    pub async fn put_pending(&self, context: &CallContext, token: &str, value: &SecretValue) -> Result<()> {
        self.0.admit(value)?;
        let mut call = self.0.call("put pending version", Some(context));
        match self.0.put(&mut call, token, value, PENDING).await {
            Ok(_output) => Ok(()),
            Err(failure) if failure.is(&["ResourceExistsException"]) => Err(self.0.other_bytes(&call)),
            Err(failure) => Err(failure.error),
        }
    }

    /// Moves `AWSCURRENT` to the version `token`, which the service refuses unless it is at `from`: `from` becomes
    /// `AWSPREVIOUS` in the same step. Moved already: Ok.
    ///
    /// # Errors
    /// `Conflict` when somebody else moved it meanwhile.
    pub async fn make_current(&self, context: &CallContext, token: &str, from: Option<&str>) -> Result<()> {
        let mut call = self.0.call("make current", Some(context));
        let Err(failure) = self.0.attach(&mut call, CURRENT, token, from).await else { return Ok(()) };
        if !failure.is(LABEL_MOVED) {
            return Err(failure.error);
        }
        let now = self.seen(&call).await?;
        match now.current.as_deref() {
            Some(current) if current == token => Ok(()),
            current if current != from => Err(self.0.another_is_current(&call, current)),
            _ => Err(failure.error),
        }
    }

    async fn seen(&self, call: &Call<'_>) -> Result<RotationLabels> {
        let picture = self.0.describe(call, &self.0.name).await?;
        if !picture.exists {
            let error = call.error(ErrorKind::NotFound, "there is no such secret");
            return Err(self.0.about(error));
        }
        picture.writable(call, &self.0.name)?;
        let holder = |label| picture.holder(label).map(ToOwned::to_owned);
        Ok(RotationLabels {
            rotation_enabled: picture.rotates,
            current: holder(CURRENT),
            previous: holder(PREVIOUS),
            pending: holder(PENDING),
            versions: picture.versions().map(ToOwned::to_owned).collect(),
        })
    }
}
