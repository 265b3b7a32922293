//! The contract of `Journal`, sentence by sentence.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use keywheel_core::{Clock, OsEntropy, Result, journal::Journal};
use keywheel_engine::{
    SystemClock,
    layers::{Retrying, Timed, Traced},
};
use keywheel_journal_sqlite::SqliteJournal;
use keywheel_testkit::{
    ManualClock,
    conformance::JournalFixture,
    faults::{FaultPlan, Faulty},
    journal_conformance,
};

fn open(path: &Path) -> Result<Arc<dyn Journal>> {
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    SqliteJournal::open(path, clock, &OsEntropy).map(|journal| journal as Arc<dyn Journal>)
}

fn fixture(wrap: fn(Arc<dyn Journal>) -> Arc<dyn Journal>) -> JournalFixture {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("journal.db");
    let (one, other) = (open(&path).expect("a journal"), open(&path).expect("the same journal"));
    let damaged = directory.path().join("damaged.db");
    let foreign = damaged.clone();
    JournalFixture::new(wrap(one), wrap(other))
        .reopened_by(move || {
            let journal = open(&path).map(wrap);
            Box::pin(async move { journal })
        })
        .damaged_by("a journal that is none", move || {
            std::fs::write(&foreign, "this is no database, and was never one").expect("a file");
            let journal = open(&foreign);
            Box::pin(async move { journal })
        })
        .keeping(directory)
}

// That a dead process loses its lease, and a silent one too, is shown with real processes beside this file.
journal_conformance!(sqlite, || async { fixture(|journal| journal) });

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

journal_conformance!(under_faulty, || async {
    fixture(|journal| Arc::new(Faulty::new(journal, FaultPlan::none(), "calm")))
});
journal_conformance!(under_timed, || async { fixture(|journal| Arc::new(Timed::around(journal, clock()))) });
journal_conformance!(under_retrying, || async {
    fixture(|journal| Arc::new(Retrying::around(journal, clock())))
});
journal_conformance!(under_traced, || async {
    fixture(|journal| Arc::new(Traced::around(journal, clock(), "journal")))
});
