//! Accounts of `MySQL` and `MariaDB`: in place, with an old and a new password at once, or two that take turns.
//!
//! | strategy | `apply` | `revoke` |
//! |---|---|---|
//! | `in-place` | the account gets the new password | nothing, unless the old one is back |
//! | `overlap` (`MySQL`) | `RETAIN CURRENT PASSWORD` | `DISCARD OLD PASSWORD` |
//! | `alternating` | the account whose turn it is is made like the other, gets the password, and is unlocked | it is locked, with a password that nobody knows |
//!
//! `MariaDB` gets hashes that are made here, so that no log of it holds a password. `MySQL` gets the password and keeps it
//! out of its logs itself. Everything here needs a Tokio runtime with I/O enabled.

mod account;
mod accounts;
mod admin;
mod alternating;
mod examine;
mod failure;
mod flavour;
mod grants;
mod hash;
mod kinds;
mod password;
mod place;
mod record;
mod rotator;
mod settings;
mod sql;
mod target;

pub use kinds::kinds;
pub use settings::{LoginSettings, MysqlSettings, ServerSetting, StrategySetting, TlsMode, TlsSettings};
pub use target::MysqlTarget;
