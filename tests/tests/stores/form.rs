//! Which stores hold the secret.

use std::fmt;

use keywheel_tests::crash::takes_all;

/// Which stores hold it, the primary one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    SecretsManager,
    ParameterStore,
    FileAndBoth,
    BothAndFile,
    FileAndAll,
    VaultAndAll,
    AwsAndAll,
}

/// One store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    File,
    Vault,
    SecretsManager,
    ParameterStore,
}

impl Form {
    /// In AWS, and beside it in a file.
    pub(crate) const AWS: [Self; 4] =
        [Self::SecretsManager, Self::ParameterStore, Self::FileAndBoth, Self::BothAndFile];

    /// In a file and in every service; tests leave the last one out.
    const FAN_OUT: [Self; 3] = [Self::FileAndAll, Self::VaultAndAll, Self::AwsAndAll];

    /// In a file and in every service.
    pub(crate) fn fan_out() -> &'static [Self] {
        if takes_all() { &Self::FAN_OUT } else { &Self::FAN_OUT[..2] }
    }

    pub(crate) fn is_fan_out(self) -> bool {
        Self::FAN_OUT.contains(&self)
    }

    pub(crate) fn places(self) -> &'static [Place] {
        use Place::{File, ParameterStore, SecretsManager, Vault};
        match self {
            Self::SecretsManager => &[SecretsManager],
            Self::ParameterStore => &[ParameterStore],
            Self::FileAndBoth => &[File, SecretsManager, ParameterStore],
            Self::BothAndFile => &[ParameterStore, SecretsManager, File],
            Self::FileAndAll => &[File, Vault, SecretsManager, ParameterStore],
            Self::VaultAndAll => &[Vault, SecretsManager, ParameterStore, File],
            Self::AwsAndAll => &[SecretsManager, File, ParameterStore, Vault],
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SecretsManager => "Secrets Manager",
            Self::ParameterStore => "SSM",
            Self::FileAndBoth => "file + Secrets Manager + SSM",
            Self::BothAndFile => "SSM + Secrets Manager + file",
            Self::FileAndAll => "file + Vault + Secrets Manager + SSM",
            Self::VaultAndAll => "Vault + Secrets Manager + SSM + file",
            Self::AwsAndAll => "Secrets Manager + file + SSM + Vault",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::File => "file",
            Self::Vault => "Vault",
            Self::SecretsManager => "Secrets Manager",
            Self::ParameterStore => "SSM",
        })
    }
}
