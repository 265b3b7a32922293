//! How a consumer shows which version it uses.

mod health;
mod observe;
mod settings;
mod shown;

pub use observe::Evidence;
pub use settings::{EvidenceSettings, HealthSettings, ShownSettings};
