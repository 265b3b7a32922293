//! What must hold for every input, one function for each reader or editor of bytes that somebody else wrote.
//!
//! `fuzz/fuzz_targets` lets libFuzzer look for an input that breaks one; `tests/corpus.rs` runs each over the inputs that
//! are kept in `fuzz/corpus`, without libFuzzer and without nightly. A property panics where it does not hold.

pub mod audit;
pub mod document;
pub mod dotenv;
mod edit;
mod fields;
pub mod inventory;
pub mod journal;
mod story;
