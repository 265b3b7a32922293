//! What one secret of a test is made of.

use std::time::Duration;

use keywheel_core::{
    Fingerprinter, Identity,
    generate::{BytesRecipe, Recipe},
    inventory::Period,
    rotation::{Flow, Location, OnDeadline, Source},
    rotator::Strategy,
};
use keywheel_testkit::memory::{Behaviour, MemorySecret, MemoryTarget};

/// The value that every secret has before its first rotation.
pub(crate) const OLD: &[u8] = b"the-old-value";

/// An hour, which most overlaps here last.
pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// An hour but for its last second.
pub(crate) const NEARLY_AN_HOUR: Duration = Duration::from_secs(3599);

/// The last second of it.
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// One secret and everything around it.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) flow: Flow,
    pub(crate) stores: usize,
    /// Stores from this one on have no value in the beginning.
    pub(crate) bare_from: usize,
    /// Whether the stores compare fences.
    pub(crate) compares_fences: bool,
    pub(crate) strategy: Option<Strategy>,
    /// They read the last store.
    pub(crate) consumers: Vec<Behaviour>,
    pub(crate) on_deadline: OnDeadline,
    pub(crate) overlap: Duration,
    pub(crate) every: Option<Period>,
    pub(crate) depends_on: &'static [&'static str],
}

impl Scene {
    /// A secret that nobody checks, in one store.
    pub(crate) fn unchecked() -> Self {
        Self {
            name: "db-password",
            flow: Flow::Credential,
            stores: 1,
            bare_from: usize::MAX,
            compares_fences: false,
            strategy: None,
            consumers: Vec::new(),
            on_deadline: OnDeadline::Park,
            overlap: Duration::ZERO,
            every: None,
            depends_on: &[],
        }
    }

    /// A credential that a target checks.
    pub(crate) fn credential(strategy: Strategy) -> Self {
        Self { strategy: Some(strategy), ..Self::unchecked() }
    }

    /// A key that two services sign and verify with, and an hour of overlap.
    pub(crate) fn signing_key() -> Self {
        let consumers = vec![Behaviour::Immediately, Behaviour::AfterLooks(9)];
        Self { name: "signing-key", flow: Flow::SigningKey, consumers, overlap: HOUR, ..Self::unchecked() }
    }

    pub(crate) fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    pub(crate) fn in_stores(self, stores: usize) -> Self {
        Self { stores, ..self }
    }

    pub(crate) fn bare_from(self, bare_from: usize) -> Self {
        Self { bare_from, ..self }
    }

    pub(crate) fn comparing_fences(self) -> Self {
        Self { compares_fences: true, ..self }
    }

    pub(crate) fn used_by(mut self, behaviour: Behaviour) -> Self {
        self.consumers.push(behaviour);
        self
    }

    pub(crate) fn on_deadline(self, on_deadline: OnDeadline) -> Self {
        Self { on_deadline, ..self }
    }

    pub(crate) fn overlapping(self, overlap: Duration) -> Self {
        Self { overlap, ..self }
    }

    pub(crate) fn after(self, depends_on: &'static [&'static str]) -> Self {
        Self { depends_on, ..self }
    }

    pub(crate) fn source(&self) -> Source {
        if self.strategy.is_some_and(Strategy::issues) {
            Source::Minted
        } else {
            Source::Generated(Recipe::Bytes(BytesRecipe::default()))
        }
    }

    /// Whom the first value is for. Where two users take turns it is not the first of them, so that nothing comes right
    /// by default.
    pub(crate) fn identity(&self) -> Option<Identity> {
        self.strategy.map(|strategy| match strategy {
            Strategy::InPlace | Strategy::Overlap | Strategy::Reissued | Strategy::Versioned => {
                Identity::from("app")
            }
            Strategy::Alternating => Identity::from("b"),
            Strategy::Minted => Identity::from("KEY0"),
        })
    }

    pub(crate) fn location(&self) -> Location {
        Location { key: self.name.into(), next: None, previous: None }
    }

    /// The secret as the store at `index` holds it in the beginning.
    pub(crate) fn secret(&self, index: usize) -> MemorySecret {
        let mut secret = MemorySecret::new(Fingerprinter::plain());
        if self.compares_fences {
            secret = secret.comparing_fences();
        }
        if index < self.bare_from {
            secret.overwrite(OLD);
        }
        secret
    }

    /// The target as it is in the beginning.
    pub(crate) fn target(&self) -> Option<MemoryTarget> {
        let identity = self.identity()?;
        let target = match self.strategy? {
            Strategy::InPlace => MemoryTarget::in_place("app"),
            Strategy::Overlap => MemoryTarget::overlap("app"),
            Strategy::Alternating => MemoryTarget::alternating("a", "b"),
            Strategy::Minted => MemoryTarget::minted(),
            Strategy::Reissued => MemoryTarget::reissued("app"),
            Strategy::Versioned => MemoryTarget::versioned("app"),
        };
        Some(if self.bare_from == 0 { target } else { target.accepting(identity.as_str(), OLD) })
    }
}
