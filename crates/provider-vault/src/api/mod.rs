//! The HTTP API.

mod failure;
mod reply;
mod send;
mod session;
mod shared;
mod token;

pub(crate) use reply::Reply;
pub(crate) use session::Session;
pub(crate) use shared::Shared;
