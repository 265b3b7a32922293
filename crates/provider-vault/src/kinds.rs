//! The row of this provider: what the inventory may write below `stores`.

use std::sync::Arc;

use keywheel_core::provider::{Declaration, Kind, Mistake, Store, Surroundings, kind};

use crate::settings::VaultSettings;

/// The kind `vault`.
pub fn kinds() -> Vec<Arc<dyn Kind<dyn Store>>> {
    vec![kind::<_, VaultSettings>()]
}

impl Declaration<dyn Store> for VaultSettings {
    const KIND: &'static str = "vault";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Store>, Vec<Mistake>> {
        Ok(Arc::new(self.resolve(surroundings)?))
    }
}
