//! `testSecret`: a login with the pending credential.

use keywheel_core::Result;

use super::rotation::Rotation;
use crate::{document::Which, function::Outcome, pair};

impl Rotation<'_> {
    pub(crate) async fn test(&self) -> Result<Outcome> {
        let (current, pending) = (self.current_login().await?, self.pending_login().await?);
        // Secrets Manager calls this step alone, with a copy of the current value, to try a configuration without rotating.
        if pending.user == current.user {
            pair::same_place(&current, &pending, Which::Pending)?;
        } else {
            pair::check(self.users(), &current, &pending)?;
        }
        self.accepted(&current, &pending).await?;
        Ok(Outcome::Tested)
    }
}
