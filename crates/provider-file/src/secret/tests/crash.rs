//! Dying before every step of every call, and calling again.

use super::*;
use crate::crash::{before_step, is_crash};

/// More than any call has.
const STEPS: usize = 12;

fn prepared(kind: Kind, shown: Shown, scene: Scene) -> Fixture {
    let fixture = Fixture::holding(kind, shown, "a");
    // What an earlier rotation left must not confuse this one.
    fixture.stage(9, "old").unwrap();
    fixture.promote("old", Some("a")).unwrap();
    fixture.stage(1, "b").unwrap();
    match scene {
        Scene::Staged => {}
        Scene::Published => fixture.publish("b").unwrap(),
        Scene::Promoted => fixture.promote("b", Some("old")).unwrap(),
    }
    fixture
}

#[derive(Clone, Copy, Debug)]
enum Scene {
    Staged,
    Published,
    Promoted,
}

/// Runs `call` until it dies before step 0, 1, 2, …; after each death `survives` must hold, and the same call again
/// must end as an undisturbed one does.
fn die_everywhere(
    prepare: impl Fn() -> Fixture,
    call: impl Fn(&Fixture) -> Result<()>,
    survives: impl Fn(&Fixture),
) -> usize {
    let undisturbed = prepare();
    call(&undisturbed).unwrap();
    let wanted = undisturbed.stages();
    for step in 0..STEPS {
        let fixture = prepare();
        let died = match before_step(step, || call(&fixture)) {
            Ok(()) => return step,
            Err(error) => error,
        };
        assert!(is_crash(&died), "{died}");
        assert_eq!(died.effect, Effect::MaybeApplied);
        survives(&fixture);
        call(&fixture).unwrap_or_else(|error| panic!("after a death before step {step}: {error}"));
        assert_eq!(fixture.stages(), wanted, "after a death before step {step}");
        call(&fixture).unwrap();
        assert_eq!(fixture.stages(), wanted);
    }
    panic!("more than {STEPS} steps");
}

/// Both values are there, and current is one of them.
fn both(fixture: &Fixture, one: &str, other: &str) {
    let stages = fixture.stages();
    for text in [one, other] {
        assert!(stages.iter().any(|(_, value)| value == text), "{text} is lost: {stages:?}");
    }
    let current = fixture.consumer_reads_current().unwrap();
    assert!(current == one || current == other, "{current}");
}

#[rstest]
#[case::directory(Directory, CurrentOnly, Scene::Staged, 3)]
#[case::directory_all(Directory, All, Scene::Published, 4)]
#[case::env(EnvFile, CurrentOnly, Scene::Staged, 3)]
#[case::env_all(EnvFile, All, Scene::Published, 2)]
#[case::document(Document, CurrentOnly, Scene::Staged, 3)]
#[case::document_all(Document, All, Scene::Published, 2)]
fn promote(#[case] kind: Kind, #[case] shown: Shown, #[case] scene: Scene, #[case] steps: usize) {
    let died = die_everywhere(
        || prepared(kind, shown, scene),
        |fixture| fixture.promote("b", Some("old")),
        |fixture| both(fixture, "old", "b"),
    );
    assert_eq!(died, steps);
}

#[rstest]
#[case::directory(Directory, CurrentOnly, 3)]
#[case::directory_all(Directory, All, 4)]
#[case::env(EnvFile, CurrentOnly, 3)]
#[case::env_all(EnvFile, All, 2)]
#[case::document(Document, CurrentOnly, 3)]
#[case::document_all(Document, All, 2)]
fn the_way_back(#[case] kind: Kind, #[case] shown: Shown, #[case] steps: usize) {
    let died = die_everywhere(
        || prepared(kind, shown, Scene::Promoted),
        |fixture| fixture.promote("old", Some("b")),
        |fixture| {
            both(fixture, "old", "b");
            let accepted = [
                fixture.consumer_reads_current(),
                fixture.consumer_reads(fixture.location.next.as_ref()),
                fixture.consumer_reads(fixture.location.previous.as_ref()),
            ];
            if shown == All {
                assert!(accepted.contains(&Some("b".to_owned())), "consumers lost the new value");
            }
        },
    );
    assert_eq!(died, steps);
}

/// A promote that died is given up: the new value goes, the old one stays.
#[rstest]
fn a_promote_that_died_can_be_undone(
    #[values(Directory, EnvFile, Document)] kind: Kind,
    #[values(CurrentOnly, All)] shown: Shown,
    #[values(0, 1, 2, 3)] step: usize,
) {
    let fixture = prepared(kind, shown, if shown == All { Scene::Published } else { Scene::Staged });
    let _ = before_step(step, || fixture.promote("b", Some("old")));
    if fixture.consumer_reads_current().unwrap() == "b" {
        fixture.promote("old", Some("b")).unwrap();
    }
    fixture.retire("b").unwrap();
    assert_eq!(fixture.consumer_reads_current().unwrap(), "old");
    assert!(fixture.stages().iter().all(|(_, value)| value != "b"));
    fixture.stage(2, "c").unwrap();
    fixture.promote("c", Some("old")).unwrap();
    assert_eq!(fixture.stages(), at(&[(Stage::Current, "c"), (Stage::Previous, "old")]));
}

#[rstest]
fn publish_and_retire(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let still = |fixture: &Fixture| both(fixture, "old", "b");
    let staged = || prepared(kind, All, Scene::Staged);
    assert_eq!(die_everywhere(staged, |fixture| fixture.publish("b"), still), 1);
    let current = |fixture: &Fixture| assert_eq!(fixture.consumer_reads_current().unwrap(), "old");
    let published = || prepared(kind, All, Scene::Published);
    assert_eq!(die_everywhere(published, |fixture| fixture.retire("b"), current), 2);
    let promoted = || prepared(kind, CurrentOnly, Scene::Promoted);
    let new = |fixture: &Fixture| assert_eq!(fixture.consumer_reads_current().unwrap(), "b");
    assert_eq!(die_everywhere(promoted, |fixture| fixture.retire("old"), new), 1);
}

#[rstest]
fn retiring_half_done_still_has_its_mark(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = prepared(kind, All, Scene::Published);
    before_step(1, || fixture.retire("b")).unwrap_err();
    assert_refused(fixture.stage(2, "c"), ErrorKind::Conflict, "is in flight since");
}
