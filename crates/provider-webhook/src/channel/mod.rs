//! People told through HTTP.

mod signed;
mod slack;

pub use signed::{SignedChannel, SignedSettings};
pub use slack::{SlackChannel, SlackSettings};
