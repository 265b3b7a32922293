//! `PostgreSQL`: passwords of login roles, and the sessions that still use an old one.
//!
//! | kind | is | settings |
//! |---|---|---|
//! | `postgres` | a rotator: `in-place`, or `alternating` with a clone of the role | [`PostgresSettings`] |
//! | `postgres-sessions` | a consumer that is seen in `pg_stat_activity` | [`SessionsSettings`] |
//!
//! Works with `PostgreSQL` 12 and newer. Everything here needs a Tokio runtime with I/O and time enabled.

mod admin;
mod catalog;
mod certificate;
mod clone;
mod examine;
mod failure;
mod kinds;
mod password;
mod rotator;
mod server;
mod sessions;
mod settings;
mod target;
mod tls;
mod turns;

pub use kinds::{consumers, rotators};
pub use rotator::PostgresRotator;
pub use sessions::{SessionsConsumer, SessionsNotifier};
pub use settings::{
    ClientCertificateSettings, LoginSettings, PostgresSettings, SessionsSettings, SslMode, TurnsSettings,
};
pub use target::PostgresTarget;
