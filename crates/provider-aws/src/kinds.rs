//! The rows of this provider: what the inventory may write below `stores`.

use std::sync::Arc;

use keywheel_core::provider::{Kind, Store};

/// The kinds that the features of this crate bring.
pub fn kinds() -> Vec<Arc<dyn Kind<dyn Store>>> {
    vec![
        #[cfg(feature = "secretsmanager")]
        keywheel_core::provider::kind::<_, crate::settings::SecretsManagerSettings>(),
    ]
}
