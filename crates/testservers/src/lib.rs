//! Private instances of real servers for tests, each on a free port of the loopback interface with a directory of its own,
//! and a [`Proxy`] between them and whoever is tested: a network that cuts, delays, or loses the reply.
//!
//! Every instance is stopped, by its own process id, when it is dropped. A test whose server is not installed fails and
//! says which package is missing; `cargo xtask test` installs them all first.

#![expect(clippy::expect_used, reason = "a server that cannot be started fails the test that wanted it")]

mod authority;
mod instance;
mod mariadb;
mod mended;
mod moto;
#[cfg(feature = "openbao")]
mod openbao;
mod patience;
mod port;
mod postgres;
mod program;
mod proxy;
mod rabbitmq;
mod redis;
#[cfg(feature = "vault")]
pub mod vault;
mod venv;

pub use authority::Authority;
pub use instance::{Instance, Launch};
pub use mariadb::Mariadb;
pub use mended::Mended;
pub use moto::Moto;
#[cfg(feature = "openbao")]
pub use openbao::OpenBao;
pub use patience::{Stopwatch, pause, until};
pub use port::free_port;
pub use postgres::{Postgres, PostgresLaunch};
pub use program::program;
pub use proxy::{Mishap, Proxy, Weather};
pub use rabbitmq::Rabbitmq;
pub use redis::{Redis, RedisSetup, RedisUsers};
