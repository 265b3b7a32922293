//! The audit: whatever is done to it shows.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use keywheel::table;
use keywheel_core::{Initiator, SecretName, inventory, journal::Journal};
use keywheel_engine::{
    Keys,
    audit::{Audit, AuditVerdict, Filter, Head, show, verify},
};
use keywheel_testkit::SeededEntropy;

use crate::{
    edit::{Edit, edits},
    story::{self, Teller, path_in},
};

/// An audit that nobody touched.
struct Written {
    text: Vec<u8>,
    key: [u8; 32],
    head: Head,
}

/// The first byte says whether the journal's head is known (lowest bit) and what follows: `edits` of an audit that was
/// whole, or, with the highest bit set, the file itself.
///
/// With the head, an audit is intact if and only if it is byte for byte what was written. Without it, it may have been
/// cut at the end of a line.
pub fn check(input: &[u8]) {
    let Some((&choice, rest)) = input.split_first() else { return };
    let written = written();
    let mut text = written.text.clone();
    if choice & 0x80 != 0 {
        text = rest.to_vec();
    } else {
        for edit in edits(rest) {
            change(edit, &mut text);
        }
    }
    let head = (choice & 1 != 0).then_some(written.head);
    let place = story::scratch();
    let path = place.path().join("audit.jsonl");
    fs::write(&path, &text).expect("the audit can be put there");

    let verdict = verify(&path, &written.key, head).expect("a file that is there can be checked");
    sensible(&verdict, &text);
    let whole = if head.is_some() {
        text == written.text
    } else {
        written.text.starts_with(&text) && text.last().is_none_or(|last| *last == b'\n')
    };
    assert_eq!(verdict.is_intact(), whole, "{:?}", verdict.problems);

    match show(&path, &Filter::default()) {
        Ok(shown) => {
            assert_eq!(
                shown.lines.len() as u64 + shown.unreadable,
                verdict.lines,
                "a line is neither shown nor counted"
            );
            assert!(!whole || shown.unreadable == 0);
        }
        Err(error) => assert!(!whole, "what is whole cannot be shown: {error}"),
    }
}

fn sensible(verdict: &AuditVerdict, text: &[u8]) {
    let lines = text.split(|byte| *byte == b'\n').count() as u64 - 1;
    assert!(verdict.lines <= lines);
    assert!(verdict.problems.len() <= 20 && (verdict.further_problems == 0 || verdict.problems.len() == 20));
    assert!(verdict.problems.iter().all(|problem| problem.line <= lines + 1 && !problem.message.is_empty()));
    assert!(verdict.problems.is_sorted_by_key(|problem| problem.line), "problems out of order");
    serde_json::to_string(verdict).expect("a verdict is shown as JSON");
}

/// What an editor does to lines, on top of what befalls bytes.
fn change(edit: Edit, text: &mut Vec<u8>) {
    if edit.op < 128 {
        return edit.apply(text);
    }
    let mut lines: Vec<Vec<u8>> = text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (Some(one), Some(other)) = (edit.at.checked_rem(lines.len()), edit.arg.checked_rem(lines.len()))
    else {
        return;
    };
    match edit.op % 4 {
        0 => lines.swap(one, other),
        1 => drop(lines.remove(one)),
        2 => lines.insert(other, lines[one].clone()),
        _ => lines[one..].rotate_left(1),
    }
    *text = lines.concat();
}

fn written() -> &'static Written {
    static WRITTEN: OnceLock<Written> = OnceLock::new();
    WRITTEN.get_or_init(write)
}

fn write() -> Written {
    let directory = story::scratch();
    let runtime = story::runtime();
    let journal = story::open(&path_in(directory.path())).expect("a new journal");
    Teller::begin(&runtime, &journal, "db", 1).finish();
    let mut undone = Teller::begin(&runtime, &journal, "api", 2);
    undone.step();
    undone.fail_and_turn_back();
    undone.finish();

    let (keys, key) = keys(directory.path());
    let path = directory.path().join("audit.jsonl");
    let audit = Audit::new(&path, keys, story::clock());
    let (secret, reader) = (SecretName::from("db"), Initiator::from("eve@host"));
    runtime.block_on(audit.append_read(&*journal, &secret, "verify", &reader, None)).expect("an audit");
    let note = runtime.block_on(journal.note("audit-head")).expect("a note").expect("a head in it");
    let text = fs::read(path).expect("an audit was written");
    let head: Head = serde_json::from_str(&note).expect("a head");
    Written { text, key, head }
}

/// The keys of an installation, which an inventory says where to find.
fn keys(directory: &Path) -> (Keys, [u8; 32]) {
    let path = directory.join("keywheel.yaml");
    let text = "version: 1\nstores: { files: { directory: { path: ./secrets } } }\n\
                secrets: { db: { generate: password, stores: [files] } }\n";
    let inventory = inventory::read(&path, text.into(), &table::kinds(), &story::clock())
        .unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let keys = Keys::open_or_create(&inventory, &SeededEntropy::new(2)).expect("new keys");
    let file: PathBuf = directory.join(".keywheel/keys/audit.key");
    (keys, fs::read(file).expect("a key file").try_into().expect("32 bytes"))
}
