//! The KV engine, version 2.

mod document;
mod engine;
mod mount;

pub(crate) use document::Document;
pub(crate) use engine::{Found, Kept, Kv, Written, time};
