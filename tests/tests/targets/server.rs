//! What the harness asks of a server.

use std::{
    fmt,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use crate::trouble::Trouble;

/// How old and new credentials live side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strategy {
    InPlace,
    Overlap,
    Alternating,
}

impl Strategy {
    /// Whether `current` logs in at every instant.
    pub(crate) fn keeps_old(self) -> bool {
        match self {
            Self::InPlace => false,
            Self::Overlap | Self::Alternating => true,
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::InPlace => "in-place",
            Self::Overlap => "overlap",
            Self::Alternating => "alternating",
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

    /// What stands below `rotators: server:` in the inventory, with other ports in place of its own. The administrator's
    /// password is in the file `admin`.
    fn rotator(&self, strategy: Strategy, ports: &[u16]) -> String;

    /// The administrator's password.
    fn administrator(&self) -> String;

    /// Makes a user, in a way that the server does not write down.
    fn create(&self, user: &str, password: &str);

    /// Whether a login works.
    fn accepts(&self, user: &str, password: &str) -> bool;

    /// Kills it as a power cut would, and starts it again.
    fn restart(&self);

    /// All that it has written down or shows of what it was told.
    fn written(&self) -> String;

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
