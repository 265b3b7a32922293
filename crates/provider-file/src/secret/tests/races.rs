//! Others who write at the same time.

use std::thread;

use super::*;
use crate::crash::meanwhile;

#[rstest]
fn an_editor_is_not_overwritten(
    #[values(Directory, EnvFile, Document)] kind: Kind,
    #[values(CurrentOnly, All)] shown: Shown,
) {
    let fixture = Fixture::holding(kind, shown, "a");
    fixture.stage(1, "b").unwrap();
    fixture.overwrite(&fixture.location.key, "edited");
    let error = assert_refused(fixture.promote("b", Some("a")), ErrorKind::Conflict, id("edited").as_str());
    assert!(error.to_string().contains(id("a").as_str()));
    assert_eq!(fixture.consumer_reads_current().unwrap(), "edited");
    fixture.promote("b", Some("edited")).unwrap();
}

/// Between the look and the replacement: the window that no check beforehand can close.
#[rstest]
fn an_editor_in_the_middle_of_a_promote_is_not_overwritten(
    #[values(Directory, EnvFile, Document)] kind: Kind,
    #[values(CurrentOnly, All)] shown: Shown,
) {
    let fixture = Fixture::holding(kind, shown, "a");
    fixture.stage(1, "b").unwrap();
    let editor = fixture.editor("edited by hand");
    // In a shared file with a place for `previous` the replacement is the first step, else the second.
    let step = usize::from(kind == Directory || shown == CurrentOnly);
    let error = meanwhile(step, editor, || fixture.promote("b", Some("a"))).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    // `previous` may have been written by then.
    assert_eq!(error.effect, if step == 1 { Effect::MaybeApplied } else { Effect::NotApplied });
    assert_eq!(fixture.consumer_reads_current().unwrap(), "edited by hand");
    fixture.promote("b", Some("edited by hand")).unwrap();
}

#[rstest]
fn an_editor_of_another_part_is_neither_overwritten_nor_in_the_way(#[values(EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, All, "a");
    fixture.stage(1, "b").unwrap();
    let file = fixture.file();
    let editor = move || {
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("OTHER=1", "OTHER=2").replace("1.50", "2.50")).unwrap();
    };
    meanwhile(0, editor, || fixture.promote("b", Some("a"))).unwrap();
    assert_eq!(fixture.stages(), at(&[(Stage::Current, "b"), (Stage::Previous, "a")]));
    let text = fs::read_to_string(fixture.file()).unwrap();
    assert!(text.contains("OTHER=2") || text.contains("2.50"), "{text}");
}

#[rstest]
fn who_finds_it_promoted_by_an_earlier_call_is_content(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, All, "a");
    fixture.stage(1, "b").unwrap();
    let step = usize::from(kind == Directory);
    meanwhile(step, fixture.editor("b"), || fixture.promote("b", Some("a"))).unwrap();
    assert_eq!(fixture.read(Stage::Current).unwrap(), "b");
    assert_eq!(fixture.read(Stage::Pending), None);
}

#[rstest]
#[case(EnvFile, ["ONE", "TWO"])]
#[case(Document, ["/one", "/two"])]
fn two_secrets_of_one_file_do_not_lose_each_others_change(
    #[case] kind: Kind,
    #[case] keys: [&str; 2],
    #[values(false, true)] two_stores: bool,
) {
    let fixture = Fixture::new(kind, CurrentOnly);
    let name = kind.declared();
    thread::scope(|scope| {
        for key in keys {
            let other;
            let store = if two_stores {
                other = configured(kind, fixture.temp.path().to_owned(), &format!("path: {name}"));
                &other
            } else {
                &fixture.store
            };
            let location = Location { key: key.into(), next: None, previous: None };
            let secret = store.secret(&location, Fingerprinter::plain());
            scope.spawn(move || {
                let mut expected = None;
                for round in 0..200_u8 {
                    let new = value(&format!("{key}-{round}"));
                    let staged = now(secret.stage(&rotation(round), &new, None)).unwrap();
                    now(secret.promote(&rotation(round), &staged.id, expected.as_ref())).unwrap();
                    expected = Some(staged.id);
                }
            });
        }
    });
    for key in keys {
        assert_eq!(fixture.consumer_reads(Some(&key.into())).unwrap(), format!("{key}-199"));
    }
    let file = fs::read_to_string(fixture.file()).unwrap();
    assert!(file.contains("OTHER=1") || file.contains("\"other\": 1.50"), "{file}");
}

#[rstest]
fn of_two_rotations_that_stage_at_once_one_wins(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, CurrentOnly, "a");
    let name = kind.declared();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let calls: Vec<_> = (0..4_u8)
            .map(|number| {
                let store = configured(kind, fixture.temp.path().to_owned(), &format!("path: {name}"));
                let secret = store.secret(&fixture.location, Fingerprinter::plain());
                scope.spawn(move || now(secret.stage(&rotation(number), &value(&number.to_string()), None)))
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for error in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::NotApplied));
        assert!(error.message.contains("is in flight since"), "{error}");
    }
}

#[rstest]
fn c10_a_reader_sees_the_old_or_the_new_value(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, CurrentOnly, "0");
    let done = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let read: u32 = fixture.read(Stage::Current).unwrap().parse().unwrap();
                assert!(read >= seen, "{read} after {seen}");
                seen = read;
            }
        });
        for round in 0..100_u8 {
            let new = (round + 1).to_string();
            fixture.stage(round, &new).unwrap();
            fixture.promote(&new, Some(&round.to_string())).unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        reader.join().unwrap();
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inside_a_runtime_calls_run_beside_it() {
    let fixture = Fixture::holding(Directory, CurrentOnly, "a");
    let staged = fixture.secret.stage(&rotation(1), &value("b"), None).await.unwrap();
    fixture.secret.promote(&rotation(1), &staged.id, Some(&id("a"))).await.unwrap();
    assert_eq!(fixture.secret.read(Stage::Current).await.unwrap().expose_secret(), b"b");
}
