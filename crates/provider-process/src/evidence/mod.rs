//! How a consumer shows which version it uses.

mod command;
mod file;
mod observe;
mod pointer;
mod settings;
mod sight;
mod text;

pub use command::CommandEvidence;
pub use file::FileEvidence;
pub use observe::Evidence;
pub use pointer::Pointer;
pub use settings::{EvidenceSettings, FileEvidenceSettings};
