//! The `keywheel` binary as its users meet it.

mod check;
#[cfg(feature = "failpoints")]
mod crash;
mod doctor;
mod generate;
mod help;
mod journey;
mod json;
mod notices;
mod saved_plan;
mod state;
mod trouble;
mod usage;
mod world;
