//! The three kinds of stores, as the inventory names them:
//!
//! | kind | `key` of a secret | bytes |
//! |---|---|---|
//! | `directory: { path: ./secrets }` | a file in it, `db_password` or `tls/key.pem`; the secret's name unless said | any |
//! | `env-file: { path: ./app.env }` | a variable, `DB_PASSWORD` | UTF-8 without NUL and carriage return |
//! | `document: { path: ./config.json }` | an RFC 6901 pointer, `/database/password` | UTF-8 |
//!
//! Each takes `max-bytes` (1 MiB unless said), the largest file that is read or written. `next` and `previous` of a
//! secret are places of the same kind; what consumers must not see lies in `.keywheel` beside the directory or file.

mod check;
mod directory;
mod roots;
mod shared_file;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use keywheel_core::provider::{Kind, Store};

pub(crate) use roots::Roots;

/// The kinds `directory`, `env-file` and `document`.
pub fn kinds() -> Vec<Arc<dyn Kind<dyn Store>>> {
    vec![
        Arc::new(directory::DirectoryKind),
        Arc::new(shared_file::EnvFileKind),
        Arc::new(shared_file::DocumentKind),
    ]
}
