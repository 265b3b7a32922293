//! What is rotated, where, for whom, and to which end.

use std::{fmt, str::FromStr, time::Duration};

use keywheel_core::{
    Identity,
    generate::{BytesRecipe, Recipe},
    rotation::{Flow, OnDeadline, Source},
    rotator::Strategy,
};
use keywheel_testkit::memory::{Behaviour, MemoryTarget};

use crate::models::StoreModel;

/// The value that every secret has in the beginning.
pub(crate) const OLD: &[u8] = b"the-value-that-was-there-before-keywheel";

/// What checks the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetModel {
    /// Nothing that keywheel has to tell.
    Unchecked,
    /// One user, one password.
    InPlace,
    /// One user, two passwords.
    Overlap,
    /// Two users that take turns.
    Alternating,
    /// Two keys that the target issues itself.
    Minted,
    /// One user, one password that the target makes itself.
    Reissued,
    /// A key to which the target adds versions.
    Versioned,
}

impl TargetModel {
    /// Every model.
    pub const ALL: [Self; 7] = [
        Self::Unchecked,
        Self::InPlace,
        Self::Overlap,
        Self::Alternating,
        Self::Minted,
        Self::Reissued,
        Self::Versioned,
    ];

    /// Those that keywheel has to tell.
    pub const CHECKED: [Self; 6] =
        [Self::InPlace, Self::Overlap, Self::Alternating, Self::Minted, Self::Reissued, Self::Versioned];

    /// The name that scenarios are written with.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchecked => "unchecked",
            Self::InPlace => "in-place",
            Self::Overlap => "overlap",
            Self::Alternating => "alternating",
            Self::Minted => "minted",
            Self::Reissued => "reissued",
            Self::Versioned => "versioned",
        }
    }

    /// The strategy of its rotator.
    pub fn strategy(self) -> Option<Strategy> {
        match self {
            Self::Unchecked => None,
            Self::InPlace => Some(Strategy::InPlace),
            Self::Overlap => Some(Strategy::Overlap),
            Self::Alternating => Some(Strategy::Alternating),
            Self::Minted => Some(Strategy::Minted),
            Self::Reissued => Some(Strategy::Reissued),
            Self::Versioned => Some(Strategy::Versioned),
        }
    }

    pub(crate) fn keeps_old(self) -> bool {
        self.strategy().is_none_or(Strategy::keeps_old)
    }

    pub(crate) fn issues(self) -> bool {
        self.strategy().is_some_and(Strategy::issues)
    }

    pub(crate) fn reissues(self) -> bool {
        self.strategy().is_some_and(Strategy::reissues)
    }

    /// The target as it is in the beginning.
    pub(crate) fn make(self) -> Option<MemoryTarget> {
        Some(match self {
            Self::Unchecked => return None,
            Self::InPlace => MemoryTarget::in_place("app").accepting("app", OLD),
            Self::Overlap => MemoryTarget::overlap("app").accepting("app", OLD),
            // Not the first of the two, so that nothing comes right by default.
            Self::Alternating => MemoryTarget::alternating("a", "b").accepting("b", OLD),
            Self::Minted => MemoryTarget::minted().accepting("KEY0", OLD),
            Self::Reissued => MemoryTarget::reissued("app").accepting("app", OLD),
            Self::Versioned => MemoryTarget::versioned("app").accepting("app", OLD),
        })
    }
}

/// Which way the rotation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Goal {
    /// A credential, to the new value.
    Forward,
    /// A credential: the operator wants the old value back, as soon and as late as there is a way.
    Undo,
    /// A signing key, to the new one.
    Signing,
    /// A signing key, and back.
    SigningUndo,
}

impl Goal {
    /// Every goal.
    pub const ALL: [Self; 4] = [Self::Forward, Self::Undo, Self::Signing, Self::SigningUndo];

    /// The name that scenarios are written with.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Undo => "undo",
            Self::Signing => "signing",
            Self::SigningUndo => "signing-undo",
        }
    }

    pub(crate) fn is_signing(self) -> bool {
        matches!(self, Self::Signing | Self::SigningUndo)
    }

    pub(crate) fn is_undo(self) -> bool {
        matches!(self, Self::Undo | Self::SigningUndo)
    }
}

/// How a consumer takes a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Habit {
    /// Reloads at once.
    Prompt,
    /// Reloads later.
    Late,
    /// One of its three replicas reloads. The rotation is turned back when its time is up.
    Partly,
    /// Hears, and does nothing. The operator decides when its time is up.
    Never,
    /// Reads nothing that is stored: it uses what it is handed, at once.
    Handed,
}

impl Habit {
    /// Every habit.
    pub const ALL: [Self; 5] = [Self::Prompt, Self::Late, Self::Partly, Self::Never, Self::Handed];

    /// The name that scenarios are written with.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Late => "late",
            Self::Partly => "partly",
            Self::Never => "never",
            Self::Handed => "handed",
        }
    }

    pub(crate) fn moves(self) -> bool {
        matches!(self, Self::Prompt | Self::Late | Self::Handed)
    }

    pub(crate) fn behaviour(self) -> Behaviour {
        match self {
            Self::Prompt | Self::Handed => Behaviour::Immediately,
            Self::Late => Behaviour::AfterLooks(2),
            Self::Partly => Behaviour::Partly(1),
            Self::Never => Behaviour::Never,
        }
    }

    pub(crate) fn on_deadline(self) -> OnDeadline {
        match self {
            Self::Prompt | Self::Late | Self::Partly | Self::Handed => OnDeadline::RollBack,
            Self::Never => OnDeadline::Park,
        }
    }
}

/// One secret and everything around it. Written `native/in-place/undo`, or with more:
/// `native/overlap/forward/2-stores/late+never`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scenario {
    /// How its stores keep stages.
    pub store: StoreModel,
    /// What checks it.
    pub target: TargetModel,
    /// To which end it is rotated.
    pub goal: Goal,
    /// In how many stores it is: one or two.
    pub stores: usize,
    /// Who uses it.
    pub consumers: Vec<Habit>,
    /// How long old and new are both accepted.
    pub overlap: Duration,
}

impl Scenario {
    /// One store, one consumer that reloads late, an hour of overlap.
    pub fn new(store: StoreModel, target: TargetModel, goal: Goal) -> Self {
        let overlap = Duration::from_hours(1);
        Self { store, target, goal, stores: 1, consumers: vec![Habit::Late], overlap }
    }

    /// Every combination of store model, target model and goal. Nothing checks a signing key but those who verify with it;
    /// a credential that nothing checks goes through fewer steps of the same route.
    pub fn every() -> Vec<Self> {
        let mut every = Vec::new();
        for store in StoreModel::ALL {
            for target in TargetModel::CHECKED {
                every.push(Self::new(store, target, Goal::Forward));
                every.push(Self::new(store, target, Goal::Undo));
            }
            every.push(Self::new(store, TargetModel::Unchecked, Goal::Signing));
            every.push(Self::new(store, TargetModel::Unchecked, Goal::SigningUndo));
        }
        every
    }

    pub(crate) fn flow(&self) -> Flow {
        if self.goal.is_signing() { Flow::SigningKey } else { Flow::Credential }
    }

    pub(crate) fn source(&self) -> Source {
        if self.target.issues() {
            Source::Minted
        } else {
            Source::Generated(Recipe::Bytes(BytesRecipe::default()))
        }
    }

    /// Whom the first value is for.
    pub(crate) fn identity(&self) -> Option<Identity> {
        let identity = match self.target {
            TargetModel::Unchecked => return None,
            TargetModel::InPlace | TargetModel::Overlap | TargetModel::Reissued | TargetModel::Versioned => {
                "app"
            }
            TargetModel::Alternating => "b",
            TargetModel::Minted => "KEY0",
        };
        Some(Identity::from(identity))
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.store.as_str(), self.target.as_str(), self.goal.as_str())?;
        if self.stores != 1 {
            write!(f, "/{}-stores", self.stores)?;
        }
        if self.consumers != [Habit::Late] {
            let habits: Vec<_> = self.consumers.iter().map(|habit| habit.as_str()).collect();
            write!(f, "/{}", if habits.is_empty() { "nobody".to_owned() } else { habits.join("+") })?;
        }
        if self.overlap.is_zero() { f.write_str("/at-once") } else { Ok(()) }
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split('/');
        let mut next = |what: &str| parts.next().ok_or_else(|| format!("`{text}` names no {what}"));
        let store = named("store model", next("store model")?, StoreModel::ALL, StoreModel::as_str)?;
        let target = named("target model", next("target model")?, TargetModel::ALL, TargetModel::as_str)?;
        let goal = named("goal", next("goal")?, Goal::ALL, Goal::as_str)?;
        let mut scenario = Self::new(store, target, goal);
        if goal.is_signing() && target != TargetModel::Unchecked {
            return Err(format!("`{text}`: a signing key is checked by its verifiers: say `unchecked`"));
        }
        for part in parts {
            match part {
                "2-stores" => scenario.stores = 2,
                "at-once" => scenario.overlap = Duration::ZERO,
                "nobody" => scenario.consumers.clear(),
                habits => {
                    let habit = |name| named("habit", name, Habit::ALL, Habit::as_str);
                    scenario.consumers = habits.split('+').map(habit).collect::<Result<_, _>>()?;
                }
            }
        }
        if scenario.consumers.len() > 2 {
            return Err(format!("`{text}`: two consumers at most"));
        }
        Ok(scenario)
    }
}

fn named<T: Copy, const N: usize>(
    what: &str,
    name: &str,
    all: [T; N],
    as_str: fn(T) -> &'static str,
) -> Result<T, String> {
    all.into_iter().find(|one| as_str(*one) == name).ok_or_else(|| {
        let known: Vec<_> = all.into_iter().map(as_str).collect();
        format!("there is no {what} `{name}`; there are {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_reads_as_it_is_written() {
        for scenario in Scenario::every() {
            assert_eq!(scenario.to_string().parse(), Ok(scenario));
        }
        for text in ["native/overlap/forward/2-stores/late+never/at-once", "sibling/minted/undo/nobody"] {
            assert_eq!(text.parse::<Scenario>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_scenario_says_what_there_is() {
        assert!("native/magic/undo".parse::<Scenario>().unwrap_err().contains("alternating"));
        assert!("native/overlap".parse::<Scenario>().unwrap_err().contains("goal"));
        assert!("native/overlap/signing".parse::<Scenario>().unwrap_err().contains("unchecked"));
    }
}
