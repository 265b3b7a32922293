//! What is made.

use std::fmt;

use keywheel_tests::crash::Story;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// A password that the server sets at the database and hands out.
    StaticRole,
    /// The password with which the server itself logs in there.
    RootCredential,
    /// A version of a key.
    TransitKey,
}

impl Form {
    pub(crate) const ALL: [Self; 3] = [Self::StaticRole, Self::RootCredential, Self::TransitKey];

    /// What can be played: a password that the server replaced is not put back.
    pub(crate) fn stories(self) -> &'static [Story] {
        match self {
            Self::StaticRole | Self::RootCredential => &[Story::Forwards, Story::ForwardsWithOverlap],
            Self::TransitKey => &[
                Story::Forwards,
                Story::ForwardsWithOverlap,
                Story::RolledBackByHand,
                Story::RolledBackAfterTheKill,
            ],
        }
    }

    /// Its kind in the inventory.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::StaticRole => "vault-static-role",
            Self::RootCredential => "vault-root-credential",
            Self::TransitKey => "vault-transit-key",
        }
    }

    /// Whether old and new are accepted side by side.
    pub(crate) fn keeps_old(self) -> bool {
        match self {
            Self::StaticRole | Self::RootCredential => false,
            Self::TransitKey => true,
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::StaticRole => "static role",
            Self::RootCredential => "root credential",
            Self::TransitKey => "transit key",
        })
    }
}
