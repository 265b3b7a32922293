//! `finishSecret`: whoever asks for the secret gets the new value.

use keywheel_core::Result;

use super::rotation::Rotation;
use crate::{function::Outcome, pair};

impl Rotation<'_> {
    pub(crate) async fn finish(&self) -> Result<Outcome> {
        let (current, pending) = (self.current_login().await?, self.pending_login().await?);
        pair::check(self.users(), &current, &pending)?;
        // Whatever was called before this: consumers never get a credential that the database refuses.
        self.accepted(&current, &pending).await?;
        self.secret.make_current(self.context, self.token, Some(self.current)).await?;
        Ok(Outcome::Finished)
    }
}
