//! The row of this provider: what the inventory may write below `notices`.

use std::sync::Arc;

use keywheel_core::provider::{Channel, Declaration, Kind, Mistake, Surroundings, kind};

use crate::settings::SmtpSettings;

/// The kind `smtp`.
pub fn kinds() -> Vec<Arc<dyn Kind<dyn Channel>>> {
    vec![kind::<_, SmtpSettings>()]
}

impl Declaration<dyn Channel> for SmtpSettings {
    const KIND: &'static str = "smtp";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Channel>, Vec<Mistake>> {
        Ok(Arc::new(self.resolve(surroundings)?))
    }
}
