//! One secret looked at from outside: what must hold at every instant, and what must hold at the end.

use std::collections::BTreeSet;

use futures::FutureExt;
use keywheel_core::{
    Fingerprint, Fingerprinter, RotationId, SecretValue,
    notifier::{Adoption, Notice, Notifier, Phase},
    rotation::{Flow, Outcome},
    rotator::Strategy,
    secret::{Secret, Stage, VersionInfo},
};
use keywheel_testkit::memory::{Behaviour, MemoryConsumer, MemorySecret, MemoryTarget};

use crate::scene::{OLD, Scene};

/// A secret, its target and its consumers. Clones look at the same ones.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) scene: Scene,
    /// The secret in each of its stores, the primary one first.
    pub(crate) secrets: Vec<MemorySecret>,
    pub(crate) target: Option<MemoryTarget>,
    pub(crate) consumers: Vec<MemoryConsumer>,
}

impl View {
    /// The bytes in `stage` of the primary store.
    pub(crate) fn primary(&self, stage: Stage) -> Option<Vec<u8>> {
        self.secrets[0].bytes_at(stage)
    }

    /// What is current in each store.
    pub(crate) fn current(&self) -> Vec<Option<Vec<u8>>> {
        self.secrets.iter().map(|secret| secret.bytes_at(Stage::Current)).collect()
    }

    /// Everything that could be changed, for tests in which nothing may be.
    pub(crate) fn everything(&self) -> String {
        let secrets: Vec<_> = (0..self.secrets.len()).map(|index| self.versions(index)).collect();
        let accepted = self.target.as_ref().map(MemoryTarget::accepted);
        let consumers: Vec<_> =
            self.consumers.iter().map(|consumer| (consumer.uses(), consumer.heard())).collect();
        format!("{secrets:?} {accepted:?} {consumers:?}")
    }

    pub(crate) fn versions(&self, index: usize) -> Vec<VersionInfo> {
        let versions = self.secrets[index].versions().now_or_never();
        versions.expect("a model answers at once").expect("a model answers").0
    }

    /// The stages of the store at `index` of which the version can log in; all of them where nobody checks.
    pub(crate) fn logging_in(&self, index: usize) -> Vec<Stage> {
        let versions = self.versions(index);
        let works = |version: &&VersionInfo| {
            let Some(target) = &self.target else { return true };
            let identity = version.identity.clone().or_else(|| self.scene.identity());
            let bytes = self.secrets[index].bytes_at(version.stage);
            identity.zip(bytes).is_some_and(|(identity, bytes)| target.accepts(identity.as_str(), &bytes))
        };
        versions.iter().filter(works).map(|version| version.stage).collect()
    }

    /// Everything that the target accepts, whoever says it.
    fn accepted(&self) -> Option<BTreeSet<Fingerprint>> {
        Some(self.target.as_ref()?.accepted().into_values().flatten().collect())
    }

    /// Whether the target accepts `bytes` from anybody.
    pub(crate) fn accepts(&self, bytes: &[u8]) -> bool {
        self.accepted().is_none_or(|accepted| accepted.contains(&print(bytes)))
    }

    /// What is wrong at this instant, in the middle of whatever happens.
    pub(crate) fn wrongs(&self) -> Vec<String> {
        let mut wrongs = Vec::new();
        if self.scene.bare_from == 0 {
            return wrongs;
        }
        let keeps_old = self.scene.strategy.is_none_or(Strategy::keeps_old);
        for index in 0..self.secrets.len() {
            let works = self.logging_in(index);
            // A target that makes its one credential itself hands it out, and is what durably keeps it.
            let keeps_it_itself = self.scene.strategy == Some(Strategy::Reissued);
            if index == 0 && works.is_empty() && !keeps_it_itself {
                wrongs.push("locked out: no durable version is accepted".to_owned());
            }
            let has_current = self.secrets[index].bytes_at(Stage::Current).is_some();
            if keeps_old && has_current && !works.contains(&Stage::Current) {
                wrongs.push(format!("what is current in store {index} is refused"));
            }
        }
        if keeps_old
            && let Some(accepted) = self.accepted()
            && self.used().iter().any(|used| !accepted.contains(&print(used)))
        {
            wrongs.push("a consumer uses a value that is refused".to_owned());
        }
        if self.scene.flow == Flow::SigningKey {
            let mut signs = self.used();
            signs.extend(self.current().into_iter().flatten());
            for key in signs {
                let verifiers = self.consumers.iter().filter(|consumer| !verifies(consumer, &key)).count();
                if verifiers > 0 {
                    wrongs.push(format!("{verifiers} verifiers refuse what is signed with {}", print(&key)));
                }
            }
        }
        wrongs
    }

    /// What is wrong after a rotation that ended in `outcome`.
    pub(crate) fn wrongs_at_the_end(&self, outcome: Outcome) -> Vec<String> {
        let mut wrongs = self.wrongs();
        let mut must = |holds: bool, what: &str| {
            if !holds {
                wrongs.push(format!("after {outcome}: {what}"));
            }
        };
        let current = self.current();
        let new = current[0].clone().filter(|bytes| bytes != OLD);
        for index in 0..self.secrets.len() {
            for stage in [Stage::Pending, Stage::Next, Stage::Previous] {
                must(
                    self.secrets[index].bytes_at(stage).is_none(),
                    &format!("store {index} keeps a {stage} version"),
                );
            }
        }
        match outcome {
            Outcome::Succeeded => {
                must(new.is_some(), "no new value is current");
                must(current.iter().all(|bytes| *bytes == new), "the stores differ");
                must(self.target.is_none() || !self.accepts(OLD), "the old value is still accepted");
            }
            Outcome::RolledBack | Outcome::Unchanged => {
                let had_value = self.scene.bare_from > 0;
                must(new.is_none(), "the new value is current");
                must((current[0].is_some()) == had_value, "the old value is gone");
                let others = current.iter().enumerate().skip(1);
                for (index, bytes) in others {
                    let held = bytes.as_deref() == Some(OLD);
                    let still_bare = index >= self.scene.bare_from && bytes.is_none();
                    must(held || still_bare, "a store does not hold the old value");
                }
            }
        }
        let goes_back = self.scene.strategy.is_none_or(|strategy| !strategy.reissues());
        if outcome == Outcome::RolledBack && !goes_back {
            // What the target has made stays made.
        } else if let Some(target) = &self.target {
            let accepted: usize = target.accepted().values().map(BTreeSet::len).sum();
            let expected = usize::from(current[0].is_some());
            must(accepted == expected, "the target accepts more, or less, than the current value");
            must(
                current[0].is_none() || self.logging_in(0).contains(&Stage::Current),
                "the current value is refused",
            );
        }
        let moves = |behaviour: &Behaviour| !matches!(behaviour, Behaviour::Never | Behaviour::Partly(_));
        let watched = self.consumers.iter().zip(&self.scene.consumers);
        for (consumer, _) in watched.filter(|(_, behaviour)| moves(behaviour)) {
            let last = current.last().cloned().flatten();
            must(consumer.uses().iter().all(|used| *used == last), "a consumer uses something else");
        }
        wrongs
    }

    fn used(&self) -> BTreeSet<Vec<u8>> {
        self.consumers.iter().flat_map(MemoryConsumer::uses).flatten().collect()
    }
}

/// The plain fingerprint of `bytes`.
pub(crate) fn print(bytes: &[u8]) -> Fingerprint {
    Fingerprinter::plain().of(&SecretValue::copy_from(bytes))
}

/// Whether every replica accepts what is signed with `key`. A consumer's own look answers that; for one that moves after
/// so many looks this is one of them.
pub(crate) fn verifies(consumer: &MemoryConsumer, key: &[u8]) -> bool {
    let notice = Notice {
        rotation: RotationId::from_random([0; 16]),
        phase: Phase::NextPublished,
        secret: "signing-key".into(),
        expected: Some(print(key)),
        identity: None,
        replaced: None,
        since: jiff::Timestamp::UNIX_EPOCH,
    };
    let adoption = consumer.open().adopted(&notice).now_or_never();
    matches!(adoption, Some(Ok(Adoption::Yes { .. })))
}
