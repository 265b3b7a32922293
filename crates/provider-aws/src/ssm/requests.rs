//! The requests that the service is asked, each once.

use aws_sdk_ssm::{
    Client,
    types::{ParameterHistory, ParameterTier, ParameterType},
};
use jiff::Timestamp;
use keywheel_core::{Error, ErrorKind, Result, SecretValue};

use super::{
    parameter::Kept,
    secret::{AwsParameter, Tier},
};
use crate::{call::Call, failure::Failure};

/// There is no such parameter, or no such version of it.
pub(super) const NOT_FOUND: &[&str] = &["ParameterNotFound", "ParameterVersionNotFound"];

/// The most that one answer holds.
const PAGE: i32 = 50;

/// Every version of the parameter called `name`; none if it does not exist.
pub(super) async fn history(
    call: &Call<'_>,
    client: &Client,
    name: &str,
    decrypted: bool,
) -> Result<Vec<ParameterHistory>, Failure> {
    let (mut versions, mut token) = (Vec::new(), None);
    loop {
        let request = client
            .get_parameter_history()
            .name(name)
            .with_decryption(decrypted)
            .max_results(PAGE)
            .set_next_token(token);
        let page = match call.look(Box::pin(request.send())).await {
            Ok(page) => page,
            Err(failure) if failure.is(NOT_FOUND) => return Ok(Vec::new()),
            Err(failure) => return Err(failure),
        };
        versions.extend(page.parameters.unwrap_or_default());
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(versions);
        }
    }
}

/// The latest version of a parameter.
pub(super) struct Latest {
    pub(super) name: String,
    pub(super) number: i64,
    pub(super) created_at: Option<Timestamp>,
    pub(super) value: SecretValue,
}

impl Latest {
    fn of(found: aws_sdk_ssm::types::Parameter) -> Option<Self> {
        let created_at = found.last_modified_date.and_then(|at| Timestamp::from_second(at.secs()).ok());
        let value = SecretValue::from_vec(found.value?.into_bytes());
        Some(Self { name: found.name?, number: found.version, created_at, value })
    }
}

impl AwsParameter {
    /// Every version of the parameter called `name`; none if it does not exist.
    pub(super) async fn history(
        &self,
        call: &Call<'_>,
        name: &str,
        decrypted: bool,
    ) -> Result<Vec<ParameterHistory>> {
        let client = self.client(call).await?;
        history(call, client, name, decrypted).await.map_err(|failure| self.about(failure.error))
    }

    /// The value of version `number`; `None` if the service has it no more.
    pub(super) async fn value(&self, call: &Call<'_>, number: i64) -> Result<Option<SecretValue>> {
        self.selected(call, format!("{}:{number}", self.name)).await
    }

    /// What whoever asks for `selector` gets.
    pub(super) async fn selected(&self, call: &Call<'_>, selector: String) -> Result<Option<SecretValue>> {
        let client = self.client(call).await?;
        let request = client.get_parameter().name(selector).with_decryption(true);
        let found = match call.look(Box::pin(request.send())).await {
            Ok(output) => output.parameter,
            Err(failure) if failure.is(NOT_FOUND) => return Ok(None),
            Err(failure) => return Err(self.about(failure.error)),
        };
        let Some(value) = found.and_then(|found| found.value) else {
            let message = "this is no answer of Parameter Store: check `access.endpoint`";
            return Err(self.about(call.error(ErrorKind::Unsupported, message)));
        };
        Ok(Some(SecretValue::from_vec(value.into_bytes())))
    }

    /// The latest versions of these parameters, with their values, as far as they exist.
    pub(super) async fn latest(&self, call: &Call<'_>, names: Vec<String>) -> Result<Vec<Latest>, Failure> {
        let client = self.client(call).await?;
        let request = client.get_parameters().set_names(Some(names)).with_decryption(true);
        let output = call.look(Box::pin(request.send())).await?;
        Ok(output.parameters.unwrap_or_default().into_iter().filter_map(Latest::of).collect())
    }

    /// Puts a version, and says which number it has.
    pub(super) async fn put(
        &self,
        call: &mut Call<'_>,
        name: &str,
        value: &SecretValue,
        kept: &Kept,
        overwrite: bool,
    ) -> Result<i64, Failure> {
        let operation = call.operation;
        let text = std::str::from_utf8(value.expose_secret()).map_err(|_| Failure {
            error: Error::not_applied(ErrorKind::InvalidValue, operation, "the value is no text"),
            code: None,
        })?;
        let advanced = kept.advanced || self.shared.tier == Tier::Advanced;
        let client = self.client(call).await?;
        let request = client
            .put_parameter()
            .name(name)
            .value(text)
            .r#type(ParameterType::SecureString)
            .tier(if advanced { ParameterTier::Advanced } else { ParameterTier::Standard })
            .set_key_id(self.shared.kms_key.clone().or_else(|| kept.key.clone()))
            .set_description(kept.description.clone())
            .set_allowed_pattern(kept.allowed_pattern.clone())
            .set_data_type(kept.data_type.clone())
            .overwrite(overwrite);
        Ok(call.change(Box::pin(request.send())).await?.version)
    }

    /// Attaches `labels` to version `number`, and takes them from every other.
    pub(super) async fn label(&self, call: &mut Call<'_>, number: i64, labels: Vec<String>) -> Result<()> {
        let client = self.client(call).await?;
        let request = client
            .label_parameter_version()
            .name(&*self.name)
            .parameter_version(number)
            .set_labels(Some(labels));
        let output = call.change(Box::pin(request.send())).await.map_err(|f| self.about(f.error))?;
        // The answer is a success all the same.
        if output.invalid_labels.unwrap_or_default().is_empty() {
            return Ok(());
        }
        let message = "the service does not take keywheel's labels";
        Err(self.about(call.error(ErrorKind::InvalidConfig, message)))
    }

    /// Takes `labels` from version `number`; those that it has not are none of its. Whether it had all of them.
    pub(super) async fn unlabel(
        &self,
        call: &mut Call<'_>,
        number: i64,
        labels: Vec<String>,
    ) -> Result<bool> {
        let client = self.client(call).await?;
        let request = client
            .unlabel_parameter_version()
            .name(&*self.name)
            .parameter_version(number)
            .set_labels(Some(labels));
        match call.change(Box::pin(request.send())).await {
            Ok(output) => Ok(output.invalid_labels.unwrap_or_default().is_empty()),
            Err(failure) if failure.is(NOT_FOUND) => Ok(false),
            Err(failure) => Err(self.about(failure.error)),
        }
    }

    pub(super) async fn client(&self, call: &Call<'_>) -> Result<&Client, Failure> {
        self.shared.client(call.operation).await.map_err(|error| Failure { error, code: None })
    }

    pub(super) fn about(&self, error: Error) -> Error {
        error.with("parameter", &self.name)
    }
}
