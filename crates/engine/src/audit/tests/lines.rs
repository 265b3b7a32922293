//! What stands in a line, and which lines are shown.

use keywheel_core::{SecretName, rotation::Event};
use rstest::rstest;

use super::{
    super::{AuditEvent, AuditLine, Filter, Shown, show},
    Bench,
    journal::id,
    lines_of,
};

fn all(bench: &Bench) -> Vec<AuditLine> {
    let Shown { lines, unreadable } = show(&bench.path(), &Filter::default()).unwrap();
    assert_eq!(unreadable, 0);
    lines
}

#[tokio::test]
async fn every_kind_of_event_has_its_line_and_intents_have_none() {
    let bench = Bench::written().await;
    let events: Vec<_> = all(&bench).iter().map(|line| line.event.as_str()).collect();
    let expected = "started done done done done done parked released adoption-vouched done overlap-cut done done done \
                    finished read started done failed undo-began done finished";
    assert_eq!(events.join(" "), expected);
}

#[tokio::test]
async fn a_line_says_what_was_known_by_then() {
    let bench = Bench::written().await;
    let lines = all(&bench);
    let (new, old) = (Some("aaaaaaaaaaaaaaaa".parse().unwrap()), Some("bbbbbbbbbbbbbbbb".parse().unwrap()));
    assert_eq!((lines[0].new, lines[0].old), (None, None));
    assert_eq!((lines[1].step.as_deref(), lines[1].new, lines[1].old), (Some("stage in app-dir"), new, old));
    assert_eq!((lines[14].new, lines[14].old), (new, old));
    assert_eq!(lines[8].step.as_deref(), Some("adopt web"));
    assert_eq!(lines[9].evidence.as_deref(), Some("vouched for: seen in its log"));
    assert_eq!(lines[18].message.as_deref(), Some("stage: permission denied (store: mirror)"));
}

#[tokio::test]
async fn the_text_is_what_others_may_rely_on() {
    let bench = Bench::written().await;
    let cut = |line: &[u8]| {
        let text = String::from_utf8(line.to_vec()).unwrap();
        text[..text.find(r#","prev""#).unwrap()].to_owned()
    };
    let lines = lines_of(&bench.file());
    assert_eq!(
        cut(&lines[0]),
        r#"{"format":1,"n":1,"at":"2023-11-14T22:13:21Z","event":"started","secret":"db","rotation":"01010101-0101-0101-0101-010101010101","initiator":"daemon","reason":"90 days old","seq":1"#
    );
    assert_eq!(
        cut(&lines[15]),
        r#"{"format":1,"n":16,"at":"1970-01-01T00:00:00Z","event":"read","secret":"db","fingerprint":"00112233445566aa","initiator":"eve@host","reason":"verify","seq":22"#
    );
    assert_eq!(
        cut(&lines[18]),
        r#"{"format":1,"n":19,"at":"2023-11-14T22:13:47Z","event":"failed","secret":"api","rotation":"02020202-0202-0202-0202-020202020202","step":"stage in mirror","kind":"permission-denied","effect":"not-applied","message":"stage: permission denied (store: mirror)","old":"bbbbbbbbbbbbbbbb","new":"aaaaaaaaaaaaaaaa","initiator":"daemon","reason":"90 days old","seq":27"#
    );
}

#[tokio::test]
async fn a_line_that_is_read_and_written_again_is_the_same() {
    let bench = Bench::written().await;
    for (line, text) in all(&bench).iter().zip(lines_of(&bench.file())) {
        assert_eq!(serde_json::to_vec(line).unwrap(), text);
    }
}

#[tokio::test]
async fn a_record_that_cannot_follow_gets_a_line_that_says_so() {
    let bench = Bench::new();
    let mut history = bench.journal.begin("db", 1);
    bench.journal.step(&mut history);
    bench.journal.push(1, "db", Event::Released { initiator: "ann@host".into() });
    bench.journal.push(7, "api", Event::Parked { reason: "of a rotation that never began".to_owned() });
    bench.audit().catch_up(&bench.journal).await.unwrap();
    let lines = all(&bench);
    assert_eq!(lines.len(), 4);
    assert!(
        lines[2].message.as_ref().unwrap().contains("it is neither parked nor waiting"),
        "{:?}",
        lines[2].message
    );
    assert!(lines[3].message.as_ref().unwrap().contains("says that it started"), "{:?}", lines[3].message);
}

#[rstest]
#[case::all(Filter::default(), (1..=22).collect())]
#[case::secret(Filter { secret: Some(SecretName::from("api")), ..Filter::default() }, (17..=22).collect())]
#[case::rotation(Filter { rotation: Some(id(1)), ..Filter::default() }, (1..=15).collect())]
#[case::newest(Filter { limit: Some(2), ..Filter::default() }, vec![21, 22])]
#[case::none(Filter { limit: Some(0), ..Filter::default() }, vec![])]
#[case::since(Filter { since: Some("2023-11-14T22:13:47Z".parse().unwrap()), ..Filter::default() }, (19..=22).collect())]
#[tokio::test]
async fn a_filter_lets_through_what_it_says(#[case] filter: Filter, #[case] expected: Vec<u64>) {
    let bench = Bench::written().await;
    let shown = bench.audit().show(filter).await.unwrap();
    assert_eq!(shown.lines.iter().map(|line| line.n).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn showing_counts_what_it_cannot_read_and_leaves_out_what_is_being_written() {
    let bench = Bench::written().await;
    let mut file = bench.file();
    file.extend_from_slice(b"not a line\n{\"format\":1,\"n\":23");
    bench.replace(&file);
    let shown = show(&bench.path(), &Filter::default()).unwrap();
    assert_eq!((shown.lines.len(), shown.unreadable), (22, 1));
}

#[test]
fn events_have_the_names_that_the_file_writes() {
    for event in [AuditEvent::UndoBegan, AuditEvent::AdoptionVouched, AuditEvent::Read] {
        assert_eq!(serde_json::to_string(&event).unwrap(), format!("\"{event}\""));
    }
}
