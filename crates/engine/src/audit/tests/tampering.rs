//! Every way to change the file is found, at its line, and counts once.

use keywheel_core::ErrorKind;
use rstest::rstest;

use super::{
    super::{ProblemKind, seal::Seal},
    Bench, joined, keys, lines_of,
};

/// What is found, as (line, kind).
type Found = Vec<(u64, ProblemKind)>;

async fn found(bench: &Bench) -> Found {
    let verdict = bench.verdict().await;
    assert_eq!(verdict.further_problems, 0);
    verdict.problems.iter().map(|problem| (problem.line, problem.kind)).collect()
}

fn found_without_head(bench: &Bench) -> Found {
    bench.verdict_without_head().problems.iter().map(|problem| (problem.line, problem.kind)).collect()
}

/// The writer refuses the file as it is and leaves it so.
async fn refused(bench: &Bench) {
    let file = bench.file();
    let error = bench.audit().catch_up(&bench.journal).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert!(error.message.starts_with("the audit was cut short or edited: "), "{error}");
    assert!(error.message.contains("`keywheel audit verify` tells more"), "{error}");
    assert_eq!(bench.file(), file);
}

#[tokio::test]
async fn an_audit_that_nobody_touched_is_intact() {
    let bench = Bench::written().await;
    let verdict = bench.audit().verify(&bench.journal).await.unwrap();
    assert_eq!(verdict.problems, []);
    assert!(verdict.head_checked);
    assert_eq!(verdict.lines, 22);
    assert_eq!(verdict.first_at, Some("2023-11-14T22:13:21Z".parse().unwrap()));
    assert_eq!(verdict.last_at, Some("2023-11-14T22:13:51Z".parse().unwrap()));
    assert!(bench.verdict_without_head().is_intact());
}

#[tokio::test]
async fn a_changed_byte_in_any_field_of_any_line_is_found_at_its_line() {
    let bench = Bench::written().await;
    let lines = lines_of(&bench.file());
    let mut fields = 0;
    for (index, line) in lines.iter().enumerate() {
        let keys: serde_json::Map<_, _> = serde_json::from_slice(line).unwrap();
        for key in keys.keys() {
            let text = str::from_utf8(line).unwrap();
            let name = text.find(&format!("\"{key}\":")).unwrap();
            // A byte of the name, and the first of the value behind a quote if it has one.
            let value = name + key.len() + 3;
            for at in [name + 1, value + usize::from(line[value] == b'"')] {
                let mut edited = lines.clone();
                edited[index][at] ^= 1;
                bench.replace(&joined(&edited));
                assert_eq!(found(&bench).await, [(index as u64 + 1, ProblemKind::Edited)], "{key} at {at}");
                fields += 1;
            }
        }
    }
    assert!(fields > 400);
}

#[tokio::test]
async fn a_changed_byte_anywhere_in_a_line_is_found_at_its_line() {
    let bench = Bench::written().await;
    let file = bench.file();
    let lines = lines_of(&file);
    let start: usize = lines[..18].iter().map(|line| line.len() + 1).sum();
    for at in start..start + lines[18].len() {
        let mut edited = file.clone();
        edited[at] ^= 0x20;
        bench.replace(&edited);
        assert_eq!(found(&bench).await, [(19, ProblemKind::Edited)], "byte {at}");
    }
}

#[tokio::test]
async fn an_edit_of_the_last_line_stops_the_writer_too() {
    let bench = Bench::written().await;
    let file = bench.file();
    let mut edited = file.clone();
    let at = file.len() - 300;
    edited[at] ^= 1;
    bench.replace(&edited);
    refused(&bench).await;
}

#[tokio::test]
async fn deleting_any_one_line_is_found_where_it_stood() {
    let bench = Bench::written().await;
    let lines = lines_of(&bench.file());
    for index in 0..lines.len() {
        let mut left = lines.clone();
        left.remove(index);
        bench.replace(&joined(&left));
        let last = index + 1 == lines.len();
        let kind = if last { ProblemKind::CutShort } else { ProblemKind::Removed };
        assert_eq!(found(&bench).await, [(index as u64 + 1, kind)]);
        refused(&bench).await;
    }
}

#[rstest]
#[case::one(7, 1, "line 8 should stand here: 1 missing")]
#[case::three(7, 3, "lines 8 to 10 should stand here: 3 missing")]
#[tokio::test]
async fn how_many_lines_were_removed_is_said(
    #[case] from: usize,
    #[case] count: usize,
    #[case] message: &str,
) {
    let bench = Bench::written().await;
    let mut lines = lines_of(&bench.file());
    lines.drain(from..from + count);
    bench.replace(&joined(&lines));
    assert_eq!(bench.verdict().await.problems[0].message, message);
}

#[tokio::test]
async fn swapping_any_two_neighbours_is_one_problem() {
    let bench = Bench::written().await;
    let lines = lines_of(&bench.file());
    for index in 0..lines.len() - 1 {
        let mut swapped = lines.clone();
        swapped.swap(index, index + 1);
        bench.replace(&joined(&swapped));
        assert_eq!(found(&bench).await, [(index as u64 + 1, ProblemKind::Moved)]);
    }
}

#[rstest]
#[case::first_and_last(0, 21)]
#[case::far_apart(3, 12)]
#[tokio::test]
async fn swapping_two_lines_far_apart_is_found_at_the_first(#[case] one: usize, #[case] other: usize) {
    let bench = Bench::written().await;
    let mut lines = lines_of(&bench.file());
    lines.swap(one, other);
    bench.replace(&joined(&lines));
    assert_eq!(found(&bench).await, [(one as u64 + 1, ProblemKind::Moved)]);
}

#[tokio::test]
async fn duplicating_any_line_is_found_at_the_copy() {
    let bench = Bench::written().await;
    let lines = lines_of(&bench.file());
    for index in 0..lines.len() {
        let mut doubled = lines.clone();
        doubled.insert(index + 1, lines[index].clone());
        bench.replace(&joined(&doubled));
        assert_eq!(found(&bench).await, [(index as u64 + 2, ProblemKind::Repeated)]);
    }
}

#[tokio::test]
async fn a_cut_at_any_byte_of_the_last_two_lines_is_found_and_stops_the_writer() {
    let bench = Bench::written().await;
    let file = bench.file();
    let lines = lines_of(&file);
    let last = file.len() - lines[21].len() - 1;
    let start = last - lines[20].len() - 1;
    for cut in start..file.len() {
        bench.replace(&file[..cut]);
        let whole = if cut >= last { 21 } else { 20 };
        assert_eq!(found(&bench).await, [(whole + 1, ProblemKind::CutShort)], "cut at {cut}");
        let message = &bench.verdict().await.problems[0].message;
        let expected = format!("ends at line {whole}, the journal knows line 22: {} missing", 22 - whole);
        assert!(message.contains(&expected), "{message}");
        refused(&bench).await;
        // Without the note only a line that was cut in two shows it.
        let torn = cut != last && cut != start;
        let expected: Found = if torn { vec![(whole + 1, ProblemKind::Torn)] } else { vec![] };
        assert_eq!(found_without_head(&bench), expected, "cut at {cut}");
    }
}

#[tokio::test]
async fn the_writer_says_where_the_file_ends() {
    let bench = Bench::written().await;
    let lines = lines_of(&bench.file());
    bench.replace(&joined(&lines[..7]));
    let error = bench.audit().catch_up(&bench.journal).await.unwrap_err();
    assert!(error.message.contains("it ends at line 7, the journal knows line 22"), "{error}");
}

#[tokio::test]
async fn a_missing_file_is_found() {
    let bench = Bench::written().await;
    std::fs::remove_file(bench.path()).unwrap();
    assert_eq!(found(&bench).await, [(1, ProblemKind::CutShort)]);
    let error = bench.audit().catch_up(&bench.journal).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert!(!bench.path().exists());
}

#[tokio::test]
async fn an_older_copy_is_found() {
    let bench = Bench::new();
    bench.journal.rotation_that_succeeds("db", 1);
    bench.audit().catch_up(&bench.journal).await.unwrap();
    let older = bench.file();
    bench.journal.rotation_that_is_undone("api", 2);
    bench.audit().catch_up(&bench.journal).await.unwrap();
    bench.replace(&older);
    assert_eq!(found(&bench).await, [(16, ProblemKind::CutShort)]);
    refused(&bench).await;
}

/// `like` with another number and the right `prev`, signed with `key`.
fn resigned(like: &[u8], n: u64, prev: &[u8], key: &[u8; 32]) -> Vec<u8> {
    let mut object: serde_json::Map<_, _> = serde_json::from_slice(like).unwrap();
    object["n"] = n.into();
    object["prev"] = super::super::Digest::of(prev).to_string().into();
    object.remove("mac");
    let mut text = Vec::new();
    Seal::new(key).close(&object, &mut text).unwrap();
    text
}

/// A line as anybody can make one who has no key.
fn forged(like: &[u8], n: u64, prev: &[u8]) -> Vec<u8> {
    resigned(like, n, prev, &[7; 32])
}

#[rstest]
#[case::first(0)]
#[case::amidst(9)]
#[case::appended(22)]
#[tokio::test]
async fn a_forged_line_is_found_where_it_was_put(#[case] index: usize) {
    let bench = Bench::written().await;
    let mut lines = lines_of(&bench.file());
    let prev = index.checked_sub(1).map_or(Vec::new(), |index| lines[index].clone());
    let forged = forged(&lines[3], index as u64 + 1, &prev);
    lines.insert(index, forged);
    bench.replace(&joined(&lines));
    assert_eq!(found(&bench).await, [(index as u64 + 1, ProblemKind::Inserted)]);
    refused(&bench).await;
}

#[tokio::test]
async fn signed_lines_beyond_the_note_count_only_if_they_follow() {
    let bench = Bench::written().await;
    let file = bench.file();
    let lines = lines_of(&file);
    let other = Bench { keys: bench.keys.clone(), ..Bench::new() };
    for _ in 0..23 {
        other.read().await;
    }
    let misnumbered = resigned(&lines[21], 24, &lines[21], bench.keys.audit());
    for stray in [&lines[21], &lines[3], &lines_of(&other.file())[22], &misnumbered] {
        bench.replace(&[file.as_slice(), stray, b"\n"].concat());
        assert_eq!(found(&bench).await.len(), 1);
        refused(&bench).await;
    }
}

#[tokio::test]
async fn whoever_computes_every_link_anew_is_found_by_the_signatures() {
    let bench = Bench::written().await;
    let mut lines = lines_of(&bench.file());
    for index in 10..lines.len() {
        let prev = lines[index - 1].clone();
        lines[index] = forged(&lines[index].clone(), index as u64 + 1, &prev);
    }
    bench.replace(&joined(&lines));
    let expected: Found = (11..=22).map(|line| (line, ProblemKind::Edited)).collect();
    assert_eq!(found(&bench).await, expected);
}

#[tokio::test]
async fn whoever_has_the_key_but_not_the_journal_is_found_by_the_note() {
    let bench = Bench::written().await;
    let rewritten = Bench { keys: bench.keys.clone(), ..Bench::new() };
    rewritten.journal.rotation_that_is_undone("db", 1);
    for _ in 0..16 {
        rewritten.read().await;
    }
    let lines = lines_of(&rewritten.file());
    bench.replace(&joined(&lines));
    assert_eq!(lines.len(), 22);
    assert_eq!(found_without_head(&bench), []);
    assert_eq!(found(&bench).await, [(22, ProblemKind::Forked)]);
    refused(&bench).await;
}

#[tokio::test]
async fn the_last_line_signed_again_with_other_words_is_not_the_one_that_the_journal_knows() {
    let bench = Bench::written().await;
    let mut lines = lines_of(&bench.file());
    let text = String::from_utf8(lines.pop().unwrap()).unwrap().replace("rolled-back", "unsucceeded");
    lines.push(resigned(text.as_bytes(), 22, &lines[20], bench.keys.audit()));
    let len = bench.file().len();
    bench.replace(&joined(&lines));
    assert_eq!(bench.file().len(), len);
    assert_eq!(found(&bench).await, [(22, ProblemKind::Forked)]);
    refused(&bench).await;
}

#[tokio::test]
async fn a_part_of_another_signed_history_is_found_at_the_seam() {
    let bench = Bench::written().await;
    let other = Bench { keys: bench.keys.clone(), ..Bench::new() };
    other.journal.rotation_that_succeeds("other", 9);
    other.audit().catch_up(&other.journal).await.unwrap();
    let mut lines = lines_of(&other.file())[..10].to_vec();
    lines.extend_from_slice(&lines_of(&bench.file())[10..]);
    bench.replace(&joined(&lines));
    assert_eq!(found(&bench).await, [(11, ProblemKind::Forked)]);
}

#[rstest]
#[case::two_edits(&[(4, 1), (9, 1)], &[(5, ProblemKind::Edited), (10, ProblemKind::Edited)])]
#[case::two_neighbours(&[(4, 1), (5, 1)], &[(5, ProblemKind::Edited), (6, ProblemKind::Edited)])]
#[tokio::test]
async fn each_edit_is_reported(#[case] edits: &[(usize, u8)], #[case] expected: &[(u64, ProblemKind)]) {
    let bench = Bench::written().await;
    let mut lines = lines_of(&bench.file());
    for (index, flip) in edits {
        lines[*index][30] ^= flip;
    }
    bench.replace(&joined(&lines));
    assert_eq!(found(&bench).await, expected);
}

#[rstest]
#[case::split(|lines: &mut Vec<Vec<u8>>| { let rest = lines[4].split_off(40); lines.insert(5, rest); })]
#[case::joined(|lines: &mut Vec<Vec<u8>>| { let next = lines.remove(5); lines[4].extend(next); })]
#[case::replaced_three_by_one(|lines: &mut Vec<Vec<u8>>| { lines.drain(5..7); lines[4] = b"{}".to_vec(); })]
#[tokio::test]
async fn lines_put_in_the_place_of_others_are_one_problem(#[case] change: fn(&mut Vec<Vec<u8>>)) {
    let bench = Bench::written().await;
    let mut lines = lines_of(&bench.file());
    change(&mut lines);
    bench.replace(&joined(&lines));
    assert_eq!(found(&bench).await, [(5, ProblemKind::Edited)]);
}

#[tokio::test]
async fn an_edit_and_a_cut_are_both_found() {
    let bench = Bench::written().await;
    let mut lines = lines_of(&bench.file());
    lines.truncate(18);
    lines[17][30] ^= 1;
    bench.replace(&joined(&lines));
    assert_eq!(found(&bench).await, [(18, ProblemKind::Edited), (19, ProblemKind::CutShort)]);
    assert!(bench.verdict().await.problems[1].message.contains("4 missing"));
}

#[tokio::test]
async fn at_most_twenty_problems_are_listed_and_the_others_counted() {
    let bench = Bench::written().await;
    bench.journal.rotation_that_succeeds("db", 3);
    bench.audit().catch_up(&bench.journal).await.unwrap();
    let mut lines = lines_of(&bench.file());
    for line in lines.iter_mut().skip(1).take(30) {
        line[30] ^= 1;
    }
    bench.replace(&joined(&lines));
    let verdict = bench.verdict().await;
    assert_eq!((verdict.problems.len(), verdict.further_problems), (20, 10));
    assert_eq!(verdict.problems[0].line, 2);
}

#[tokio::test]
async fn another_key_is_one_problem() {
    let bench = Bench::written().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Bench { keys: keys(elsewhere.path(), &keywheel_core::OsEntropy), ..bench };
    let verdict = other.audit().verify(&other.journal).await.unwrap();
    let kinds: Vec<_> = verdict.problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::WrongKey]);
}

#[tokio::test]
async fn a_forged_note_is_found_and_the_file_is_checked_all_the_same() {
    let bench = Bench::written().await;
    let mut lines = lines_of(&bench.file());
    lines[4][30] ^= 1;
    bench.replace(&joined(&lines));
    for note in bench.journal.notes.lock().unwrap().values_mut() {
        *note = note.replace("\"line\":22", "\"line\":21");
    }
    let verdict = bench.audit().verify(&bench.journal).await.unwrap();
    let kinds: Vec<_> = verdict.problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::Edited, ProblemKind::DamagedNote]);
    assert!(!verdict.head_checked);
    assert_eq!(bench.audit().catch_up(&bench.journal).await.unwrap_err().kind, ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_line_of_the_file_is_no_note() {
    let bench = Bench::written().await;
    let line = String::from_utf8(lines_of(&bench.file())[4].clone()).unwrap();
    for note in bench.journal.notes.lock().unwrap().values_mut() {
        note.clone_from(&line);
    }
    assert_eq!(bench.audit().catch_up(&bench.journal).await.unwrap_err().kind, ErrorKind::Corrupt);
}
