//! The settings of what is in AWS.

use std::sync::Arc;

#[cfg(any(feature = "secretsmanager", feature = "ssm"))]
use keywheel_core::provider::Store;
#[cfg(feature = "iam")]
use keywheel_core::provider::Target;
use keywheel_core::{
    inventory::CredentialRef,
    provider::{Declaration, Mistake, Surroundings},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::access::{Access, Assumed, Keys};

/// Secrets Manager in one account and region.
#[cfg(feature = "secretsmanager")]
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SecretsManagerSettings {
    /// The region, such as `eu-central-1`: what the environment or the profile says, unless it is given.
    pub region: Option<String>,
    /// Who asks, and where: the SDK's default chain, unless it is given.
    pub access: AccessSettings,
    /// The KMS key for secrets that keywheel creates: its id, ARN or alias. `aws/secretsmanager` unless it is given.
    pub kms_key: Option<String>,
    /// Keeps every value as `SecretBinary`. Unless it is given, text is kept as `SecretString`, and only what is no UTF-8 as
    /// `SecretBinary`.
    pub binary: bool,
}

/// Parameter Store in one account and region.
#[cfg(feature = "ssm")]
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ParameterStoreSettings {
    /// The region, such as `eu-central-1`: what the environment or the profile says, unless it is given.
    pub region: Option<String>,
    /// Who asks, and where: the SDK's default chain, unless it is given.
    pub access: AccessSettings,
    /// The KMS key that values are encrypted with: its id, ARN or alias. Unless it is given, a parameter keeps the one that it
    /// has, and a new one gets `alias/aws/ssm`.
    pub kms_key: Option<String>,
    /// `standard`, for values of up to 4096 bytes, unless it is given; `advanced` for 8192, which AWS charges for. A parameter
    /// that is advanced already stays so.
    pub tier: crate::ssm::Tier,
}

/// An IAM user whose access keys are rotated.
#[cfg(feature = "iam")]
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AccessKeysSettings {
    /// The user's name, without its path.
    pub user: String,
    /// The region whose STS new and old keys are tried at: what the environment or the profile says, unless it is given.
    #[serde(default)]
    pub region: Option<String>,
    /// Who asks, and where: the SDK's default chain, unless it is given. Not with the keys that are rotated.
    #[serde(default)]
    pub access: AccessSettings,
    /// The address of STS, `https://…`, where it is not the public one of the region: a private VPC endpoint. The public one
    /// unless it is given.
    #[serde(default)]
    pub sts_endpoint: Option<String>,
    /// How long nobody may have used the old key before it is ended, by what IAM knows of it. It is ended whenever the
    /// overlap is over unless this is given.
    #[serde(default)]
    pub unused_for: Option<keywheel_core::inventory::Period>,
}

/// Who asks, and where.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct AccessSettings {
    /// The profile of the shared configuration files: `default`, or what `AWS_PROFILE` says, unless it is given.
    pub profile: Option<String>,
    /// Keys of an IAM user: the SDK's default chain, unless they are given.
    pub keys: Option<KeySettings>,
    /// A role that is assumed by whoever was found: none, unless it is given.
    pub assume_role: Option<AssumeRoleSettings>,
    /// The service's address, `https://…`, where it is not the public one: a private VPC endpoint. The public one of the region
    /// unless it is given.
    pub endpoint: Option<String>,
}

/// Keys of an IAM user.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeySettings {
    /// The access key's id: `AKIA…`.
    pub id: String,
    /// The secret access key.
    pub secret: CredentialRef,
}

/// A role that is assumed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AssumeRoleSettings {
    /// The role's ARN.
    pub arn: String,
    /// The external id that the role's trust policy asks for: none unless it is given.
    pub external_id: Option<String>,
    /// What `CloudTrail` calls the session: `keywheel` unless it is given.
    pub session_name: Option<String>,
    /// The address of STS, where it is not the public one. The public one of the region unless it is given.
    pub endpoint: Option<String>,
}

#[cfg(feature = "secretsmanager")]
impl Declaration<dyn Store> for SecretsManagerSettings {
    const KIND: &'static str = "aws-secrets-manager";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Store>, Vec<Mistake>> {
        let mut mistakes = key_named(self.kms_key.as_deref());
        let access = self.access.resolve(self.region, surroundings, &mut mistakes);
        if mistakes.is_empty() {
            Ok(Arc::new(crate::secrets_manager::SecretsManager::new(access, self.kms_key, self.binary)))
        } else {
            Err(mistakes)
        }
    }
}

#[cfg(feature = "ssm")]
impl Declaration<dyn Store> for ParameterStoreSettings {
    const KIND: &'static str = "aws-ssm";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Store>, Vec<Mistake>> {
        let mut mistakes = key_named(self.kms_key.as_deref());
        let access = self.access.resolve(self.region, surroundings, &mut mistakes);
        if mistakes.is_empty() {
            Ok(Arc::new(crate::ssm::ParameterStore::new(access, self.kms_key, self.tier)))
        } else {
            Err(mistakes)
        }
    }
}

#[cfg(feature = "iam")]
impl Declaration<dyn Target> for AccessKeysSettings {
    const KIND: &'static str = "aws-access-keys";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Target>, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        if self.user.is_empty() || self.user.len() > 64 || !self.user.bytes().all(allowed) {
            let hint = "write the name alone, without a path or an ARN";
            mistakes.push(Mistake::new("user", "this is no name of an IAM user", hint));
        }
        if self.sts_endpoint.as_deref().is_some_and(|address| !is_address(address)) {
            let hint = "write `https://` and a host's name, and a port if it needs one";
            mistakes.push(Mistake::new("sts-endpoint", "this is no address of a service", hint));
        }
        let access = self.access.resolve(self.region, surroundings, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let unused_for = self.unused_for.map(Into::into);
        Ok(Arc::new(crate::iam::IamUser::new(access, &self.user, self.sts_endpoint, unused_for)))
    }
}

#[cfg(any(feature = "secretsmanager", feature = "ssm"))]
fn key_named(key: Option<&str>) -> Vec<Mistake> {
    let hint = "write a key's id, ARN or alias, or leave it out";
    let mistake = key.filter(|key| key.is_empty()).map(|_| Mistake::new("kms-key", "no key is named", hint));
    mistake.into_iter().collect()
}

impl AccessSettings {
    pub(crate) fn resolve(
        self,
        region: Option<String>,
        surroundings: &Surroundings,
        mistakes: &mut Vec<Mistake>,
    ) -> Access {
        let mut refuse = |field, message, hint| mistakes.push(Mistake::new(field, message, hint));
        let is_word = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if region.as_deref().is_some_and(|region| !is_word(region)) {
            refuse("region", "this is no name of a region", "write one such as `eu-central-1`");
        }
        if self.profile.as_deref() == Some("") {
            let hint = "write a profile of `~/.aws/config`, or leave it out";
            refuse("access.profile", "no profile is named", hint);
        }
        if self.keys.is_some() && self.profile.is_some() {
            let hint = "leave one of them out";
            refuse("access.keys", "both keys and a profile say who asks", hint);
        }
        if self.keys.as_ref().is_some_and(|keys| !is_word(&keys.id)) {
            let hint = "write the id of an access key: `AKIA…`; its secret stands in `secret`";
            refuse("access.keys.id", "this is no id of an access key", hint);
        }
        // What is written is not repeated: an address can hold a password.
        let hint = "write `https://` and a host's name, and a port if it needs one";
        if self.endpoint.as_deref().is_some_and(|address| !is_address(address)) {
            refuse("access.endpoint", "this is no address of a service", hint);
        }
        if let Some(role) = &self.assume_role {
            if !role.arn.starts_with("arn:") || !role.arn.contains(":role/") {
                let hint = "write `arn:aws:iam::ACCOUNT:role/NAME`";
                refuse("access.assume-role.arn", "this is no ARN of a role", hint);
            }
            if role.endpoint.as_deref().is_some_and(|address| !is_address(address)) {
                refuse("access.assume-role.endpoint", "this is no address of a service", hint);
            }
        }
        Access::new(
            region,
            self.profile,
            self.keys.map(|keys| Keys { id: keys.id, secret: keys.secret.beside(&surroundings.base) }),
            self.assume_role.map(|role| Assumed {
                arn: role.arn,
                external_id: role.external_id,
                session_name: role.session_name.unwrap_or_else(|| "keywheel".to_owned()),
                endpoint: role.endpoint,
            }),
            self.endpoint,
            Arc::clone(&surroundings.clock),
        )
    }
}

/// Whether it is a scheme, a host and perhaps a port, and nothing that could be a credential.
fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.trim_end_matches('/');
        !host.is_empty() && !host.contains(['/', '@', '?', '#', '\\']) && !host.contains(char::is_whitespace)
    })
}
