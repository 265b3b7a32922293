//! People told by mail.
//!
//! | kind | of | what it does | settings |
//! |---|---|---|---|
//! | `smtp` | notices | sends a mail through a server | [`SmtpSettings`] |
//!
//! The connection is encrypted, or it is one to this machine. TLS is rustls with aws-lc-rs. What a server says of a refused
//! mail stays out of errors: only its three-digit code gets in. Everything here needs a Tokio runtime.

mod failure;
mod kinds;
mod mail;
mod messenger;
mod settings;

pub use kinds::kinds;
pub use messenger::SmtpMessenger;
pub use settings::{SmtpChannel, SmtpSettings, Tls};
