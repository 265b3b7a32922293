//! Secrets in the KV engine, version 2, of `HashiCorp` Vault and `OpenBao`, and what their database and transit engines make.
//!
//! Spoken to over its HTTP API (<https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2>), and why not through a
//! library is in ADR 14. Bottom up: [`api`](self) sends requests and judges answers, `auth` gets tokens and keeps them alive,
//! `kv` reads and writes documents, `record` is what keywheel remembers beside one, and `secret` moves versions. `engines` has the
//! credentials that the server makes itself.
//!
//! Needs a Tokio runtime with I/O and time enabled.

mod api;
mod auth;
mod engines;
mod examine;
mod kinds;
mod kv;
mod place;
mod record;
mod rights;
mod secret;
mod settings;
mod store;
mod tls;

pub use auth::settings::{AppRoleSettings, AuthSettings, KubernetesSettings, UserpassSettings};
pub use engines::settings::EngineSettings;
pub use kinds::{rotators, stores};
pub use settings::{TlsSettings, VaultSettings};
pub use store::VaultStore;
