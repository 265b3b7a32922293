//! `setSecret`: the database accepts the pending credential.

use keywheel_core::{Error, ErrorKind, Identity, Result, provider::Administrator};
use tracing::warn;

use super::rotation::Rotation;
use crate::{
    database::Database,
    document::{Login, Which},
    function::Outcome,
    pair,
    settings::Users,
};

const SET: &str = "set password";

/// As many versions without a label are looked at: each is a login that is probably refused, and servers count these.
const MOST_LEFT: usize = 3;

impl Rotation<'_> {
    pub(crate) async fn set(&self) -> Result<Outcome> {
        let (current, pending) = (self.current_login().await?, self.pending_login().await?);
        // Before anybody is told a password.
        pair::check(self.users(), &current, &pending)?;
        match self.users() {
            Users::Single => self.set_single(&current, &pending).await,
            Users::Alternating => self.set_alternating(&current, &pending).await,
        }
    }

    async fn set_single(&self, current: &Login, pending: &Login) -> Result<Outcome> {
        let database = self.database(current)?;
        // First: an answer that was lost leaves the database with the new password already.
        if database.accepts(pending).await? {
            return Ok(Outcome::AlreadySet);
        }
        if database.accepts(current).await? {
            database.apply(self.context, pending, current).await?;
            return Ok(Outcome::Set);
        }
        // Somebody took the database back to an earlier state, or a rotation was finished by hand.
        let previous = self.previous_login(current).await?.filter(|previous| previous.user == current.user);
        if let Some(previous) = &previous
            && database.accepts(previous).await?
        {
            database.apply(self.context, pending, previous).await?;
            return Ok(Outcome::Set);
        }
        if let Some(left) = self.left_by_another(&database, current, &current.user).await? {
            database.apply(self.context, pending, &left).await?;
            return Ok(Outcome::Set);
        }
        Err(refused(
            "the database refuses the pending, the current and the previous password, and those of rotations that were given \
             up: set the user's password to the one of the version with AWSCURRENT, and call again",
            current,
        ))
    }

    async fn set_alternating(&self, current: &Login, pending: &Login) -> Result<Outcome> {
        let database = self.administered(current).await?;
        if database.accepts(pending).await? {
            return Ok(Outcome::AlreadySet);
        }
        // Who may write a secret but does not know the password must not have an administrator make a clone of its user.
        if !database.accepts(current).await? {
            return Err(refused(
                "the database refuses the current credential, and only a user whose credential works is cloned: set its \
                 password to the one of the version with AWSCURRENT, and call again",
                current,
            ));
        }
        let mut replaced =
            self.previous_login(current).await?.filter(|previous| previous.user == pending.user);
        if replaced.is_none() && database.keeps_strangers() {
            replaced = self.left_by_another(&database, current, &pending.user).await?;
        }
        match &replaced {
            Some(previous) => database.replace(self.context, pending, current, previous).await?,
            None => database.apply(self.context, pending, current).await?,
        }
        Ok(Outcome::Set)
    }

    /// What the version with AWSPREVIOUS says, if it is about the same server. It need not be readable: it may be a leftover
    /// of anything.
    async fn previous_login(&self, current: &Login) -> Result<Option<Login>> {
        let Some(id) = &self.labels.previous else { return Ok(None) };
        let Some(value) = self.secret.value(self.context, id).await? else { return Ok(None) };
        let previous = Login::read(&value, Which::Previous).ok();
        Ok(previous.filter(|previous| pair::same_place(current, previous, Which::Previous).is_ok()))
    }

    /// A credential for `user` that works, from a version without a label: a rotation had the database accept it, and was given
    /// up before it was made current. Nobody else knows it.
    async fn left_by_another(
        &self,
        database: &Database,
        current: &Login,
        user: &Identity,
    ) -> Result<Option<Login>> {
        let left = match self.secret.unlabelled(self.context).await {
            Ok(left) => left,
            // A right that the published functions do without.
            Err(error) if error.kind == ErrorKind::PermissionDenied => {
                warn!(%error, "versions without a label are not looked at");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        for id in left.iter().take(MOST_LEFT) {
            let Some(value) = self.secret.value(self.context, id).await? else { continue };
            let Ok(login) = Login::read(&value, Which::Previous) else { continue };
            let fits = login.user == *user && pair::same_place(current, &login, Which::Previous).is_ok();
            if fits && database.accepts(&login).await? {
                return Ok(Some(login));
            }
        }
        Ok(None)
    }

    /// The server with the administrator that `masterarn` names.
    async fn administered(&self, current: &Login) -> Result<Database> {
        let unfit = |kind, message: String| Error::not_applied(kind, "find administrator", message);
        let Some(arn) = &current.master else {
            return Err(unfit(
                ErrorKind::InvalidConfig,
                "the document with AWSCURRENT has no `masterarn`: add the ARN of the secret with an administrator of the \
                 database, or use a function for single users"
                    .to_owned(),
            ));
        };
        let about = |error: Error| error.with("secret", arn);
        let value = self.function.secrets.secret(arn).current(self.context).await?.ok_or_else(|| {
            let message =
                "the master secret that `masterarn` names does not exist, or has no current value".to_owned();
            about(unfit(ErrorKind::NotFound, message))
        })?;
        let master = Login::read(&value, Which::Master).map_err(about)?;
        pair::same_place(current, &master, Which::Master).map_err(about)?;
        let administrator =
            Administrator { user: master.user.as_str().to_owned(), password: master.password };
        let original = pair::original(&current.user);
        let function = self.function;
        Database::of_pair(&function.settings, &function.surroundings, current, &original, administrator)
    }
}

fn refused(why: &str, current: &Login) -> Error {
    Error::not_applied(ErrorKind::Unauthenticated, SET, why)
        .with("user", &current.user)
        .with("server", current.place())
}
