//! The rows of this provider: what the inventory may write below `stores` and `rotators`.

use std::sync::Arc;

use keywheel_core::provider::{Kind, kind};

/// AWS Secrets Manager.
#[cfg(feature = "secretsmanager")]
pub mod secrets {
    use keywheel_core::provider::Store;

    use super::{Arc, Kind, kind};
    use crate::settings::SecretsManagerSettings;

    /// The kind `aws-secrets-manager`.
    pub fn kinds() -> Vec<Arc<dyn Kind<dyn Store>>> {
        vec![kind::<_, SecretsManagerSettings>()]
    }
}

/// SSM Parameter Store.
#[cfg(feature = "ssm")]
pub mod parameters {
    use keywheel_core::provider::Store;

    use super::{Arc, Kind, kind};
    use crate::settings::ParameterStoreSettings;

    /// The kind `aws-ssm`.
    pub fn kinds() -> Vec<Arc<dyn Kind<dyn Store>>> {
        vec![kind::<_, ParameterStoreSettings>()]
    }
}

/// Access keys of IAM users.
#[cfg(feature = "iam")]
pub mod access_keys {
    use keywheel_core::provider::Target;

    use super::{Arc, Kind, kind};
    use crate::settings::AccessKeysSettings;

    /// The kind `aws-access-keys`.
    pub fn kinds() -> Vec<Arc<dyn Kind<dyn Target>>> {
        vec![kind::<_, AccessKeysSettings>()]
    }
}
