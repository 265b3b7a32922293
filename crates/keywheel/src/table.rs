//! The table of providers, and the only `cfg(feature)` of the workspace: a new provider is a crate and a row.

use std::sync::Arc;

use keywheel_core::provider::Kinds;
use keywheel_engine::ProvidedValues;

/// Adds a provider's kinds, or notes the feature that would bring them.
macro_rules! rows {
    ($kinds:ident: $($feature:literal { $($section:ident: $($krate:ident)::+ [$($kind:literal),+]),+ })+) => {
        $(
            #[cfg(feature = $feature)]
            { $( $kinds.$section.extend($($krate)::+::kinds()); )+ }
            #[cfg(not(feature = $feature))]
            { $( $( $kinds.left_out.insert($kind, $feature); )+ )+ }
        )+
    };
}

/// The kinds of stores, rotators, consumers and notices that this build has.
pub fn kinds() -> Kinds {
    let mut kinds = Kinds::default();
    rows! { kinds:
        "file" { stores: keywheel_provider_file ["directory", "env-file", "document"] }
        "aws" { stores: keywheel_provider_aws::secrets ["aws-secrets-manager"] }
        "aws-ssm" { stores: keywheel_provider_aws::parameters ["aws-ssm"] }
        "aws-iam" { rotators: keywheel_provider_aws::access_keys ["aws-access-keys"] }
        "postgres" {
            rotators: keywheel_provider_postgres::rotators ["postgres"],
            consumers: keywheel_provider_postgres::consumers ["postgres-sessions"]
        }
        "mysql" { rotators: keywheel_provider_mysql ["mysql"] }
        "rabbitmq" { rotators: keywheel_provider_rabbitmq ["rabbitmq"] }
        "redis" { rotators: keywheel_provider_redis ["redis"] }
        "process" { consumers: keywheel_provider_process ["signal", "command", "compose"] }
        "webhook" {
            consumers: keywheel_provider_webhook::consumers ["http"],
            channels: keywheel_provider_webhook::channels ["slack", "webhook"]
        }
        "vault" {
            stores: keywheel_provider_vault::stores ["vault"],
            rotators: keywheel_provider_vault::rotators [
                "vault-static-role", "vault-root-credential", "vault-transit-key"
            ]
        }
        "mail" { channels: keywheel_provider_mail ["smtp"] }
    }
    kinds
}

/// What reads user-provided values in this build.
pub fn provided_values() -> Arc<dyn ProvidedValues> {
    #[cfg(feature = "file")]
    {
        Arc::new(files::ProvidedFiles)
    }
    #[cfg(not(feature = "file"))]
    {
        Arc::new(none::NoFiles)
    }
}

#[cfg(feature = "file")]
mod files {
    use std::path::Path;

    use keywheel_core::{Result, SecretValue};

    pub(super) struct ProvidedFiles;

    impl keywheel_engine::ProvidedValues for ProvidedFiles {
        fn variable(&self, path: &Path, variable: &str) -> Result<Option<SecretValue>> {
            keywheel_provider_file::read_variable(path, variable)
        }

        fn file(&self, path: &Path) -> Result<Option<SecretValue>> {
            keywheel_provider_file::read_value_file(path)
        }
    }
}

#[cfg(not(feature = "file"))]
mod none {
    use std::path::Path;

    use keywheel_core::{Error, ErrorKind, Result, SecretValue};

    pub(super) struct NoFiles;

    fn refused() -> Error {
        let message = "this build reads no files: build it with the feature `file`";
        Error::not_applied(ErrorKind::Unsupported, "read provided value", message)
    }

    impl keywheel_engine::ProvidedValues for NoFiles {
        fn variable(&self, _path: &Path, _variable: &str) -> Result<Option<SecretValue>> {
            Err(refused())
        }

        fn file(&self, _path: &Path) -> Result<Option<SecretValue>> {
            Err(refused())
        }
    }
}
