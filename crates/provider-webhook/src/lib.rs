//! What is reached through HTTP: consumers that reload when they are called, and people who are told how rotations go.
//!
//! | kind | of | what it does | settings |
//! |---|---|---|---|
//! | `http` | consumers | calls a URL, and looks at another for [`Evidence`] | [`HttpSettings`] |
//! | `slack` | notices | posts words | [`SlackSettings`] |
//! | `webhook` | notices | posts the message as JSON, signed | [`SignedSettings`] |
//!
//! TLS is rustls with aws-lc-rs. Redirects are never followed: what was meant for one server must not reach another.
//! No response body gets into an error or a log. Everything here needs a Tokio runtime with I/O and time enabled.

mod channel;
mod consumer;
mod evidence;
mod http;
mod kinds;

pub use channel::{SignedChannel, SignedSettings, SlackChannel, SlackSettings};
pub use consumer::{Body, HttpConsumer, HttpNotifier, HttpSettings, Method, ReloadSettings};
pub use evidence::{Evidence, EvidenceSettings, HealthSettings, ShownSettings};

/// Consumers.
pub mod consumers {
    pub use crate::kinds::consumers as kinds;
}

/// Notices.
pub mod channels {
    pub use crate::kinds::channels as kinds;
}
