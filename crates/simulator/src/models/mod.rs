//! The systems around the engine, request by request: what a provider asks of them is what the network can fail.

mod consumer;
mod journal;
mod shelf;
mod store;
mod target;

pub(crate) use consumer::SimConsumer;
pub(crate) use journal::SimJournal;
pub use shelf::Shelf;
pub(crate) use store::SimStore;
pub use store::{SimSecret, StoreModel};
pub(crate) use target::SimTarget;
