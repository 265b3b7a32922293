//! keywheel as a library: one crate to add, a feature for each provider.
//!
//! [`table`] is the only place that knows which providers a build has. [`open`] turns an inventory file into a running
//! [`engine`].

pub mod open;
pub mod table;

pub use jiff;
pub use keywheel_core as core;
pub use keywheel_engine as engine;

/// The examples of the guide for library users, compiled so that they stay true.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/library.md")]
struct LibraryGuide;
