//! The requests that the service is asked, each once.

use aws_sdk_secretsmanager::{
    operation::{get_secret_value::GetSecretValueOutput, put_secret_value::PutSecretValueOutput},
    primitives::Blob,
};
use jiff::Timestamp;
use keywheel_core::{Error, ErrorKind, Result, SecretValue};

use super::{picture::Picture, secret::AwsSecret};
use crate::{call::Call, failure::Failure};

/// There is no such secret, or no such version of it.
pub(super) const NOT_FOUND: &[&str] = &["ResourceNotFoundException"];

/// A label is not where the request said: somebody else was faster.
pub(super) const LABEL_MOVED: &[&str] = &["InvalidParameterException", "ResourceNotFoundException"];

/// A value, in the one of two forms that the store keeps it in.
pub(super) struct Payload {
    pub(super) string: Option<String>,
    pub(super) binary: Option<Blob>,
}

/// A version's value, and when the store got it.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) value: SecretValue,
    pub(super) created_at: Option<Timestamp>,
}

impl AwsSecret {
    pub(super) fn payload(&self, value: &SecretValue) -> Payload {
        let bytes = value.expose_secret();
        match std::str::from_utf8(bytes) {
            Ok(text) if !self.shared.binary => Payload { string: Some(text.to_owned()), binary: None },
            Ok(_) | Err(_) => Payload { string: None, binary: Some(Blob::new(bytes)) },
        }
    }

    /// The labels of the secret called `name`.
    pub(super) async fn describe(&self, call: &Call<'_>, name: &str) -> Result<Picture> {
        let client = self.shared.client(call.operation).await?;
        match call.look(Box::pin(client.describe_secret().secret_id(name).send())).await {
            Ok(output) => Ok(Picture::of(output)),
            Err(failure) if failure.is(NOT_FOUND) => Ok(Picture::default()),
            Err(failure) => Err(self.about(failure.error)),
        }
    }

    /// The value of version `id` of the secret called `name`; `None` if it has none.
    pub(super) async fn value(&self, call: &Call<'_>, name: &str, id: &str) -> Result<Option<Found>> {
        let client = self.shared.client(call.operation).await?;
        let request = client.get_secret_value().secret_id(name).version_id(id);
        self.found(call, call.look(Box::pin(request.send())).await)
    }

    /// The value with the label `label`.
    pub(super) async fn labelled(&self, call: &Call<'_>, label: &str) -> Result<Option<Found>> {
        let client = self.shared.client(call.operation).await?;
        let request = client.get_secret_value().secret_id(&*self.name).version_stage(label);
        self.found(call, call.look(Box::pin(request.send())).await)
    }

    fn found(&self, call: &Call<'_>, answer: Result<GetSecretValueOutput, Failure>) -> Result<Option<Found>> {
        let output = match answer {
            Ok(output) => output,
            Err(failure) if failure.is(NOT_FOUND) => return Ok(None),
            Err(failure) => return Err(self.about(failure.error)),
        };
        let bytes = match (output.secret_string, output.secret_binary) {
            (Some(text), _) => text.into_bytes(),
            (None, Some(blob)) => blob.into_inner(),
            (None, None) => return Ok(None),
        };
        let id = output.version_id.ok_or_else(|| {
            let message = "this is no answer of Secrets Manager: check `access.endpoint`";
            self.about(call.error(ErrorKind::Unsupported, message))
        })?;
        Ok(Some(Found {
            id,
            value: SecretValue::from_vec(bytes),
            created_at: output.created_date.and_then(|at| Timestamp::from_second(at.secs()).ok()),
        }))
    }

    /// A version called `id` with the label `label`.
    pub(super) async fn put(
        &self,
        call: &mut Call<'_>,
        id: &str,
        value: &SecretValue,
        label: &str,
    ) -> Result<PutSecretValueOutput, Failure> {
        let client = self.client(call).await?;
        let Payload { string, binary } = self.payload(value);
        let request = client
            .put_secret_value()
            .secret_id(&*self.name)
            .client_request_token(id)
            .set_secret_string(string)
            .set_secret_binary(binary)
            .version_stages(label);
        call.change(Box::pin(request.send())).await.map_err(|failure| self.about_failure(failure))
    }

    /// Attaches `label` to version `to`, which the service refuses unless it is at `from`, or nowhere.
    pub(super) async fn attach(
        &self,
        call: &mut Call<'_>,
        label: &str,
        to: &str,
        from: Option<&str>,
    ) -> Result<(), Failure> {
        self.update_stage(call, label, Some(to), from).await
    }

    /// Takes `label` from version `from`.
    pub(super) async fn detach(&self, call: &mut Call<'_>, label: &str, from: &str) -> Result<(), Failure> {
        self.update_stage(call, label, None, Some(from)).await
    }

    async fn update_stage(
        &self,
        call: &mut Call<'_>,
        label: &str,
        to: Option<&str>,
        from: Option<&str>,
    ) -> Result<(), Failure> {
        let client = self.client(call).await?;
        let request = client
            .update_secret_version_stage()
            .secret_id(&*self.name)
            .version_stage(label)
            .set_move_to_version_id(to.map(ToOwned::to_owned))
            .set_remove_from_version_id(from.map(ToOwned::to_owned));
        let outcome = call.change(Box::pin(request.send())).await;
        outcome.map(|_output| ()).map_err(|failure| self.about_failure(failure))
    }

    pub(super) async fn client(&self, call: &Call<'_>) -> Result<&aws_sdk_secretsmanager::Client, Failure> {
        self.shared.client(call.operation).await.map_err(|error| Failure { error, code: None })
    }

    pub(super) fn about(&self, error: Error) -> Error {
        error.with("secret", &self.name)
    }

    pub(super) fn about_failure(&self, failure: Failure) -> Failure {
        Failure { error: self.about(failure.error), ..failure }
    }
}
