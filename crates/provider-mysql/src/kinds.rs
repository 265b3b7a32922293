//! The row of this provider: what the inventory may write below `rotators`.

use std::sync::Arc;

use keywheel_core::provider::{Declaration, Kind, Mistake, Surroundings, Target, kind};

use crate::settings::MysqlSettings;

/// The kind `mysql`.
pub fn kinds() -> Vec<Arc<dyn Kind<dyn Target>>> {
    vec![kind::<_, MysqlSettings>()]
}

impl Declaration<dyn Target> for MysqlSettings {
    const KIND: &'static str = "mysql";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Target>, Vec<Mistake>> {
        Ok(Arc::new(self.resolve(surroundings, None)?))
    }
}
