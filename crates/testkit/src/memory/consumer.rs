//! A workload that reads a [`MemorySecret`].

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex},
};

use keywheel_core::{
    Fingerprint, Fingerprinter, SecretValue,
    notifier::{Adoption, Notice, Notifier, Phase},
    provider::Consumer,
    secret::Stage,
};

use super::{lock::lock, notifier::MemoryNotifier, secret::MemorySecret};

/// How a consumer takes a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Reloads while it is being told.
    Immediately,
    /// Has reloaded when it is looked at for this many times after it was told.
    AfterLooks(u32),
    /// Hears, and does nothing.
    Never,
    /// Only so many of its replicas reload.
    Partly(usize),
    /// Reloads at once, but shows nobody what it uses; the operator accepted that in these words.
    Unobservable(String),
}

/// Where a consumer reads its value: a model of a store, seen from the consumer's side.
pub trait Readable: Send + Sync {
    /// The bytes in `stage`.
    fn bytes_at(&self, stage: Stage) -> Option<Vec<u8>>;

    /// Every value that a consumer could read: all stages but `pending`.
    fn seen_by_consumers(&self) -> Vec<Vec<u8>>;
}

impl Readable for MemorySecret {
    fn bytes_at(&self, stage: Stage) -> Option<Vec<u8>> {
        Self::bytes_at(self, stage)
    }

    fn seen_by_consumers(&self) -> Vec<Vec<u8>> {
        Self::seen_by_consumers(self)
    }
}

/// The reference model of a [`Consumer`]: some replicas that hold the value in memory. Clones share one state.
#[derive(Clone)]
pub struct MemoryConsumer {
    reads: Arc<dyn Readable>,
    fingerprinter: Fingerprinter,
    pub(super) is_handed_values: bool,
    pub(super) state: Arc<Mutex<State>>,
}

#[derive(Debug)]
pub(super) struct State {
    behaviour: Behaviour,
    replicas: Vec<Replica>,
    pub(super) gone: bool,
    pub(super) heard: Vec<Notice>,
    /// What it was handed last to use, and what it was handed to accept.
    handed: Option<SecretValue>,
    accepts_besides: Option<SecretValue>,
    looks_left: Option<u32>,
}

#[derive(Debug, Default)]
struct Replica {
    uses: Option<SecretValue>,
    accepts: BTreeSet<Fingerprint>,
}

impl MemoryConsumer {
    /// Three replicas that read `secret` now and reload as `behaviour` says.
    pub fn of(secret: &MemorySecret, behaviour: Behaviour) -> Self {
        Self::reading(Arc::new(secret.clone()), secret.fingerprinter().clone(), behaviour)
    }

    /// Three replicas that read `reads` now, reload as `behaviour` says, and show `fingerprinter`'s fingerprints.
    pub fn reading(reads: Arc<dyn Readable>, fingerprinter: Fingerprinter, behaviour: Behaviour) -> Self {
        let state = State {
            behaviour,
            replicas: (0..3).map(|_| Replica::default()).collect(),
            gone: false,
            heard: Vec::new(),
            handed: None,
            accepts_besides: None,
            looks_left: None,
        };
        let state = Arc::new(Mutex::new(state));
        let consumer = Self { reads, fingerprinter, is_handed_values: false, state };
        consumer.restart();
        consumer
    }

    /// The same, where nobody reads what is stored: what it uses it was handed, but for the value of its beginning.
    #[must_use]
    pub fn handed_values(self) -> Self {
        Self { is_handed_values: true, ..self }
    }

    /// From outside: every replica reads the secret again, told or not.
    pub fn restart(&self) {
        self.reload(&mut lock(&self.state), usize::MAX);
    }

    /// From outside: the workload disappears; telling it fails from now on.
    pub fn vanish(&self) {
        lock(&self.state).gone = true;
    }

    /// From outside: behaves differently from now on.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        lock(&self.state).behaviour = behaviour;
    }

    /// From outside: the value that each replica uses.
    pub fn uses(&self) -> Vec<Option<Vec<u8>>> {
        let state = lock(&self.state);
        let used = state.replicas.iter().map(|replica| replica.uses.as_ref());
        used.map(|value| value.map(|value| value.expose_secret().to_vec())).collect()
    }

    /// From outside: the fingerprints that each replica accepts when it verifies.
    pub fn accepts(&self) -> Vec<BTreeSet<Fingerprint>> {
        lock(&self.state).replicas.iter().map(|replica| replica.accepts.clone()).collect()
    }

    /// From outside: the notices that it heard, each of them once.
    pub fn heard(&self) -> Vec<Notice> {
        lock(&self.state).heard.clone()
    }

    /// From outside: the value that it was handed last, to use or to accept.
    pub fn handed(&self) -> Option<Vec<u8>> {
        let state = lock(&self.state);
        let last = state.accepts_besides.as_ref().or(state.handed.as_ref());
        last.map(|value| value.expose_secret().to_vec())
    }

    /// The notifier, as its own type.
    pub fn open(&self) -> MemoryNotifier {
        MemoryNotifier(self.clone())
    }

    pub(super) fn hear(&self, notice: &Notice) {
        let mut state = lock(&self.state);
        if !state.heard.iter().any(|heard| heard.id() == notice.id()) {
            state.heard.push(notice.clone());
        }
        match state.behaviour {
            Behaviour::Immediately | Behaviour::Unobservable(_) => self.reload(&mut state, usize::MAX),
            Behaviour::AfterLooks(looks) => state.looks_left = Some(looks),
            Behaviour::Partly(replicas) => self.reload(&mut state, replicas),
            Behaviour::Never => {}
        }
    }

    pub(super) fn take(&self, notice: &Notice, value: &SecretValue) {
        let mut state = lock(&self.state);
        match notice.phase {
            Phase::NextPublished => state.accepts_besides = Some(value.duplicate()),
            Phase::Promoted | Phase::RolledBack => {
                state.handed = Some(value.duplicate());
                state.accepts_besides = None;
            }
        }
    }

    pub(super) fn look(&self, notice: &Notice) -> Adoption {
        let mut state = lock(&self.state);
        if let Behaviour::Unobservable(accepted) = &state.behaviour {
            return Adoption::Unobservable { accepted: accepted.clone() };
        }
        if let Some(left) = state.looks_left {
            state.looks_left = left.checked_sub(1);
            if left == 0 {
                self.reload(&mut state, usize::MAX);
            }
        }
        let total = state.replicas.len();
        let moved = state.replicas.iter().filter(|replica| self.shows(replica, notice)).count();
        let expected = notice.expected.map_or_else(|| "no value".to_owned(), |print| print.to_string());
        let seen = format!("{moved} of {total} replicas show {expected}");
        if moved == total { Adoption::Yes { evidence: seen } } else { Adoption::NotYet { why: seen } }
    }

    fn shows(&self, replica: &Replica, notice: &Notice) -> bool {
        let uses = replica.uses.as_ref().map(|value| self.fingerprinter.of(value));
        match notice.phase {
            Phase::NextPublished => notice.expected.is_some_and(|print| replica.accepts.contains(&print)),
            Phase::Promoted | Phase::RolledBack => uses == notice.expected,
        }
    }

    fn reload(&self, state: &mut State, replicas: usize) {
        let print = |bytes: &Vec<u8>| self.fingerprinter.of(&SecretValue::copy_from(bytes));
        if self.is_handed_values && state.replicas.iter().all(|replica| replica.uses.is_some()) {
            let State { handed, accepts_besides, replicas: all, .. } = state;
            for replica in all.iter_mut().take(replicas) {
                if let Some(handed) = handed {
                    replica.accepts.extend(replica.uses.as_ref().map(|used| self.fingerprinter.of(used)));
                    replica.uses = Some(handed.duplicate());
                    replica.accepts.insert(self.fingerprinter.of(handed));
                }
                replica.accepts.extend(accepts_besides.as_ref().map(|value| self.fingerprinter.of(value)));
            }
            return;
        }
        for replica in state.replicas.iter_mut().take(replicas) {
            replica.uses = self.reads.bytes_at(Stage::Current).map(SecretValue::from_vec);
            replica.accepts = self.reads.seen_by_consumers().iter().map(print).collect();
        }
    }
}

impl fmt::Debug for MemoryConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryConsumer").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Consumer for MemoryConsumer {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn shows_plain_fingerprints(&self) -> bool {
        false
    }

    fn trusted(&self) -> Option<String> {
        None
    }

    fn notifier(&self) -> Arc<dyn Notifier> {
        Arc::new(self.open())
    }
}
