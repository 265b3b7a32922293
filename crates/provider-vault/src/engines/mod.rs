//! Credentials that the server makes itself: of database users, of its own users at databases, and versions of keys. What it made
//! cannot be taken back (ADR 19).

mod examine;
mod named;
pub(crate) mod root;
pub(crate) mod settings;
pub(crate) mod static_role;
mod target;
pub(crate) mod transit;
