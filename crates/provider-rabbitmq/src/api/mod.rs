//! The management plugin's HTTP API.

mod failure;
mod session;
mod user;

pub(crate) use session::Session;
pub(crate) use user::{Login, Permission, TopicPermission, User};
