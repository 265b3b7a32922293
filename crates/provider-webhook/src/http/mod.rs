//! One HTTP call: where it goes, with which credentials, and what a failure of it means.

mod address;
mod client;
mod endpoint;
mod failure;

pub(crate) use address::Address;
pub(crate) use endpoint::{Answer, Call, Endpoint, EndpointSettings};
pub(crate) use failure::refused;
