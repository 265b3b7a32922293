//! What the audit promises, sentence by sentence.

mod catching_up;
mod journal;
mod lines;
mod tampering;

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_core::{
    Clock, Entropy, Initiator, OsEntropy, SecretName,
    inventory::{CredentialRef, Inventory},
};

use self::journal::MemoryJournal;
use super::{Audit, AuditVerdict, Head, seal::Seal, verify};
use crate::keys::Keys;

/// A clock that stands still, whose sleep lets others run.
struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn running(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _duration: Duration) {
        tokio::task::yield_now().await;
    }
}

/// An audit, its journal and the directory that both are about.
struct Bench {
    directory: tempfile::TempDir,
    keys: Keys,
    journal: MemoryJournal,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let keys = keys(directory.path(), &OsEntropy);
        Self { directory, keys, journal: MemoryJournal::default() }
    }

    /// An audit of two rotations and a read, noted to its last line.
    async fn written() -> Self {
        let bench = Self::new();
        bench.journal.rotation_that_succeeds("db", 1);
        bench.audit().catch_up(&bench.journal).await.unwrap();
        bench.read().await;
        bench.journal.rotation_that_is_undone("api", 2);
        bench.audit().catch_up(&bench.journal).await.unwrap();
        bench
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("log").join("audit.jsonl")
    }

    /// Another process's view: nothing is shared but what is on disk.
    fn audit(&self) -> Audit {
        Audit::new(&self.path(), self.keys.clone(), Arc::new(Still))
    }

    async fn read(&self) {
        let (secret, initiator) = (SecretName::from("db"), Initiator::from("eve@host"));
        let fingerprint = Some("00112233445566aa".parse().unwrap());
        self.audit().append_read(&self.journal, &secret, "verify", &initiator, fingerprint).await.unwrap();
    }

    fn file(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap_or_default()
    }

    fn replace(&self, bytes: &[u8]) {
        std::fs::write(self.path(), bytes).unwrap();
    }

    async fn head(&self) -> Option<Head> {
        Head::read(&self.journal, &Seal::new(self.keys.audit())).await.unwrap()
    }

    async fn verdict(&self) -> AuditVerdict {
        verify(&self.path(), self.keys.audit(), self.head().await).unwrap()
    }

    fn verdict_without_head(&self) -> AuditVerdict {
        verify(&self.path(), self.keys.audit(), None).unwrap()
    }
}

/// The keys of an installation whose state is in `directory`.
fn keys(directory: &Path, entropy: &dyn Entropy) -> Keys {
    let inventory = Inventory {
        path: directory.join("inventory.yaml"),
        base: directory.to_owned(),
        digest: String::new(),
        state: directory.to_owned(),
        audit_log: directory.join("audit.jsonl"),
        audit_key: CredentialRef::File(directory.join("audit.key")),
        environments: BTreeMap::new(),
        tiers: BTreeMap::new(),
        stores: BTreeMap::new(),
        targets: BTreeMap::new(),
        consumers: BTreeMap::new(),
        notices: BTreeMap::new(),
        secrets: Vec::new(),
        index: HashMap::new(),
        concurrency: 1,
    };
    Keys::open_or_create(&inventory, entropy).unwrap()
}

/// The lines of `file` without their newlines.
fn lines_of(file: &[u8]) -> Vec<Vec<u8>> {
    file.split_inclusive(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\n").unwrap_or(line).to_vec())
        .collect()
}

fn joined(lines: &[Vec<u8>]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect()
}
