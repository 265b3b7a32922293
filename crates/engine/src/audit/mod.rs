//! The audit: what happened to every secret, who wanted it and why, as a file that shows every later change to it.
//!
//! It is a projection of the journal and nothing else writes into it: one JSON object for each record that is more than
//! an intent, and one for each read of a value outside a rotation, or to hand it to a consumer. [`Audit::catch_up`] appends
//! what the journal has and the file has not; [`verify`] reads the whole file and finds what was done to it; [`show`] is
//! for people.
//!
//! # On disk
//! One line for each event, keys in the order of [`AuditLine`], ending in `,"prev":"…","mac":"…"}`:
//! - `prev` is the SHA-256 of the whole line before, without its newline; 64 zeros in the first line,
//! - `mac` is the HMAC-SHA-256 (RFC 2104), under the installation's audit key, of the line's bytes before `,"mac"`.
//!
//! Every line says its `format`, because [`Audit::catch_up`] looks at the end of the file only. Whatever a later format
//! changes, `format` and `n` come first and `mac` comes last and is made as above.
//!
//! The journal keeps the [`Head`] of the file in its note `audit-head`, signed with the same key: number and signature
//! of the last line, the length of the file, and the newest record that was looked at.
//!
//! # What it withstands
//! | who can write | and does | is found by |
//! |---|---|---|
//! | the file | edits, inserts, removes, repeats or moves lines, and computes every `prev` anew | the signatures: [`verify`] |
//! | the file | cuts lines off the end, puts an older copy back, removes the file | the note in the journal: [`Audit::catch_up`], which then writes nothing, and [`verify`] |
//! | the file and the journal | forges a line or a note | the signatures |
//! | the file and the journal | puts an older copy of both back, as if what came later had never been | nothing here; a copy of a later head kept elsewhere |
//! | the file, with the key | signs another history | the note: its last line is not the one that the journal knows |
//! | the file and the journal, with the key | signs another history and another note | nothing here |
//!
//! Whoever has the key **and** the journal can write any history. Against them only what they cannot reach helps: lines
//! or heads shipped to another machine as they are written, and the key readable by nobody but keywheel (`audit_key`).

mod digest;
mod head;
mod line;
mod lock;
mod project;
mod seal;
mod show;
#[cfg(test)]
mod tests;
mod trail;
mod verdict;
mod verify;
mod writer;

pub use digest::{Digest, InvalidDigest};
pub use head::Head;
pub use line::{AUDIT_FORMAT, AuditEvent, AuditLine};
pub use show::{Filter, Shown, show};
pub use verdict::{AuditProblem, AuditVerdict, ProblemKind};
pub use verify::verify;
pub use writer::Audit;
