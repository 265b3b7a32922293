//! What may befall a request, and which of it is worth trying where.

use std::{fmt, str::FromStr};

use crate::schedule::Request;

/// What befalls one request, or the process that sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The process dies before it sends the request.
    CrashBefore,
    /// The process dies after the effect, before it hears of it.
    CrashAfter,
    /// The effect happens and no answer comes: the caller waits until its deadline. To a look: no answer comes.
    LostReply,
    /// The request never arrives and no answer comes.
    LostRequest,
    /// No answer comes before the deadline. The effect happens later: when the caller has looked whether it did, or ten
    /// seconds after it gave up.
    Late,
    /// The far side says no, for good.
    Refused,
    /// The far side says: later.
    Throttled,
    /// The process is stopped when it hears the answer, for longer than its lease lives. Others go on: they end its
    /// rotation and make another one. Then it wakes up.
    Paused,
    /// The process loses its lease when it hears the answer and knows nothing of it. Others end its rotation; then it
    /// goes on as if nothing had happened.
    StaleLease,
    /// Before the request is sent, another installation with a journal of its own rotates the same secret.
    Rival,
    /// The wall clock is set back a day when the answer comes.
    ClockBack,
    /// The wall clock is set forward a day when the answer comes.
    ClockForward,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 12] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::LostReply,
        Self::LostRequest,
        Self::Late,
        Self::Refused,
        Self::Throttled,
        Self::Paused,
        Self::StaleLease,
        Self::Rival,
        Self::ClockBack,
        Self::ClockForward,
    ];

    /// The name that schedules are written with.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CrashBefore => "crash-before",
            Self::CrashAfter => "crash-after",
            Self::LostReply => "lost-reply",
            Self::LostRequest => "lost-request",
            Self::Late => "late",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Paused => "paused",
            Self::StaleLease => "stale-lease",
            Self::Rival => "rival",
            Self::ClockBack => "clock-back",
            Self::ClockForward => "clock-forward",
        }
    }

    /// Whether a rotation may end otherwise than wished, or need a person, because of it: the far side said no for good,
    /// or somebody else rotated the same secret.
    pub fn is_lasting(self) -> bool {
        match self {
            Self::Refused | Self::Rival => true,
            Self::CrashBefore
            | Self::CrashAfter
            | Self::LostReply
            | Self::LostRequest
            | Self::Late
            | Self::Throttled
            | Self::Paused
            | Self::StaleLease
            | Self::ClockBack
            | Self::ClockForward => false,
        }
    }
}

impl Fault {
    /// Whether the same request may succeed when it is made again.
    pub fn passes(self) -> bool {
        match self {
            Self::LostReply | Self::LostRequest | Self::Late | Self::Throttled => true,
            Self::CrashBefore
            | Self::CrashAfter
            | Self::Refused
            | Self::Paused
            | Self::StaleLease
            | Self::Rival
            | Self::ClockBack
            | Self::ClockForward => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|fault| fault.as_str() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|fault| fault.as_str()).collect();
            format!("there is no fault `{text}`; there are {}", known.join(", "))
        })
    }
}

/// Who answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Server {
    /// The journal, on the machine's own disk.
    Journal,
    /// A store, a target or a consumer, across a network.
    Remote,
}

/// Whether a request may change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It looks.
    Look,
    /// It may change something.
    Change,
}

/// How many of the possible faults are tried at each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Every one that can happen there.
    Full,
    /// One of each class of faults after which the world, and whoever goes on in it, are the same.
    Distinct,
}

/// The faults that are tried at a request.
///
/// `Distinct` leaves out what another one of its members already shows:
/// - A process that dies before a request, or at one that only looks, leaves what dying after the change before leaves.
/// - A journal that cannot be read or written ends the run before anything else happens: the next process finds what it
///   would find after a crash at that point. Where the record was written all the same, after a crash behind it.
/// - A look that is put off is made again within the call, and nothing else has happened.
/// - A clock that jumps is noticed across a wait, for a retry or for the end of an overlap: nothing else measures time.
/// - A process that is stopped, or loses its lease, between two intents without a request in between writes nothing and
///   sends nothing: what it does next is refused.
pub fn possible(choice: Choice, server: Server, kind: Kind, request: Request) -> &'static [Fault] {
    use Fault::{
        ClockBack, ClockForward, CrashAfter, CrashBefore, Late, LostReply, LostRequest, Paused, Refused,
        Rival, StaleLease, Throttled,
    };
    match (choice, server, kind) {
        (Choice::Full, Server::Remote, Kind::Change) => &[
            CrashBefore,
            CrashAfter,
            LostReply,
            LostRequest,
            Late,
            Refused,
            Throttled,
            Paused,
            StaleLease,
            Rival,
            ClockBack,
            ClockForward,
        ],
        (Choice::Full, Server::Remote, Kind::Look) => {
            &[CrashBefore, LostReply, Refused, Throttled, Paused, StaleLease, Rival, ClockBack, ClockForward]
        }
        (Choice::Full, Server::Journal, Kind::Change) => &[
            CrashBefore,
            CrashAfter,
            LostReply,
            LostRequest,
            Refused,
            Throttled,
            Paused,
            StaleLease,
            Rival,
            ClockBack,
            ClockForward,
        ],
        (Choice::Full, Server::Journal, Kind::Look) => {
            &[CrashBefore, Refused, Throttled, Paused, StaleLease, Rival, ClockBack, ClockForward]
        }
        (Choice::Distinct, Server::Remote, Kind::Change) => {
            &[CrashAfter, LostReply, LostRequest, Late, Refused, Throttled, Paused, StaleLease, Rival]
        }
        (Choice::Distinct, Server::Remote, Kind::Look) => &[LostReply, Refused, Paused, StaleLease, Rival],
        (Choice::Distinct, Server::Journal, Kind::Change) if request.about.starts_with("begin-") => {
            &[CrashAfter, Paused, StaleLease]
        }
        (Choice::Distinct, Server::Journal, Kind::Change) if before_a_wait(request) => {
            &[CrashAfter, ClockBack, ClockForward]
        }
        (Choice::Distinct, Server::Journal, Kind::Change)
            if matches!(request.verb, "append" | "set-note") =>
        {
            &[CrashAfter]
        }
        (Choice::Distinct, Server::Journal, Kind::Change | Kind::Look) => &[],
    }
}

/// Whether a rotation may wait after this record.
fn before_a_wait(request: Request) -> bool {
    request.about == "done-adopt" || request.about == "undo-began" || request.about.starts_with("failed-")
}
