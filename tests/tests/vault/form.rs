//! What is rotated: the forms in which a document keeps a secret.

use std::fmt;

use keywheel_tests::crash::Story;

/// The form of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// One field; the previous version is an older number of the document.
    Field,
    /// A field for the previous version as well.
    WithPrevious,
    /// A field for each version that consumers accept.
    SigningKey,
    /// In Vault first, and in a file that a consumer reads.
    VaultAndFile,
}

/// Without a consumer there is no deadline.
const KILLED: [Story; 4] =
    [Story::Forwards, Story::ForwardsWithOverlap, Story::RolledBackByHand, Story::RolledBackAfterTheKill];

impl Form {
    pub(crate) const ALL: [Self; 4] = [Self::Field, Self::WithPrevious, Self::SigningKey, Self::VaultAndFile];

    /// The entry's keys, but for the overlap.
    pub(crate) fn entry(self) -> &'static str {
        match self {
            Self::Field => "generate: password, stores: [{ store: vault, key: app/db }]",
            Self::WithPrevious => {
                "generate: password, stores: [{ store: vault, key: app/db, previous: 'app/db#previous' }]"
            }
            Self::SigningKey => {
                "flow: signing-key, generate: { bytes: { length: 64, encoding: base64 } }, \
                 stores: [{ store: vault, key: app/db }]"
            }
            Self::VaultAndFile => {
                "generate: password, stores: [{ store: vault, key: app/db }, files], consumers: [app]"
            }
        }
    }

    pub(crate) fn stories(self) -> &'static [Story] {
        match self {
            Self::Field | Self::WithPrevious | Self::SigningKey => &KILLED,
            Self::VaultAndFile => &Story::ALL,
        }
    }

    /// Whether consumers accept several versions.
    pub(crate) fn is_ring(self) -> bool {
        self == Self::SigningKey
    }

    /// Whether older versions of the document show the other value: in the one whose `previous` was written, the newer one
    /// stands as well, which is why it is left.
    pub(crate) fn leaves_history(self) -> bool {
        match self {
            Self::Field | Self::VaultAndFile => false,
            Self::WithPrevious | Self::SigningKey => true,
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Field => "one field",
            Self::WithPrevious => "with previous",
            Self::SigningKey => "signing key",
            Self::VaultAndFile => "vault and file",
        })
    }
}
