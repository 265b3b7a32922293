//! What the harness asks of a server.

use std::{
    fmt,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use keywheel_tests::crash::Story;

use crate::trouble::Trouble;

/// A user and a password, as the document says; an access key's id and its secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// How old and new credentials live side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strategy {
    InPlace,
    Overlap,
    Alternating,
    Minted,
    /// A person made the only other credential that there is room for.
    MintedWithoutRoom,
}

impl Strategy {
    /// Whether `current` logs in at every instant.
    pub(crate) fn keeps_old(self) -> bool {
        match self {
            Self::InPlace => false,
            Self::Overlap | Self::Alternating | Self::Minted | Self::MintedWithoutRoom => true,
        }
    }

    /// There are more points than this.
    pub(crate) fn least(self) -> usize {
        match self {
            Self::InPlace | Self::Overlap | Self::Alternating | Self::Minted => 100,
            // It ends in its first step.
            Self::MintedWithoutRoom => 10,
        }
    }

    /// Where the value comes from, as the entry says it.
    pub(crate) fn source(self) -> &'static str {
        match self {
            Self::InPlace | Self::Overlap | Self::Alternating => "generate: password",
            Self::Minted | Self::MintedWithoutRoom => "minted: true",
        }
    }

    /// The stories in which keywheel is killed. There is no consumer whose deadline could pass.
    pub(crate) fn killed(self) -> &'static [Story] {
        match self {
            Self::InPlace | Self::Overlap | Self::Alternating | Self::Minted => &[
                Story::Forwards,
                Story::ForwardsWithOverlap,
                Story::RolledBackByHand,
                Story::RolledBackAfterTheKill,
            ],
            Self::MintedWithoutRoom => &[Story::Refused],
        }
    }

    /// The stories that meet trouble, in their last command.
    pub(crate) fn troubled(self) -> &'static [Story] {
        match self {
            Self::InPlace | Self::Overlap | Self::Alternating | Self::Minted => {
                &[Story::Forwards, Story::ForwardsWithOverlap, Story::RolledBackByHand]
            }
            Self::MintedWithoutRoom => &[Story::Refused],
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::InPlace => "in-place",
            Self::Overlap => "overlap",
            Self::Alternating => "alternating",
            Self::Minted => "minted",
            Self::MintedWithoutRoom => "no room",
        })
    }
}

/// A running server, looked at with nothing of keywheel's own.
pub(crate) trait Server: Send + Sync {
    /// As the table says it.
    fn name(&self) -> &'static str;

    /// What its rotator can do.
    fn strategies(&self) -> &'static [Strategy];

    /// Where it listens.
    fn ports(&self) -> Vec<u16>;

    /// What stands below `rotators: server:` in the inventory, for this user and with other ports in place of its own. The
    /// administrator's password is in the file `admin`.
    fn rotator(&self, strategy: Strategy, user: &str, ports: &[u16]) -> String;

    /// The administrator's password.
    fn administrator(&self) -> String;

    /// Makes a user, in a way that the server does not write down, with this password unless it makes them itself.
    fn create(&self, strategy: Strategy, user: &str, password: &str) -> Login;

    /// Whether a login works.
    fn accepts(&self, user: &str, password: &str) -> bool;

    /// What `user` can do besides logging in with `kept`, or what is gone that was not to be touched.
    fn strayed(&self, _user: &str, _kept: &Login) -> Vec<String> {
        Vec::new()
    }

    /// Kills it as a power cut would, and starts it again.
    fn restart(&self);

    /// All that it has written down or shows of what it was told.
    fn written(&self) -> String;

    /// What it writes down for sure: else there is nothing to search.
    fn writes(&self) -> &'static str {
        "app_"
    }

    /// How many requests of each step meet a trouble.
    fn share(&self, trouble: Trouble) -> usize {
        trouble.share()
    }
}

/// A server that somebody restarts while others look at it: they wait until it is there again.
pub(crate) type Shared<S> = RwLock<S>;

/// The server, once it is there.
pub(crate) fn up<S>(server: &Shared<S>) -> RwLockReadGuard<'_, S> {
    server.read().unwrap_or_else(PoisonError::into_inner)
}

/// The server, for whoever restarts it.
pub(crate) fn down<S>(server: &Shared<S>) -> RwLockWriteGuard<'_, S> {
    server.write().unwrap_or_else(PoisonError::into_inner)
}
