//! The HTTP API.

mod failure;
mod reply;
mod session;
mod shared;

pub(crate) use reply::Said;
pub(crate) use session::Session;
pub(crate) use shared::Shared;
