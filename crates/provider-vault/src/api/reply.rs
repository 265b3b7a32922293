//! An answer, and those of its words that are known.

use keywheel_core::{Error, ErrorKind, Result};
use reqwest::StatusCode;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use zeroize::Zeroizing;

/// What the server answered. The body may hold values: it is wiped, and never printed.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(super) body: Zeroizing<Vec<u8>>,
    pub(super) retry_after: Option<u64>,
}

/// The fixed sentences of the server that decide something. Anything else it says is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Somebody wrote meanwhile.
    OtherVersion,
    /// The mount wants check-and-set, and there was none.
    CheckRequired,
    /// No token came with the request.
    NoToken,
    /// The credential of a login is wrong.
    BadLogin,
    /// Nothing is mounted there.
    NoMount,
    /// The server is sealed.
    Sealed,
    /// The mount is just being made version 2.
    Upgrading,
    /// The engine has no role, key or connection of that name.
    NoSuchName,
    /// The key refuses everything of that version.
    TooOld,
    /// Something else, or nothing.
    Other,
}

#[derive(Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<String>,
}

#[derive(Deserialize)]
struct Absence {
    errors: Option<Vec<IgnoredAny>>,
    data: Option<IgnoredAny>,
}

impl Reply {
    /// The fixed sentence in the answer.
    pub(crate) fn said(&self) -> Said {
        let Ok(Errors { errors }) = serde_json::from_slice(&self.body) else { return Said::Other };
        let has = |sentence: &str| errors.iter().any(|error| error.contains(sentence));
        let sentences = [
            ("check-and-set parameter did not match the current version", Said::OtherVersion),
            ("check-and-set parameter required for this call", Said::CheckRequired),
            ("missing client token", Said::NoToken),
            ("invalid secret id", Said::BadLogin),
            ("invalid role ID", Said::BadLogin),
            ("invalid role or secret ID", Said::BadLogin),
            ("invalid username or password", Said::BadLogin),
            ("no handler for route", Said::NoMount),
            // OpenBao; Vault finds no mount in it.
            ("namespace not found", Said::NoMount),
            ("Vault is sealed", Said::Sealed),
            ("OpenBao is sealed", Said::Sealed),
            ("no static role found for role name", Said::NoSuchName),
            ("unknown role", Said::NoSuchName),
            ("key not found", Said::NoSuchName),
            ("no existing key named", Said::NoSuchName),
            ("failed to find entry for connection with name", Said::NoSuchName),
            ("disallowed by policy", Said::TooOld),
            ("Upgrading from non-versioned to versioned data", Said::Upgrading),
        ];
        sentences.into_iter().find(|(sentence, _)| has(sentence)).map_or(Said::Other, |(_, said)| said)
    }

    /// Whether a 404 is the engine's own: it has nothing there, or what is left of a deleted version. A gateway that has lost
    /// its server says 404 too, and so does a server without the namespace: nothing follows from that about the version.
    pub(crate) fn is_of_the_engine(&self) -> bool {
        serde_json::from_slice(&self.body).is_ok_and(|absence: Absence| {
            absence.errors.is_some_and(|errors| errors.is_empty()) || absence.data.is_some()
        })
    }

    /// The body. What cannot be read is not from this API, or from one that is newer than this program.
    pub(crate) fn json<T: DeserializeOwned>(&self, operation: &'static str) -> Result<T> {
        // The cause is left out: it quotes the body.
        serde_json::from_slice(&self.body).map_err(|_| {
            let message = "the answer is not one that such an engine gives: check `address` and `mount`";
            Error::not_applied(ErrorKind::Unsupported, operation, message)
                .with("status", self.status.as_u16())
        })
    }
}
