//! One rotation, as a step finds it.

use keywheel_core::{CallContext, Error, ErrorKind, Result, SecretValue};
use keywheel_provider_aws::{RotatedSecret, RotationLabels};

use crate::{
    database::Database,
    document::{Login, Which},
    function::RotationFunction,
    settings::Users,
};

/// A version that is pending, and what is known about it.
pub(crate) struct Rotation<'a> {
    pub(crate) function: &'a RotationFunction,
    pub(crate) secret: RotatedSecret,
    pub(crate) labels: &'a RotationLabels,
    /// The version with AWSCURRENT.
    pub(crate) current: &'a str,
    /// The one with AWSPENDING.
    pub(crate) token: &'a str,
    pub(crate) context: &'a CallContext,
}

impl Rotation<'_> {
    pub(super) fn users(&self) -> Users {
        self.function.settings.users
    }

    pub(super) async fn current_value(&self) -> Result<SecretValue> {
        let value = self.secret.value(self.context, self.current).await?;
        value.ok_or_else(|| {
            let message = "the version with AWSCURRENT has no value: somebody moved the label meanwhile";
            Error::not_applied(ErrorKind::Conflict, "read current version", message)
        })
    }

    pub(super) async fn current_login(&self) -> Result<Login> {
        Login::read(&self.current_value().await?, Which::Current)
    }

    /// By the version's id alone: with the label as well, a value whose label has moved on would look as if it were not there.
    pub(super) async fn pending_value(&self) -> Result<Option<SecretValue>> {
        self.secret.value(self.context, self.token).await
    }

    pub(super) async fn pending_login(&self) -> Result<Login> {
        let value = self.pending_value().await?.ok_or_else(|| {
            let message = "the version with AWSPENDING has no value: createSecret comes first";
            Error::not_applied(ErrorKind::NotFound, "read pending version", message)
        })?;
        Login::read(&value, Which::Pending)
    }

    /// Where logins are tried: always as the current document says. What is pending could ask for an unencrypted one.
    pub(super) fn database(&self, current: &Login) -> Result<Database> {
        Database::own(&self.function.settings, &self.function.surroundings, current)
    }

    /// # Errors
    /// `Rejected` when the server refuses the pending credential.
    pub(super) async fn accepted(&self, current: &Login, pending: &Login) -> Result<()> {
        if self.database(current)?.accepts(pending).await? {
            return Ok(());
        }
        let message = "the database refuses the pending credential: setSecret comes first, and if it has run, somebody changed \
             the password since; AWSCURRENT stays where it is";
        Err(Error::not_applied(ErrorKind::Rejected, "try login", message).with("user", &pending.user))
    }
}
