//! The signals that mean something to a consumer.

use std::fmt;

use rustix::process::Signal;
use schemars::JsonSchema;
use serde::Deserialize;

/// A signal that may be sent to a consumer.
///
/// Left out on purpose: `SIGKILL` and `SIGSTOP`, which give a consumer no chance to do anything orderly, and `SIGQUIT`
/// and its like, whose default writes a core dump, and so the values in memory, to disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
pub enum SignalName {
    /// The customary request to reload.
    #[default]
    #[serde(rename = "SIGHUP")]
    Hup,
    /// Whatever the consumer made of it.
    #[serde(rename = "SIGUSR1")]
    Usr1,
    /// Whatever the consumer made of it.
    #[serde(rename = "SIGUSR2")]
    Usr2,
    /// Ends the consumer, as Ctrl-C does, for one that something else restarts.
    #[serde(rename = "SIGINT")]
    Int,
    /// Ends the consumer, for one that something else restarts.
    #[serde(rename = "SIGTERM")]
    Term,
}

impl SignalName {
    /// The name as the inventory writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hup => "SIGHUP",
            Self::Usr1 => "SIGUSR1",
            Self::Usr2 => "SIGUSR2",
            Self::Int => "SIGINT",
            Self::Term => "SIGTERM",
        }
    }

    /// Whether ending the consumer is the point, so that a consumer without a handler is as good as one with.
    pub fn ends_the_process(self) -> bool {
        match self {
            Self::Int | Self::Term => true,
            Self::Hup | Self::Usr1 | Self::Usr2 => false,
        }
    }

    pub(super) fn to_signal(self) -> Signal {
        match self {
            Self::Hup => Signal::HUP,
            Self::Usr1 => Signal::USR1,
            Self::Usr2 => Signal::USR2,
            Self::Int => Signal::INT,
            Self::Term => Signal::TERM,
        }
    }
}

impl fmt::Display for SignalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
