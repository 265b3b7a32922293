//! The rows of this provider: what the inventory may write below `rotators` and `consumers`.

use std::sync::Arc;

use keywheel_core::provider::{Consumer, Declaration, Kind, Mistake, Surroundings, Target, kind};

use crate::settings::{PostgresSettings, SessionsSettings};

/// The rotators of this provider.
pub mod rotators {
    use super::{Arc, Kind, PostgresSettings, Target, kind};

    /// The kind `postgres`.
    pub fn kinds() -> Vec<Arc<dyn Kind<dyn Target>>> {
        vec![kind::<_, PostgresSettings>()]
    }
}

/// The consumers of this provider.
pub mod consumers {
    use super::{Arc, Consumer, Kind, SessionsSettings, kind};

    /// The kind `postgres-sessions`.
    pub fn kinds() -> Vec<Arc<dyn Kind<dyn Consumer>>> {
        vec![kind::<_, SessionsSettings>()]
    }
}

impl Declaration<dyn Target> for PostgresSettings {
    const KIND: &'static str = "postgres";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Target>, Vec<Mistake>> {
        Ok(Arc::new(self.resolve(surroundings, None)?))
    }
}

impl Declaration<dyn Consumer> for SessionsSettings {
    const KIND: &'static str = "postgres-sessions";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Consumer>, Vec<Mistake>> {
        Ok(Arc::new(self.resolve(surroundings)?))
    }
}
