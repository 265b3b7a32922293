//! AWS: secrets in Secrets Manager and in SSM Parameter Store, and access keys of IAM users.
//!
//! | kind | is | feature |
//! |---|---|---|
//! | `aws-secrets-manager` | a store, by the service's own stages | `secretsmanager` |
//! | `aws-ssm` | a store: a `SecureString` for each secret | `ssm` |
//! | `aws-access-keys` | a rotator: access keys of an IAM user, which IAM itself makes | `iam` |
//!
//! Requests are signed with what the SDK's default chain finds (environment, profiles, web identity, container, instance), with
//! a role that is assumed from there, or with keys that the inventory names. The SDK repeats nothing: the engine does.
//!
//! Needs a Tokio runtime with I/O and time enabled.

#![cfg(any(feature = "secretsmanager", feature = "ssm", feature = "iam"))]

mod access;
mod call;
mod doctor;
mod failure;
#[cfg(feature = "iam")]
mod iam;
mod kinds;
#[cfg(any(feature = "secretsmanager", feature = "ssm"))]
mod looked;
#[cfg(any(feature = "secretsmanager", feature = "ssm"))]
mod looks;
#[cfg(any(feature = "secretsmanager", feature = "ssm"))]
mod mark;
mod put_off;
#[cfg(feature = "secretsmanager")]
mod secrets_manager;
mod settings;
#[cfg(all(feature = "iam", any(feature = "secretsmanager", feature = "ssm")))]
mod simulate;
#[cfg(feature = "ssm")]
mod ssm;
#[cfg(any(feature = "secretsmanager", feature = "ssm"))]
mod writes;

#[cfg(feature = "iam")]
pub use kinds::access_keys;
#[cfg(feature = "ssm")]
pub use kinds::parameters;
#[cfg(feature = "secretsmanager")]
pub use kinds::secrets;
#[cfg(feature = "secretsmanager")]
pub use secrets_manager::{RotatedSecret, RotatedSecrets, RotationLabels};
#[cfg(feature = "iam")]
pub use settings::AccessKeysSettings;
#[cfg(feature = "ssm")]
pub use settings::ParameterStoreSettings;
#[cfg(feature = "secretsmanager")]
pub use settings::SecretsManagerSettings;
pub use settings::{AccessSettings, AssumeRoleSettings, KeySettings};
#[cfg(feature = "ssm")]
pub use ssm::Tier;
