//! What can go wrong with a store, a target, a consumer or the journal, on two axes: what kind it is, and whether the
//! effect may have happened all the same.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The result of every provider call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it is. Retry, undo and park are decided from this and [`Effect`], never from the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The thing named does not exist.
    NotFound,
    /// Somebody else changed it meanwhile, or the same rotation staged other bytes.
    Conflict,
    /// Known, but not allowed.
    PermissionDenied,
    /// Not known: the credential that keywheel itself uses was refused.
    Unauthenticated,
    /// Too many requests; later will do.
    RateLimited,
    /// Not reachable, overloaded, or out of a resource that may come back (a full disk).
    Unavailable,
    /// No answer in time.
    TimedOut,
    /// The inventory or the environment asks for something that cannot be.
    InvalidConfig,
    /// The provider cannot do this at all.
    Unsupported,
    /// The lease was lost to another holder; nothing more may be done under it.
    Fenced,
    /// Data that keywheel relies on is damaged.
    Corrupt,
    /// The value cannot be kept there: too large, or bytes that the format has no place for.
    InvalidValue,
    /// A consumer did not show in time that it uses the new value.
    DeadlinePassed,
    /// The far side answered no: a new credential was refused, or an old one still accepted.
    Rejected,
    /// A defect in keywheel or a provider.
    Internal,
}

impl ErrorKind {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(self) -> bool {
        match self {
            Self::RateLimited | Self::Unavailable | Self::TimedOut => true,
            Self::NotFound
            | Self::Conflict
            | Self::PermissionDenied
            | Self::Unauthenticated
            | Self::InvalidConfig
            | Self::Unsupported
            | Self::Fenced
            | Self::Corrupt
            | Self::InvalidValue
            | Self::DeadlinePassed
            | Self::Rejected
            | Self::Internal => false,
        }
    }

    /// The stable, lower-case name that records, events and messages use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::PermissionDenied => "permission-denied",
            Self::Unauthenticated => "unauthenticated",
            Self::RateLimited => "rate-limited",
            Self::Unavailable => "unavailable",
            Self::TimedOut => "timed-out",
            Self::InvalidConfig => "invalid-config",
            Self::Unsupported => "unsupported",
            Self::Fenced => "fenced",
            Self::Corrupt => "corrupt",
            Self::InvalidValue => "invalid-value",
            Self::DeadlinePassed => "deadline-passed",
            Self::Rejected => "rejected",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether the failed call may have changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Certainly not: it failed before anything was sent, or the far side said so.
    NotApplied,
    /// Nobody knows: probe before a retry or an undo.
    MaybeApplied,
}

/// A failed call: kind × effect × operation × context × source.
///
/// # Contract
/// Neither the message nor the context nor any source's text holds a secret value, a response body or a connection
/// string. Providers keep code, status and request id.
#[derive(Debug)]
pub struct Error {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// Whether the effect may have happened.
    pub effect: Effect,
    /// The operation in a few words: `stage`, `open journal`, `signal`.
    pub operation: &'static str,
    /// What failed, for a person.
    pub message: String,
    /// Where: `("path", "/etc/app/db_password")`, `("store", "app-dir")`.
    pub context: Vec<(&'static str, String)>,
    /// The cause, if a library gave one whose text is known to be free of values.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of which it is certain that nothing changed.
    pub fn not_applied(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            effect: Effect::NotApplied,
            operation,
            message: message.into(),
            context: Vec::new(),
            source: None,
        }
    }

    /// An error after which the effect may or may not be there.
    pub fn maybe_applied(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self { effect: Effect::MaybeApplied, ..Self::not_applied(kind, operation, message) }
    }

    /// Adds where it happened.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.context.push((key, value.to_string()));
        self
    }

    /// Adds the cause. Only for causes whose text cannot hold a value.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Classifies an I/O error of the file system. `effect` is the caller's knowledge: what had been done by then.
    #[expect(clippy::needless_pass_by_value, reason = "so that it can stand in `map_err` by itself")]
    #[expect(clippy::wildcard_enum_match_arm, reason = "the standard library's list is open")]
    pub fn from_io(operation: &'static str, effect: Effect, error: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::NotFound => ErrorKind::NotFound,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
            Io::TimedOut => ErrorKind::TimedOut,
            Io::InvalidData => ErrorKind::Corrupt,
            Io::IsADirectory | Io::NotADirectory => ErrorKind::InvalidConfig,
            // Out of space, interrupted, busy, input/output error: all may pass.
            _ => ErrorKind::Unavailable,
        };
        Self { effect, ..Self::not_applied(kind, operation, error.to_string()) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.message)?;
        if !self.context.is_empty() {
            f.write_str(" (")?;
            for (index, (key, value)) in self.context.iter().enumerate() {
                write!(f, "{}{key}: {value}", if index == 0 { "" } else { ", " })?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
