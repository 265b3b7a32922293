//! Passwords of Redis ACL users.
//!
//! Redis keeps any number of passwords for one user, so the new one lives beside the old one until that is revoked.
//! Only their SHA-256 hashes are sent to change them (<https://redis.io/docs/latest/commands/acl-setuser/>), and everything
//! else about the user stays as it is. A change and the save that lets it survive a restart are one transaction.
//!
//! Redis 6 or newer; everything here needs a Tokio runtime with I/O enabled.

mod changes;
mod examine;
mod kinds;
mod rotator;
mod server;
mod settings;
mod target;

pub use kinds::kinds;
pub use settings::{LoginSettings, PersistSettings, RedisSettings, RedisStrategy, TlsSettings};
pub use target::RedisTarget;
