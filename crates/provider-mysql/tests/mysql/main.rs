//! The provider against private servers.

mod conformance;
mod scene;
