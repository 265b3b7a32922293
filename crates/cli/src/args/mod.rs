//! What can be typed.

mod commands;
mod generate;
mod global;
mod look;
mod rotate;
mod select;

pub(crate) use commands::{Cli, Command, Completions, Init};
pub(crate) use generate::{FingerprintArgs, Generate, GenerateKind, KeyPairArgs};
pub(crate) use global::{Colour, Global, Output};
pub(crate) use look::{Audit, AuditCommand, AuditShow, Check, History, Names};
pub(crate) use rotate::{PlanArgs, Resume, Retire, Rollback, Rotate, Vouch};
pub(crate) use select::{Select, Wanted};
