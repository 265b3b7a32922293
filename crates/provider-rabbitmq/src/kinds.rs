//! The row of this provider: what the inventory may write below `rotators`.

use std::sync::Arc;

use keywheel_core::provider::{Declaration, Kind, Mistake, Surroundings, Target, kind};

use crate::settings::RabbitmqSettings;

/// The kind `rabbitmq`.
pub fn kinds() -> Vec<Arc<dyn Kind<dyn Target>>> {
    vec![kind::<_, RabbitmqSettings>()]
}

impl Declaration<dyn Target> for RabbitmqSettings {
    const KIND: &'static str = "rabbitmq";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Target>, Vec<Mistake>> {
        Ok(Arc::new(self.resolve(surroundings)?))
    }
}
