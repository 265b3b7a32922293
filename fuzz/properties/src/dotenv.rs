//! The editor of `.env` files: an edit changes one variable and nothing else.

use std::collections::BTreeSet;

use keywheel_core::SecretValue;
use keywheel_provider_file::{Dotenv, DotenvError, dotenv::is_variable_name};

use crate::fields::{common, split};

/// What a variable says, or why it cannot be said; without the line, which an edit further up may move.
#[derive(Debug, PartialEq)]
enum Said {
    Nothing,
    Value(Vec<u8>),
    Ambiguous(&'static str),
    OddSpace,
}

/// `NAME␞value␞file`: sets and removes `NAME`.
///
/// Every other variable says what it said, every byte outside the value stays, what was set is read back, and
/// `dotenvy`, where it understood the whole file before, agrees about all of it.
pub fn check(input: &[u8]) {
    let Some((name, value, file)) = split(input, "K") else { return };
    let parsed = match Dotenv::parse(file) {
        Ok(parsed) => parsed,
        Err(DotenvError::Unterminated { line }) => return assert!(line >= 1 && line <= lines(file)),
        Err(other) => panic!("a file is refused for what is wrong with an edit: {other}"),
    };
    let names = names_in(file, name);
    let before: Vec<_> = names.iter().map(|name| said(&parsed, name)).collect();
    let was = said(&parsed, name);
    let all_names: BTreeSet<String> = names.iter().cloned().chain([name.to_owned()]).collect();
    let theirs = if in_common(&parsed, file, &all_names) { dotenvy_pairs(file) } else { None };
    if let Some(pairs) = &theirs {
        readers_agree(pairs, &parsed, &all_names);
    }

    match parsed.set(name, &SecretValue::copy_from(value)) {
        Ok(edited) => {
            assert!(is_variable_name(name));
            let reparsed = Dotenv::parse(&edited).expect("a file that was edited can be read");
            assert_eq!(
                said(&reparsed, name),
                Said::Value(value.to_vec()),
                "what was set is not what is read"
            );
            others_say_the_same(&reparsed, name, &names, &before);
            only_the_value_changed(file, &edited, name, &was, value);
            let again = reparsed
                .set(name, &SecretValue::copy_from(value))
                .expect("what was set once can be set again");
            assert_eq!(again, edited, "the same edit twice is not one edit");
            if theirs.is_some() {
                let pairs = dotenvy_pairs(&edited).expect("dotenvy understands the file after the edit");
                readers_agree(&pairs, &reparsed, &all_names);
            }
        }
        Err(error) => refused_for_a_reason(&error, name, value, &was),
    }

    if let Ok(removed) = parsed.remove(name) {
        let reparsed = Dotenv::parse(&removed).expect("a file of which a line was removed can be read");
        assert_eq!(said(&reparsed, name), Said::Nothing, "what was removed is still there");
        others_say_the_same(&reparsed, name, &names, &before);
        only_lines_went(file, &removed);
    }
}

fn said(file: &Dotenv<'_>, name: &str) -> Said {
    match file.get(name) {
        Ok(None) => Said::Nothing,
        Ok(Some(value)) => Said::Value(value.expose_secret().to_vec()),
        Err(DotenvError::Ambiguous { what, .. }) => Said::Ambiguous(what),
        Err(DotenvError::OddSpace { .. }) => Said::OddSpace,
        Err(other) => panic!("{name} cannot be read for what is wrong with an edit: {other}"),
    }
}

/// Everything in the file that could be a variable, found without the lexer under test.
fn names_in(file: &[u8], edited: &str) -> BTreeSet<String> {
    let part_of_a_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'.';
    file.split(|byte| !part_of_a_name(byte))
        .filter_map(|word| str::from_utf8(word).ok())
        .flat_map(|word| {
            // Of `1A` the lexer must not take `A` for a variable; asking for it shows that.
            let digits = word.len()
                - word.trim_start_matches(|first: char| !first.is_ascii_alphabetic() && first != '_').len();
            [word, &word[digits..]]
        })
        .filter(|word| !word.is_empty() && *word != edited)
        .map(str::to_owned)
        .collect()
}

fn others_say_the_same(edited: &Dotenv<'_>, name: &str, names: &BTreeSet<String>, before: &[Said]) {
    for (other, before) in names.iter().zip(before) {
        assert_eq!(said(edited, other), *before, "an edit of {name} changed {other}");
    }
}

fn only_the_value_changed(file: &[u8], edited: &[u8], name: &str, was: &Said, value: &[u8]) {
    let (front, back) = common(file, edited);
    let (gone, came) = (file.len() - front - back, edited.len() - front - back);
    // Quotes, and an escape for each byte.
    let spelt = |value: &[u8]| 2 * value.len() + 2;
    match was {
        Said::Nothing => {
            assert_eq!(gone, 0, "adding a variable took something away");
            assert!(came <= name.len() + 1 + spelt(value) + 2, "adding a variable added more than that");
        }
        Said::Value(old) => {
            assert!(gone <= spelt(old), "more than the old value went");
            // A comment that touches the value is moved off by a blank.
            assert!(came <= spelt(value) + 1, "more than the new value came");
        }
        // What it was nobody knows, so that nothing bounds it.
        Said::Ambiguous(_) | Said::OddSpace => {}
    }
}

fn only_lines_went(file: &[u8], removed: &[u8]) {
    let (front, back) = common(file, removed);
    let gone = file.len() - removed.len();
    if gone == 0 {
        return assert_eq!(removed, file, "removing nothing changed something");
    }
    assert_eq!(front + back, removed.len(), "a removal put something in");
    // Which of several equal lines went does not show: some cut of this length must lie between two line ends.
    let at_line_start = |at: usize| at == 0 || file[at - 1] == b'\n' || file[..at] == *b"\xEF\xBB\xBF";
    let fits = (front.saturating_sub(gone)..=front).any(|start| {
        let end = start + gone;
        at_line_start(start)
            && (end == file.len() || at_line_start(end))
            && file[..start] == removed[..start]
            && file[end..] == removed[start..]
    });
    assert!(fits, "a removal took a part of a line");
}

fn refused_for_a_reason(error: &DotenvError, name: &str, value: &[u8], was: &Said) {
    match error {
        DotenvError::InvalidName { .. } => assert!(!is_variable_name(name)),
        DotenvError::Unrepresentable { .. } => {
            assert!(str::from_utf8(value).is_err() || value.contains(&0) || value.contains(&b'\r'));
        }
        DotenvError::Duplicate { first, second, .. } => {
            assert!(first < second, "two definitions on one line");
            assert_ne!(*was, Said::Nothing, "a variable that is there twice and not at all");
        }
        DotenvError::Ambiguous { .. } => assert!(matches!(was, Said::Ambiguous(_)), "it could be read"),
        DotenvError::OddSpace { .. } => assert_eq!(*was, Said::OddSpace, "it could be read"),
        DotenvError::Unterminated { .. } => panic!("a file that was read cannot be edited: {error}"),
    }
}

/// Whether `dotenvy` and ours mean to read this file alike.
///
/// `dotenvy` asks the environment what `$` stands for, reads two line ends for one where a quoted value spans lines that
/// end in CRLF, and lets a quote in the middle of an unquoted value, or in a comment that touches the `=`, hide the lines
/// after it; ours does none of the three, as `dotenv`'s documentation says.
fn in_common(file: &Dotenv<'_>, bytes: &[u8], names: &BTreeSet<String>) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let probe = SecretValue::copy_from(b"x");
    let quote_in_a_comment = text.contains("=#") && text.contains(['"', '\'', '\\']);
    !quote_in_a_comment
        && !text.contains(['$', '\r'])
        && names.iter().all(|name| {
            // Of two definitions only one can be asked for.
            !matches!(said(file, name), Said::Ambiguous(_) | Said::OddSpace)
                && !matches!(file.set(name, &probe), Err(DotenvError::Duplicate { .. }))
        })
}

type Pairs = Vec<(String, String)>;

/// What `dotenvy` reads; `None` if it does not understand the whole file.
fn dotenvy_pairs(file: &[u8]) -> Option<Pairs> {
    dotenvy::from_read_iter(file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file)).collect::<Result<_, _>>().ok()
}

fn readers_agree(pairs: &Pairs, file: &Dotenv<'_>, names: &BTreeSet<String>) {
    for name in names {
        let theirs =
            pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_bytes().to_vec());
        assert_eq!(said(file, name), theirs.map_or(Said::Nothing, Said::Value), "{name} is read differently");
    }
}

fn lines(file: &[u8]) -> usize {
    file.split(|byte| *byte == b'\n').count()
}
