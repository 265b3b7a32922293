//! Talking to one server: the connection, the login, what it says of itself and of its users.

mod failure;
mod link;
mod reply;
mod session;
mod tls;
mod user;

pub(crate) use failure::classify;
pub(crate) use link::{Address, Link};
pub(crate) use reply::ask;
pub(crate) use session::{Login, Persistence, Session, as_administrator, log_in, try_login};
pub(crate) use tls::TlsFiles;
pub(crate) use user::{Hash, User};
