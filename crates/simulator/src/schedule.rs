//! Which request meets which fault: named one by one, or drawn from a seed.

use std::{fmt, str::FromStr};

use rand::{Rng, SeedableRng, rngs::Xoshiro256PlusPlus};

use crate::fault::{Choice, Fault, Kind, Server, possible};

/// What a request is about. Stays the same when requests before it come and go, so that a schedule that was written down
/// still means what it meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// Who is asked: `store`, `target`, `journal`.
    pub on: &'static str,
    /// What for: `put-pending`, `append`.
    pub verb: &'static str,
    /// More closely: `begin-apply`. May be empty.
    pub about: &'static str,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.on, self.verb)?;
        if self.about.is_empty() { Ok(()) } else { write!(f, ".{}", self.about) }
    }
}

/// A fault at the n-th request of its sort in a life, from 1 on: `target.apply#2=lost-reply`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// The request as [`Request`] is written.
    pub request: String,
    /// Which of them.
    pub nth: u32,
    /// What befalls it.
    pub fault: Fault,
}

impl fmt::Display for Meeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}={}", self.request, self.nth, self.fault)
    }
}

impl FromStr for Meeting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is not a fault of a schedule; one is written `target.apply#1=lost-reply`");
        let (place, fault) = text.split_once('=').ok_or_else(wrong)?;
        let (request, nth) = place.split_once('#').ok_or_else(wrong)?;
        let nth = nth.parse().map_err(|_| wrong())?;
        Ok(Self { request: request.trim().to_owned(), nth, fault: fault.trim().parse()? })
    }
}

/// Which request meets which fault.
#[derive(Clone, Debug, Default)]
pub enum Schedule {
    /// Nothing fails.
    #[default]
    Calm,
    /// These faults.
    Named(Vec<Meeting>),
    /// Of the first so many requests about so many in a thousand.
    Random {
        /// What they follow from.
        seed: u64,
        /// How many of a thousand requests meet a fault.
        per_thousand: u32,
        /// Requests after these meet none, so that every life can end.
        first: u32,
    },
}

/// A schedule in use.
#[derive(Debug)]
pub(crate) struct Running {
    schedule: Schedule,
    source: Xoshiro256PlusPlus,
    drawn: u32,
}

impl Running {
    pub(crate) fn of(schedule: Schedule) -> Self {
        let seed = match &schedule {
            Schedule::Random { seed, .. } => *seed,
            Schedule::Calm | Schedule::Named(_) => 0,
        };
        Self { schedule, source: Xoshiro256PlusPlus::seed_from_u64(seed), drawn: 0 }
    }

    /// What befalls the `nth` request of this sort.
    pub(crate) fn fault(&mut self, request: Request, nth: u32, server: Server, kind: Kind) -> Option<Fault> {
        match &self.schedule {
            Schedule::Calm => None,
            Schedule::Named(meetings) => meetings
                .iter()
                .find(|meeting| meeting.nth == nth && same(&meeting.request, request))
                .map(|meeting| meeting.fault),
            Schedule::Random { per_thousand, first, .. } => {
                if self.drawn >= *first {
                    return None;
                }
                self.drawn += 1;
                // Two numbers every time: the faults of later requests do not depend on the rate of earlier ones.
                let (hit, which) = (self.source.next_u32() % 1000, self.source.next_u32());
                let faults = possible(Choice::Full, server, kind, request);
                let which = usize::try_from(which).unwrap_or_default() % faults.len();
                (hit < *per_thousand).then(|| faults[which])
            }
        }
    }
}

/// Whether `text` is how `request` is written, without writing it.
fn same(text: &str, request: Request) -> bool {
    let Some(rest) = text.strip_prefix(request.on).and_then(|rest| rest.strip_prefix('.')) else {
        return false;
    };
    let Some(rest) = rest.strip_prefix(request.verb) else { return false };
    match rest.strip_prefix('.') {
        Some(about) => !request.about.is_empty() && about == request.about,
        None => rest.is_empty() && request.about.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meeting_reads_as_it_is_written() {
        let text = "journal.append.begin-apply#2=crash-after";
        let meeting: Meeting = text.parse().unwrap();
        assert_eq!(meeting.to_string(), text);
        let request = Request { on: "journal", verb: "append", about: "begin-apply" };
        assert!(same(&meeting.request, request));
        assert!(!same(&meeting.request, Request { about: "begin", ..request }));
        assert!(!same("journal.append", request));
        assert!(same("store.look", Request { on: "store", verb: "look", about: "" }));
    }

    #[test]
    fn what_is_no_meeting_says_how_one_is_written() {
        for text in ["target.apply", "target.apply#x=late", "target.apply#1"] {
            assert!(text.parse::<Meeting>().unwrap_err().contains("target.apply#1=lost-reply"));
        }
        assert!("target.apply#1=fire".parse::<Meeting>().unwrap_err().contains("lost-request"));
    }
}
