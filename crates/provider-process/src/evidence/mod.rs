//! How a consumer shows which version it uses.

mod command;
mod file;
mod observe;
mod settings;

pub use command::CommandEvidence;
pub use file::FileEvidence;
pub use keywheel_core::evidence::Pointer;
pub use observe::Evidence;
pub use settings::{EvidenceSettings, FileEvidenceSettings};
