//! Passwords of `RabbitMQ` users.
//!
//! Users are changed through the management plugin's HTTP API (<https://www.rabbitmq.com/docs/management#http-api>), and a
//! password is tried with a real AMQP 0-9-1 login. Only salted hashes are sent to change a password
//! (<https://www.rabbitmq.com/docs/passwords#computing-password-hash>), and everything else about the user stays as it is.
//!
//! Needs a Tokio runtime with I/O and time enabled.

mod alternating;
mod amqp;
mod api;
mod examine;
mod hash;
mod kinds;
mod rights;
mod rotator;
mod settings;
mod target;
mod tls;

pub use kinds::kinds;
pub use settings::{LoginSettings, RabbitmqSettings, RabbitmqStrategy, TlsSettings};
pub use target::RabbitmqTarget;
