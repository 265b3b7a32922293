//! The rows of this provider: what the inventory may write below `stores` and `rotators`.

use std::sync::Arc;

use keywheel_core::provider::{Declaration, Kind, Mistake, Store, Surroundings, kind};

use crate::settings::VaultSettings;

/// The KV engine.
pub mod stores {
    use super::{Arc, Kind, Store, VaultSettings, kind};

    /// The kind `vault`.
    pub fn kinds() -> Vec<Arc<dyn Kind<dyn Store>>> {
        vec![kind::<_, VaultSettings>()]
    }
}

/// What the server makes itself.
pub mod rotators {
    use keywheel_core::provider::Target;

    use super::{Arc, Kind, kind};
    use crate::engines::{
        root::RootCredential, settings::EngineSettings, static_role::StaticRole, transit::TransitKey,
    };

    /// The kinds `vault-static-role`, `vault-root-credential` and `vault-transit-key`.
    pub fn kinds() -> Vec<Arc<dyn Kind<dyn Target>>> {
        vec![
            kind::<_, EngineSettings<StaticRole>>(),
            kind::<_, EngineSettings<RootCredential>>(),
            kind::<_, EngineSettings<TransitKey>>(),
        ]
    }
}

impl Declaration<dyn Store> for VaultSettings {
    const KIND: &'static str = "vault";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Store>, Vec<Mistake>> {
        Ok(Arc::new(self.resolve(surroundings)?))
    }
}
