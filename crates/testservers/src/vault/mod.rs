//! A Vault of version 1.7, as far as keywheel speaks to it: held to recorded exchanges by the Vault provider's tests.

mod access;
mod answer;
mod database;
mod kv;
mod server;
mod state;
mod transit;

pub use access::Roles;
pub use kv::{Kv2, Path, Version};
pub use server::{Fake, Throttle, Trouble};
pub use state::{State, Token};
