//! What the harness asks of a server.

use std::fmt;

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
pub(crate) trait Server: Sync {
    /// As the table says it.
    fn name(&self) -> &'static str;

    /// What its rotator can do.
    fn strategies(&self) -> &'static [Strategy];

    /// What stands below `rotators: server:` in the inventory. The administrator's password is in the file `admin`.
    fn rotator(&self, strategy: Strategy) -> String;

    /// The administrator's password.
    fn administrator(&self) -> &str;

    /// Makes a user.
    fn create(&self, user: &str, password: &str);

    /// Whether a login works.
    fn accepts(&self, user: &str, password: &str) -> bool;
}
