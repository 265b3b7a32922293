//! What each action does. Every one begins by looking whether it is done already.

mod acting;
mod consumer;
mod leftover;
mod perform;
mod reissue;
mod store;
mod superseded;
mod target;

pub(crate) use acting::{Acting, Places};
pub(crate) use perform::perform;
pub(crate) use store::current_fingerprint;
