//! The real engine, on virtual time and seeded randomness, over modelled stores, targets and consumers, through every
//! schedule of faults.
//!
//! A [`Scenario`] says what is rotated; a [`Schedule`] says which request meets which [`Fault`]. [`live`] brings one life
//! to its end, and a judge looks at the models from outside after every change: what it holds them against is
//! [`Invariant`]. [`sweep`] goes through many.
//!
//! Where to look:
//! - `fault`, `schedule`: what may happen, and how it is written down.
//! - `models`: stores with the three ways of keeping stages, a target, a consumer, a journal, request by request.
//! - `network`: where a request meets its fault, and a process dies or is stopped.
//! - `world`, `life`: engines over the models, and who starts the next process.
//! - `judge`: the invariants.
//! - `sweep`, `report`: all schedules of so many faults, random ones, and what came of them.
//! - `mutants`: engines that are broken on purpose, and what catches them.

pub mod fault;
pub mod invariant;
pub mod life;
pub mod models;
pub mod mutants;
pub mod report;
pub mod scenario;
pub mod schedule;
pub mod sweep;

mod judge;
mod network;
mod world;

pub use fault::Fault;
pub use invariant::{Invariant, Violation};
pub use life::{End, Lived, live};
pub use network::Sent;
pub use scenario::Scenario;
pub use schedule::{Meeting, Schedule};
pub use world::Workbench;
