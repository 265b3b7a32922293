//! How things show: text for people on terminals and in files, JSON for programs.

mod colour;
mod configure;
mod findings;
mod json;
mod layout;
mod log;
mod print;
mod table;
mod time;

pub(crate) use colour::diagnostics_style;
pub(crate) use configure::configure;
pub(crate) use findings::findings;
pub(crate) use json::{document, one_line};
pub(crate) use layout::{labelled, paragraph, paragraphs, timeline};
pub(crate) use print::{say, show, tell};
pub(crate) use table::{Table, Urgency};
pub(crate) use time::{moment, now};
