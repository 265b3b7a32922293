//! Secrets in AWS Secrets Manager, by its own stages.
//!
//! Requests are signed with what the SDK's default chain finds (environment, profiles, web identity, container, instance), with
//! a role that is assumed from there, or with keys that the inventory names. The SDK repeats nothing: the engine does.
//!
//! Needs a Tokio runtime with I/O and time enabled.

#[cfg(feature = "secretsmanager")]
mod access;
#[cfg(feature = "secretsmanager")]
mod call;
#[cfg(feature = "secretsmanager")]
mod failure;
mod kinds;
#[cfg(feature = "secretsmanager")]
mod mark;
#[cfg(feature = "secretsmanager")]
mod secrets_manager;
#[cfg(feature = "secretsmanager")]
mod settings;

pub use kinds::kinds;
#[cfg(feature = "secretsmanager")]
pub use settings::{AccessSettings, AssumeRoleSettings, KeySettings, SecretsManagerSettings};
