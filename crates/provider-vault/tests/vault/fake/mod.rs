//! A Vault of version 1.7, as far as keywheel speaks to it: held to recorded exchanges by the test in `replay.rs`.

mod access;
mod answer;
mod database;
mod kv;
mod server;
mod state;
mod transit;

pub(crate) use server::{Fake, Trouble};
pub(crate) use state::Token;
