//! Logging in, and staying logged in.

mod held;
mod method;
pub(crate) mod settings;

pub(crate) use held::{Due, Held, Issued, header};
pub(crate) use method::{Auth, Login};
