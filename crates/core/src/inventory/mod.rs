//! What the operator wrote, read into a form that cannot hold a mistake: every reference resolves, every period has a
//! unit, no dependency runs in a circle.

mod circle;
mod declared;
mod file;
mod model;
mod notice;
mod period;
mod read;
mod reference;
mod resolve;
mod schema;
#[cfg(test)]
mod tests;

pub use model::{
    Automation, DeclaredConsumer, DeclaredStore, DeclaredTarget, Environment, Inventory, ProvidedFrom,
    SecretEntry, Tier,
};
pub use notice::{About, DeclaredChannel, Template};
pub use period::{InvalidPeriod, Period};
pub use read::read;
pub use reference::CredentialRef;
pub use schema::schema;
