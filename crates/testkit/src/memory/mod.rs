//! Reference models: the contracts of `core` kept in memory, with a view from outside.
//!
//! Every model is a handle; clones share one state. A call's effect is there as a whole or not at all, and what a call
//! left behind survives whatever happens to its caller: the models are what a crash-safe system looks like.

mod consumer;
mod journal;
mod lock;
mod notifier;
mod rotator;
mod secret;
mod store;
mod target;

pub use consumer::{Behaviour, MemoryConsumer, Readable};
pub use journal::MemoryJournal;
pub use notifier::MemoryNotifier;
pub use rotator::MemoryRotator;
pub use secret::MemorySecret;
pub use store::MemoryStore;
pub use target::MemoryTarget;

pub(crate) use lock::lock;
