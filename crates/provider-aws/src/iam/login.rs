//! A request that anybody's key may make, whatever the policies are:
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>.

use std::time::Duration;

use aws_credential_types::Credentials;
use keywheel_core::{
    Error, ErrorKind, Identity, Result, SecretValue,
    rotator::{Credential, Probe},
};

use super::rotator::AccessKeys;
use crate::{call::Call, failure::Failure};

/// How long a new key, or the end of an old one, is waited for in one call.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long between two tries.
const PAUSE: Duration = Duration::from_millis(700);

/// What STS says to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Known,
    /// `InvalidClientTokenId`: there is no such key, it is inactive, or STS has not heard of it yet.
    NoSuchKey,
    /// `SignatureDoesNotMatch`: the value is another one, or the clock is off.
    OtherValue,
}

impl AccessKeys {
    /// A login. What STS refuses is asked of IAM, by keywheel's own key: a clock that is off and a key that is new are refused
    /// with the same words as a wrong one.
    pub(super) async fn log_in(&self, credential: Credential<'_>) -> Result<Probe> {
        let call = self.call("probe", None);
        let id = self.named(&call, credential.identity)?;
        let started = self.access.clock.running();
        loop {
            match self.ask(&call, id, credential.value).await? {
                Answer::Known => return Ok(Probe::Accepted),
                Answer::OtherValue => {
                    // Whether it was the clock: then this is refused as well.
                    self.keys(&call).await?;
                    return Ok(Probe::Rejected);
                }
                Answer::NoSuchKey => {}
            }
            let keys = self.keys(&call).await?;
            let Some(key) = keys.iter().find(|key| key.id == id.as_str() && key.active) else {
                return Ok(Probe::Rejected);
            };
            let age = key.created_at.map(|at| self.access.clock.now().as_second() - at.as_second());
            if age.is_none_or(|age| age > super::keys::APART) {
                let message = "IAM lists the key as active, and STS does not know it: check `region` and `sts-endpoint`";
                return Err(self.about(call.error(ErrorKind::InvalidConfig, message)));
            }
            if self.access.clock.running().saturating_sub(started) > PATIENCE {
                let message = "the key is new, and STS has not heard of it yet";
                return Err(self.about(call.error(ErrorKind::Unavailable, message)));
            }
            self.access.clock.sleep(PAUSE).await;
        }
    }

    /// Waits until nobody can log in with a key that IAM has no more.
    pub(super) async fn wait_for_end(
        &self,
        call: &Call<'_>,
        id: &Identity,
        value: &SecretValue,
    ) -> Result<()> {
        let started = self.access.clock.running();
        loop {
            match self.ask(call, id, value).await? {
                Answer::NoSuchKey | Answer::OtherValue => return Ok(()),
                Answer::Known => {}
            }
            if self.access.clock.running().saturating_sub(started) > PATIENCE {
                let message = "the key is deleted, and STS has not heard of it yet";
                return Err(self.about(call.error(ErrorKind::Unavailable, message)));
            }
            self.access.clock.sleep(PAUSE).await;
        }
    }

    /// Asks STS with keywheel's own key.
    pub(super) async fn reach_sts(&self, call: &Call<'_>) -> Result<(), Failure> {
        let config = self.access.config(call.operation).await;
        let config = config.map_err(|error| Failure { error, code: None })?;
        let mut settings = aws_sdk_sts::config::Builder::from(config).retry_classifier(self.access.put_off());
        settings.set_endpoint_url(self.sts_endpoint.clone());
        let client = aws_sdk_sts::Client::from_conf(settings.build());
        call.look(Box::pin(client.get_caller_identity().send())).await.map(|_| ())
    }

    async fn ask(&self, call: &Call<'_>, id: &Identity, value: &SecretValue) -> Result<Answer> {
        let text = std::str::from_utf8(value.expose_secret()).map_err(|_| {
            self.about(call.error(ErrorKind::InvalidValue, "the value is no text, so no secret access key"))
        })?;
        let config = self.access.config(call.operation).await?;
        let credentials = Credentials::from_keys(id.as_str(), text, None);
        let mut settings = aws_sdk_sts::config::Builder::from(config)
            .credentials_provider(credentials)
            .retry_classifier(self.access.put_off());
        settings.set_endpoint_url(self.sts_endpoint.clone());
        let client = aws_sdk_sts::Client::from_conf(settings.build());
        let found = match call.look(Box::pin(client.get_caller_identity().send())).await {
            Ok(found) => found,
            Err(failure) if failure.is(&["InvalidClientTokenId"]) => return Ok(Answer::NoSuchKey),
            Err(failure) if failure.is(&["SignatureDoesNotMatch"]) => return Ok(Answer::OtherValue),
            Err(failure) => return Err(self.about(failure.error)),
        };
        let arn = found.arn.unwrap_or_default();
        let whose = arn.split_once(":user/").and_then(|(_, path)| path.rsplit('/').next());
        if whose != Some(&*self.user) {
            let error = call.error(ErrorKind::InvalidConfig, "the key is of somebody else");
            return Err(self.about(error.with("of", arn)));
        }
        Ok(Answer::Known)
    }

    /// # Errors
    /// `InvalidConfig` for a value of which nobody says which key it is of.
    pub(super) fn named<'a>(
        &self,
        call: &Call<'_>,
        identity: Option<&'a Identity>,
    ) -> Result<&'a Identity, Error> {
        let is_id = |id: &&Identity| {
            !id.as_str().is_empty() && id.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        identity.filter(|id| id.as_str().len() <= 128).filter(is_id).ok_or_else(|| {
            let message = "it is not known which access key the value is of: write the key's id, `AKIA…`, as the \
                           secret's `identity`";
            self.about(call.error(ErrorKind::InvalidConfig, message))
        })
    }
}
