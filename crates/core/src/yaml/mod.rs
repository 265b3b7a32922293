//! Reading what an operator wrote, so that every mistake in it is reported in one go: where it is, what it is, and
//! what to write instead.
//!
//! [`parse`] turns a [`Source`] into a [`Document`] of [`Node`]s; [`read`] turns a node into any type that derives
//! `Deserialize`; both leave what is wrong in [`Diagnostics`] and carry on.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use keywheel_core::yaml::{Checked, Diagnostic, Diagnostics, Located, Source, Style, parse, read};
//!
//! #[derive(serde::Deserialize)]
//! struct Inventory {
//!     secrets: BTreeMap<Located<String>, Checked<Secret>>,
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Secret {
//!     store: Located<String>,
//! }
//!
//! let mut found = Diagnostics::new(Source::new("keywheel.yaml", "secrets:\n  db: {store: nope}\n  api: {stor: x}\n"));
//! let inventory: Option<Inventory> = parse(&mut found).and_then(|document| read(document.root(), &mut found));
//! for secret in inventory.iter().flat_map(|inventory| inventory.secrets.values()).filter_map(Checked::get) {
//!     let message = format!("there is no store `{}`", *secret.store);
//!     found.push(Diagnostic::error(message).at(secret.store.span()).hint("declare it under `stores`"));
//! }
//! assert_eq!(found.len(), 3);
//! eprint!("{}", found.render(Style::Plain));
//! ```

mod checked;
mod credential;
mod describe;
mod diagnostic;
mod document;
mod entries;
mod excerpt;
mod failure;
mod located;
mod node;
mod parse;
mod place;
mod raw;
mod reading;
mod render;
mod scalar;
mod source;
mod stand_in;
mod suggest;
#[cfg(test)]
mod tests;
mod variant;

pub use checked::Checked;
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use document::Document;
pub use located::Located;
pub use node::Node;
pub use parse::parse;
pub use raw::Raw;
pub use reading::read;
pub use render::Style;
pub use scalar::Scalar;
pub use source::{Position, Source, Span};
pub use suggest::near_miss;
