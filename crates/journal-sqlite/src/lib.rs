//! keywheel's journal in one `SQLite` file: the embedded default.
//!
//! Every call of [`Journal`](keywheel_core::journal::Journal) is durable when it returns; a journal that was damaged or
//! cut is refused when it is opened. `docs/adr/0003-journal-on-sqlite.md` says how and why.

mod append;
mod checkpoint;
mod fault;
mod files;
mod head;
mod holder;
mod integrity;
mod journal;
mod lease;
mod open;
mod query;
mod queue;
mod reader;
mod repeated;
mod schema;
mod scope;
mod state;
mod writer;

pub use integrity::Verified;
pub use journal::SqliteJournal;
