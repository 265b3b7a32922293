//! `createSecret`: the value is durable before the database hears of it.

use keywheel_core::{ErrorKind, Result};

use super::rotation::Rotation;
use crate::{
    document::{Login, Which, renewed},
    function::Outcome,
    pair,
};

impl Rotation<'_> {
    pub(crate) async fn create(&self) -> Result<Outcome> {
        let earlier = self.current_value().await?;
        let current = Login::read(&earlier, Which::Current)?;
        if self.is_created(&current).await? {
            return Ok(Outcome::AlreadyCreated);
        }
        let user = pair::next(self.users(), current.engine, &current.user)?;
        let password = self.function.settings.recipe.generate(&*self.function.entropy)?;
        let value = renewed(&earlier, &user, &password)?;
        match self.secret.put_pending(self.context, self.token, &value).await {
            Ok(()) => Ok(Outcome::Created),
            // Another call of this step was faster. Its value counts; nobody has seen ours.
            Err(error) if error.kind == ErrorKind::Conflict && self.is_created(&current).await? => {
                Ok(Outcome::AlreadyCreated)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the version has a value, which is then never replaced: the database may have it already.
    async fn is_created(&self, current: &Login) -> Result<bool> {
        let Some(value) = self.pending_value().await? else { return Ok(false) };
        pair::check(self.users(), current, &Login::read(&value, Which::Pending)?)?;
        Ok(true)
    }
}
