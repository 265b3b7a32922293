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

fn open(path: &Path, clock: &ManualClock) -> Result<Arc<dyn Journal>> {
    SqliteJournal::open(path, Arc::new(clock.clone()), &OsEntropy).map(|journal| journal as Arc<dyn Journal>)
}

fn fixture(wrap: fn(Arc<dyn Journal>) -> Arc<dyn Journal>) -> JournalFixture {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("journal.db");
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let (passing, outside) = (clock.clone(), clock.clone());
    let open_here = move || open(&path, &clock);
    let (one, other) = (open_here().expect("a journal"), open_here().expect("the same journal"));
    let damaged = directory.path().join("damaged.db");
    let foreign = damaged.clone();
    JournalFixture::new(wrap(one), wrap(other))
        .reopened_by(move || {
            let journal = open_here().map(wrap);
            Box::pin(async move { journal })
        })
        .silencing_by(move |lifetime| {
            // No sign of life comes in between: the next one is due in real time, after a third of the lifetime.
            passing.set_forward(lifetime);
            Box::pin(async {})
        })
        .damaged_by("a journal that is none", move || {
            std::fs::write(&foreign, "this is no database, and was never one").expect("a file");
            let journal = open(&foreign, &outside);
            Box::pin(async move { journal })
        })
        .keeping(directory)
}

// That a process which died loses its lease, and a stopped one too, is shown with real ones in `journal/crash.rs`.
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
