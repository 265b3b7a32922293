//! The journal: a damaged one is refused, or answers what it would have answered.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use keywheel_core::{
    ErrorKind, Result, RotationId,
    journal::{Journal, LastRotation},
    rotation::{Outcome, Record},
};
use keywheel_journal_sqlite::SqliteJournal;
use tokio::runtime::Runtime;

use crate::{
    edit::{Edit, edits},
    story::{self, Teller, path_in},
};

/// The files that make up a journal, as a crash leaves them; an empty one may as well be missing.
#[derive(Clone, Debug, Default, PartialEq)]
struct Files {
    database: Vec<u8>,
    wal: Vec<u8>,
    head: Vec<u8>,
}

/// Where a journal has its records.
#[derive(Clone, Copy, Debug)]
enum Kept {
    /// All in the write-ahead log.
    Log,
    /// All in the database.
    Database,
    /// The older ones in the database, the newer ones in the log.
    Both,
    /// As [`Kept::Database`], in a journal too large to be read as a whole when it is opened.
    Large,
}

/// A journal that is whole.
struct Whole {
    files: Files,
    answers: Answers,
}

/// What there is to ask. In an undamaged journal nothing fails.
#[derive(Debug)]
struct Answers {
    since: Result<Vec<Record>>,
    unfinished: Result<Vec<Vec<Record>>>,
    unfinished_of: Vec<Result<Vec<Record>>>,
    records: Vec<Result<Vec<Record>>>,
    rotations_of: Vec<Result<Vec<RotationId>>>,
    last_rotation: Vec<Result<Option<LastRotation>>>,
    last_rotations: Result<Vec<LastRotation>>,
}

/// How much of a journal's answers an input must leave alone, or make the journal refuse.
#[derive(Clone, Copy, PartialEq)]
enum Bound {
    /// One file was damaged, in any way: every answer.
    Same,
    /// The same, in a large journal, of which what is finished is believed until it is read or verified: every record, and
    /// what is unfinished.
    SameRecords,
    /// Several files were damaged so that they may agree with one another: what records there are are the first ones,
    /// each as it was written.
    Beginning,
}

/// The first byte chooses a journal that is whole, and whether it is opened for writing; then come `edits` of
/// database, log and head. With the highest bit set the rest is the database itself, without a head, or with one.
pub fn check(input: &[u8]) {
    let Some((&choice, rest)) = input.split_first() else { return };
    let whole = whole(choice & 3);
    let writing = choice & 4 != 0;
    if choice & 0x80 != 0 {
        let head = if choice & 8 != 0 { whole.files.head.clone() } else { Vec::new() };
        return anything(&Files { database: rest.to_vec(), wal: Vec::new(), head }, writing);
    }
    let mut files = whole.files.clone();
    for edit in edits(rest) {
        let file = match edit.op >> 6 {
            0 | 1 => &mut files.database,
            2 => &mut files.wal,
            _ => &mut files.head,
        };
        damage(edit, file);
    }
    judge(whole, &files, writing, bound(choice, &whole.files, &files));
}

fn bound(choice: u8, whole: &Files, files: &Files) -> Bound {
    let damaged = [whole.database != files.database, whole.wal != files.wal, whole.head != files.head];
    match damaged.into_iter().filter(|damaged| *damaged).count() {
        0 | 1 if choice & 3 == 3 => Bound::SameRecords,
        0 | 1 => Bound::Same,
        _ => Bound::Beginning,
    }
}

fn damage(edit: Edit, file: &mut Vec<u8>) {
    // A file that is gone altogether is one that was cut to nothing.
    if edit.op & 0x38 == 0x38 {
        file.clear();
    } else {
        edit.apply(file);
    }
}

/// Bytes that no journal was.
fn anything(files: &Files, writing: bool) {
    let place = story::scratch();
    let path = files.put(place.path());
    let runtime = story::runtime();
    match open(&path, writing) {
        Ok(journal) => {
            // An empty file is a journal that nobody began; whatever else opens holds no record that anybody wrote.
            let records = runtime.block_on(journal.since(0, usize::MAX));
            assert!(
                records.is_err() || records.is_ok_and(|records| records.is_empty()),
                "records out of nothing"
            );
        }
        Err(error) => {
            in_words(&error);
            assert_eq!(Files::get(&path), *files, "a refused journal was changed");
        }
    }
}

fn judge(whole: &Whole, files: &Files, writing: bool, bound: Bound) {
    let place = story::scratch();
    let path = files.put(place.path());
    let runtime = story::runtime();
    match open(&path, writing) {
        Ok(journal) => {
            let answers = Answers::of(&runtime, &journal);
            drop(journal);
            whole.answers.admit(&answers, bound);
            if bound != Bound::Beginning {
                // What closing wrote must not have hidden the damage either.
                let again = SqliteJournal::open_read_only(&path);
                match again {
                    Ok(journal) => whole.answers.admit(&Answers::of(&runtime, &journal), bound),
                    Err(error) => in_words(&error),
                }
            }
        }
        Err(error) => {
            assert_ne!(whole.files, *files, "a journal that nobody damaged is refused: {error}");
            in_words(&error);
            assert_eq!(Files::get(&path), *files, "a refused journal was changed");
        }
    }
}

/// A refusal is for the person who reads it: never a bug, never "try again".
fn in_words(error: &keywheel_core::Error) {
    assert!(
        matches!(error.kind, ErrorKind::Corrupt | ErrorKind::Unsupported | ErrorKind::InvalidConfig),
        "damage is called {:?}: {error}",
        error.kind
    );
}

fn open(path: &Path, writing: bool) -> Result<std::sync::Arc<SqliteJournal>> {
    if writing { story::open(path) } else { SqliteJournal::open_read_only(path) }
}

impl Files {
    fn get(path: &Path) -> Self {
        Self { database: read(path), wal: read(&beside(path, "-wal")), head: read(&beside(path, ".head")) }
    }

    /// Puts them into an empty `directory`.
    fn put(&self, directory: &Path) -> PathBuf {
        let path = path_in(directory);
        for (suffix, bytes) in [("", &self.database), ("-wal", &self.wal), (".head", &self.head)] {
            if !bytes.is_empty() {
                fs::write(beside(&path, suffix), bytes).expect("the files can be put there");
            }
        }
        path
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn read(path: &Path) -> Vec<u8> {
    match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

impl Answers {
    fn of(runtime: &Runtime, journal: &SqliteJournal) -> Self {
        let secrets = story::secrets();
        Self {
            since: runtime.block_on(journal.since(0, usize::MAX)),
            unfinished: runtime.block_on(journal.unfinished()),
            unfinished_of: secrets
                .iter()
                .map(|secret| runtime.block_on(journal.unfinished_of(secret)))
                .collect(),
            records: story::rotations().iter().map(|id| runtime.block_on(journal.records(*id))).collect(),
            rotations_of: secrets
                .iter()
                .map(|secret| runtime.block_on(journal.rotations_of(secret, usize::MAX)))
                .collect(),
            last_rotation: secrets
                .iter()
                .map(|secret| runtime.block_on(journal.last_rotation(secret)))
                .collect(),
            last_rotations: runtime.block_on(journal.last_rotations()).map(|mut last| {
                last.sort_by(|one, other| one.secret.cmp(&other.secret));
                last
            }),
        }
    }

    /// Panics where `damaged` says something else than these, the truth.
    fn admit(&self, damaged: &Self, bound: Bound) {
        if bound == Bound::Beginning {
            if let (Ok(truth), Ok(records)) = (&self.since, &damaged.since) {
                assert!(truth.starts_with(records), "records that nobody wrote");
            }
            return;
        }
        same("since", &self.since, &damaged.since);
        same("unfinished", &self.unfinished, &damaged.unfinished);
        each_same("unfinished of", &self.unfinished_of, &damaged.unfinished_of);
        if bound == Bound::Same {
            each_same("records", &self.records, &damaged.records);
            each_same("rotations of", &self.rotations_of, &damaged.rotations_of);
            each_same("last rotation", &self.last_rotation, &damaged.last_rotation);
            same("last rotations", &self.last_rotations, &damaged.last_rotations);
        }
    }
}

fn each_same<T: PartialEq + std::fmt::Debug>(what: &str, truth: &[Result<T>], damaged: &[Result<T>]) {
    for (truth, damaged) in truth.iter().zip(damaged) {
        same(what, truth, damaged);
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, truth: &Result<T>, damaged: &Result<T>) {
    match (truth, damaged) {
        (Ok(truth), Ok(damaged)) => assert_eq!(damaged, truth, "{what}: another answer, and nobody noticed"),
        (_, Err(error)) => in_words(error),
        (Err(error), Ok(_)) => panic!("{what}: the whole journal does not answer: {error}"),
    }
}

fn whole(which: u8) -> &'static Whole {
    static WHOLE: [OnceLock<Whole>; 4] = [const { OnceLock::new() }; 4];
    let kept = [Kept::Log, Kept::Database, Kept::Both, Kept::Large][usize::from(which)];
    WHOLE[usize::from(which)].get_or_init(|| make(kept))
}

fn make(kept: Kept) -> Whole {
    let directory = story::scratch();
    let path = path_in(directory.path());
    let runtime = story::runtime();
    let mut journal = story::open(&path).expect("a new journal");
    Teller::begin(&runtime, &journal, "db", 1).finish();
    let mut undone = Teller::begin(&runtime, &journal, "api", 2);
    undone.step();
    undone.fail_and_turn_back();
    undone.finish();
    if matches!(kept, Kept::Large) {
        runtime.block_on(journal.set_note("large", &"x".repeat(600_000))).expect("a large note");
    }
    if matches!(kept, Kept::Both) {
        // Closing moves the log into the database.
        drop(journal);
        journal = story::open(&path).expect("the journal again");
    }
    let mut going_on = Teller::begin(&runtime, &journal, "web", 3);
    going_on.step();
    going_on.leave();
    if matches!(kept, Kept::Database | Kept::Large) {
        drop(journal);
        journal = story::open(&path).expect("the journal again");
    }
    let files = Files::get(&path);
    let answers = Answers::of(&runtime, &journal);
    let finished = answers.last_rotations.as_ref().expect("an answer");
    assert!(finished.iter().any(|last| last.outcome == Outcome::Succeeded), "a story with a happy end");
    Whole { files, answers }
}
