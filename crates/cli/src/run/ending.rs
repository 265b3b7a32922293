//! How an item ended: in words, with what to do next, and as an exit code.

use keywheel::{
    core::{
        ErrorKind, SecretName,
        plan::{self, WaitingFor},
        rotation::Outcome,
    },
    engine::Ended,
};

use crate::{
    exit::{self, Exit},
    look,
};

/// What is so now, and what to do about it.
pub(crate) struct Ending {
    /// One word for the line.
    pub(crate) word: &'static str,
    /// What is so now.
    pub(crate) now: String,
    /// What to do next, with `NAME` where the secret's name goes.
    next: Vec<String>,
}

impl Ending {
    /// What to do next about `secret`.
    pub(crate) fn next(&self, secret: &SecretName) -> Vec<String> {
        self.next.iter().map(|next| next.replace(NAME, secret.as_str())).collect()
    }

    /// What to do next about any secret that ended like this.
    pub(crate) fn advice(&self) -> &[String] {
        &self.next
    }
}

/// Stands for the secret's name in advice that is the same for many.
const NAME: &str = "NAME";

fn all(words: &[&str]) -> Vec<String> {
    words.iter().map(|words| (*words).to_owned()).collect()
}

/// How it ended, in words.
pub(crate) fn in_words(ended: &Ended) -> Ending {
    match ended {
        Ended::Finished { outcome: Outcome::Succeeded, .. } => Ending {
            word: "rotated",
            now: "the new value is current everywhere; no earlier one is left".to_owned(),
            next: Vec::new(),
        },
        Ended::Finished { outcome: Outcome::Unchanged, .. } => Ending {
            word: "unchanged",
            now: "the provided value is the current one already".to_owned(),
            next: Vec::new(),
        },
        Ended::Finished { outcome: Outcome::RolledBack, reason } => Ending {
            word: "rolled back",
            now: format!(
                "the new value is gone again; {}",
                reason.as_deref().unwrap_or("no reason is on record")
            ),
            next: all(&["`keywheel rotate NAME` makes another new value, once the cause is gone"]),
        },
        Ended::Waiting { until, why: WaitingFor::Overlap } => Ending {
            word: "rotated",
            now: format!("the new value is current; the old one is accepted until {}", look::moment(*until)),
            next: all(&[
                "`keywheel rotate --due` retires the old value after that; a timer does it for you",
                "`keywheel rollback NAME` goes back before that, `keywheel retire NAME` ends it now",
            ]),
        },
        Ended::Waiting { until, why: WaitingFor::OverlapOfUndo } => Ending {
            word: "rolled back",
            now: format!("the old value is current; the new one is accepted until {}", look::moment(*until)),
            next: all(&[
                "`keywheel rotate --due` removes the new value after that; a timer does it for you",
                "`keywheel retire NAME` ends it now",
            ]),
        },
        Ended::Waiting { until, why: WaitingFor::Retry(failure) } => Ending {
            word: "retrying",
            now: format!("tried again {}, after: {failure}", look::moment(*until)),
            next: all(&["`keywheel resume NAME` goes on; so does any `keywheel rotate --due` after that"]),
        },
        Ended::Waiting { why: WaitingFor::Operator(reason), .. } => Ending {
            word: "parked",
            now: reason.clone(),
            next: all(&["`keywheel history NAME` tells the story"]),
        },
        Ended::Parked { reason, ways_on } => Ending {
            word: "parked",
            now: reason.clone(),
            next: plan::ways_on(&SecretName::from(NAME), *ways_on),
        },
        Ended::Interrupted { next_step } => Ending {
            word: "interrupted",
            now: format!("stopped between two steps; the next one is {next_step}"),
            next: all(&["`keywheel resume NAME` goes on"]),
        },
        Ended::Held(holder) => Ending {
            word: "held",
            now: format!(
                "{} works on it since {}; this run changed nothing",
                holder.initiator,
                look::moment(holder.since)
            ),
            next: all(&["`keywheel status NAME` shows how far that is"]),
        },
        Ended::NotBegun { because } => {
            Ending { word: "not begun", now: format!("{because}; nothing was changed"), next: Vec::new() }
        }
        Ended::Stopped { message, .. } => Ending {
            word: "stopped",
            now: format!("{message}; it stands where its records say"),
            next: all(&["`keywheel doctor` finds the cause, `keywheel resume NAME` goes on after that"]),
        },
    }
}

/// What the shell hears of it.
pub(crate) fn exit(ended: &Ended) -> Exit {
    match ended {
        Ended::Finished { outcome: Outcome::Succeeded | Outcome::Unchanged, .. }
        | Ended::Waiting { why: WaitingFor::Overlap, .. } => exit::DONE,
        Ended::Finished { outcome: Outcome::RolledBack, .. }
        | Ended::Waiting { why: WaitingFor::OverlapOfUndo, .. } => exit::ROLLED_BACK,
        Ended::Waiting { why: WaitingFor::Retry(_) | WaitingFor::Operator(_), .. }
        | Ended::Parked { .. }
        | Ended::Interrupted { .. } => exit::PARKED,
        Ended::Held(_) | Ended::Stopped { kind: ErrorKind::Fenced, .. } => exit::HELD,
        Ended::NotBegun { .. } => exit::NOT_DONE,
        Ended::Stopped { kind: ErrorKind::Internal, .. } => exit::BUG,
        Ended::Stopped { .. } => exit::STATE,
    }
}

/// Whether somebody should read about it.
pub(crate) fn is_trouble(ended: &Ended) -> bool {
    exit(ended) != exit::DONE
}
