//! Secrets in local files: one file for each secret, one variable of a `.env` file, one field of a JSON document.
//!
//! Bottom up: [`directory`] touches the file system and nothing else does; [`dotenv`] and [`document`] are pure
//! edits of bytes that leave every other byte as it was. On them stand the three kinds of [`store`], which keep a
//! [`secret`] crash-safely; [`provided`] reads what a person made ready.

mod aside;
mod blocking;
#[cfg(test)]
mod crash;
pub mod directory;
pub mod document;
pub mod dotenv;
mod examine;
mod fields;
mod files;
mod kept;
mod locks;
mod places;
pub mod provided;
mod root;
pub mod secret;
mod settings;
mod shelf;
pub mod store;
mod text_format;

pub use directory::{Directory, Entry, Expected, FileKind, FileState, SizeLimit};
pub use document::{DocumentError, JsonPointer};
pub use dotenv::{Dotenv, DotenvError};
pub use provided::{read_value_file, read_variable};
pub use store::kinds;
