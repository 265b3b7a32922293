//! How a run is watched, asked about, interrupted and summed up.

mod bars;
mod boundary;
mod clock;
mod ending;
mod events;
#[cfg(feature = "failpoints")]
mod failpoints;
mod lines;
mod question;
mod report;
mod saved;
#[cfg(feature = "failpoints")]
mod shifted_clock;
mod signals;
mod step;
mod watch;

pub(crate) use boundary::boundary;
pub(crate) use clock::clock;
pub(crate) use question::{ask, ask_about_plan, somebody_to_ask};
pub(crate) use report::{report, report_one};
pub(crate) use saved::{load, save, write_new};
pub(crate) use signals::heed;
pub(crate) use step::in_words as step_in_words;
pub(crate) use watch::Watch;
