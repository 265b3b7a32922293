//! The contract of `Secret`, sentence by sentence.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use keywheel_core::{Effect, Error, ErrorKind, SecretValue, VersionId, secret::Stage};

use super::{
    run::skipped,
    sample::{assert_free_of, context, initiator, rotation, started_at, value},
    secret_fixture::{SecretFixture, bytes_at},
};

/// Above this a test does not make a value only to have it refused.
const LARGEST_TRIED: usize = 64 * 1024 * 1024;

fn bytes(number: u8) -> Vec<u8> {
    value(number).expose_secret().to_vec()
}

fn unknown() -> VersionId {
    VersionId::new("no-such-version")
}

/// 1. `stage` makes the value durable before it returns: a crash right afterwards loses nothing.
pub async fn c01_stage_is_durable_before_it_returns(fixture: SecretFixture) {
    let staged = fixture.secret.stage(&context(1), &value(1), None).await.expect("stage");
    let survivor = (fixture.reopen)();
    assert_eq!(bytes_at(&*survivor, Stage::Pending).await, Some(bytes(1)));
    let found = survivor.versions().await.expect("versions");
    let pending = found.at(Stage::Pending).expect("a pending version");
    assert_eq!(pending.id, staged.id);
    let mark = pending.mark.as_ref().expect("a pending version is marked");
    assert_eq!(
        (mark.rotation, mark.started_at, &mark.initiator),
        (rotation(1), started_at(), &initiator()),
        "a second tool has to be able to say who is at work since when"
    );
}

/// 2. `stage` of the same rotation with the same bytes again is Ok and changes nothing.
pub async fn c02_staging_the_same_bytes_again_changes_nothing(fixture: SecretFixture) {
    let first = fixture.secret.stage(&context(1), &value(1), None).await.expect("stage");
    let before = fixture.snapshot().await;
    let again = (fixture.reopen)().stage(&context(1), &value(1), None).await.expect("stage again");
    assert_eq!(again.id, first.id);
    assert_eq!(fixture.snapshot().await, before);
}

/// 3. `stage` of the same rotation with other bytes is a Conflict and changes nothing.
pub async fn c03_staging_other_bytes_in_the_same_rotation_is_a_conflict(fixture: SecretFixture) {
    fixture.secret.stage(&context(1), &value(1), None).await.expect("stage");
    let before = fixture.snapshot().await;
    let refusal = fixture.secret.stage(&context(1), &value(2), None).await.expect_err("other bytes");
    assert_eq!(refusal.kind, ErrorKind::Conflict, "{refusal}");
    assert_eq!(fixture.snapshot().await, before);
}

/// 4. `stage` while another rotation's pending version exists is a Conflict that names that rotation, its start and its
///    initiator, and changes nothing.
pub async fn c04_staging_beside_another_rotation_names_that_rotation(fixture: SecretFixture) {
    fixture.secret.stage(&context(1), &value(1), None).await.expect("stage");
    let before = fixture.snapshot().await;
    let mut other = context(2);
    other.initiator = "somebody-else".into();
    let refusal = fixture.secret.stage(&other, &value(2), None).await.expect_err("a rotation is in flight");
    assert_eq!(refusal.kind, ErrorKind::Conflict, "{refusal}");
    let text = refusal.to_string();
    for part in [rotation(1).to_string(), started_at().to_string(), initiator().to_string()] {
        assert!(text.contains(&part), "{part} is missing in: {text}");
    }
    assert_eq!(fixture.snapshot().await, before);
}

/// 5. A pending version is visible to no consumer: `current` reads the same before and after `stage`.
pub async fn c05_a_pending_version_is_visible_to_no_consumer(fixture: SecretFixture) {
    let first = fixture.make_current(1, None).await;
    fixture.secret.stage(&context(2), &value(2), None).await.expect("stage");
    let secret = (fixture.reopen)();
    assert_eq!(bytes_at(&*secret, Stage::Current).await, Some(bytes(1)));
    assert_eq!(bytes_at(&*secret, Stage::Next).await, None);
    let versions = secret.versions().await.expect("versions");
    assert_eq!(versions.at(Stage::Current).map(|version| &version.id), Some(&first.id));
    match &fixture.consumers_see {
        Some(look) => assert!(!look().await.contains(&bytes(2)), "a consumer could read the pending value"),
        None => skipped("the fixture has no view of what consumers see"),
    }
}

/// 6. `publish` puts a pending version where consumers can read it as `next`; already published or promoted: Ok.
pub async fn c06_publish_shows_the_version_as_next_and_may_be_repeated(fixture: SecretFixture) {
    let first = fixture.make_current(1, None).await;
    let staged = fixture.secret.stage(&context(2), &value(2), None).await.expect("stage");
    if !fixture.secret.capabilities().publishes_next {
        let refusal = fixture.secret.publish(&context(2), &staged.id).await.expect_err("no place for `next`");
        assert_eq!(refusal.kind, ErrorKind::Unsupported, "{refusal}");
        return skipped("publishes_next");
    }
    for _ in 0..2 {
        fixture.secret.publish(&context(2), &staged.id).await.expect("publish");
        let secret = (fixture.reopen)();
        assert_eq!(bytes_at(&*secret, Stage::Next).await, Some(bytes(2)));
        assert_eq!(bytes_at(&*secret, Stage::Current).await, Some(bytes(1)));
        let versions = secret.versions().await.expect("versions");
        assert_eq!(versions.at(Stage::Next).map(|version| &version.id), Some(&staged.id));
    }
    if let Some(look) = &fixture.consumers_see {
        assert!(look().await.contains(&bytes(2)), "consumers cannot read the published value");
    }
    let again = fixture.secret.stage(&context(2), &value(2), None).await.expect("stage after publish");
    assert_eq!(again.id, staged.id);
    fixture.secret.promote(&context(2), &staged.id, Some(&first.id)).await.expect("promote");
    fixture.secret.publish(&context(2), &staged.id).await.expect("publish after promote");
    assert_eq!(bytes_at(&*fixture.secret, Stage::Current).await, Some(bytes(2)));
}

/// 7. `promote` makes `version` current only if `expected` is current; otherwise it is a Conflict and changes nothing.
pub async fn c07_promote_needs_the_expected_version_to_be_current(fixture: SecretFixture) {
    let first = fixture.make_current(1, None).await;
    let staged = fixture.secret.stage(&context(2), &value(2), None).await.expect("stage");
    let before = fixture.snapshot().await;
    for expected in [None, Some(&staged.id), Some(&unknown())] {
        let refusal =
            fixture.secret.promote(&context(2), &staged.id, expected).await.expect_err("another is current");
        assert_eq!(refusal.kind, ErrorKind::Conflict, "expecting {expected:?}: {refusal}");
        assert_eq!(fixture.snapshot().await, before);
    }
    fixture.secret.promote(&context(2), &staged.id, Some(&first.id)).await.expect("promote");
    assert_eq!(bytes_at(&*(fixture.reopen)(), Stage::Current).await, Some(bytes(2)));
}

/// 8. `promote` of a version that is current already is Ok.
pub async fn c08_promoting_the_current_version_is_ok(fixture: SecretFixture) {
    let first = fixture.make_current(1, None).await;
    let second = fixture.make_current(2, Some(&first.id)).await;
    let before = fixture.snapshot().await;
    for expected in [Some(&first.id), Some(&second.id), None] {
        (fixture.reopen)().promote(&context(2), &second.id, expected).await.expect("promoted already");
        assert_eq!(fixture.snapshot().await, before);
    }
}

/// 9. After `promote` the displaced version stays readable, as `previous` or `pending`, until it is retired.
pub async fn c09_the_displaced_version_stays_readable_until_it_is_retired(fixture: SecretFixture) {
    let first = fixture.make_current(1, None).await;
    let second = fixture.make_current(2, Some(&first.id)).await;
    let secret = (fixture.reopen)();
    let versions = secret.versions().await.expect("versions");
    let displaced = versions.by_id(&first.id).expect("the displaced version is listed under the same id");
    assert!(matches!(displaced.stage, Stage::Previous | Stage::Pending), "{displaced:?}");
    assert_eq!(bytes_at(&*secret, displaced.stage).await, Some(bytes(1)));
    assert_eq!(versions.at(Stage::Current).map(|version| &version.id), Some(&second.id));
    secret.promote(&context(2), &first.id, Some(&second.id)).await.expect("the way back");
    assert_eq!(bytes_at(&*secret, Stage::Current).await, Some(bytes(1)));
    let versions = secret.versions().await.expect("versions");
    let displaced = versions.by_id(&second.id).expect("the other version is displaced now");
    assert_eq!(bytes_at(&*secret, displaced.stage).await, Some(bytes(2)));
}

/// 10. At every instant during `promote`, `current` reads as the whole old or the whole new value.
pub async fn c10_current_reads_whole_at_every_instant_of_a_promote(fixture: SecretFixture) {
    let first = fixture.make_current(1, None).await;
    let second = fixture.secret.stage(&context(2), &value(2), None).await.expect("stage");
    let over = Arc::new(AtomicBool::new(false));
    let reader = {
        let (secret, over) = ((fixture.reopen)(), Arc::clone(&over));
        let look = fixture.consumers_see.clone();
        tokio::spawn(async move {
            let mut reads = 0_u32;
            while !over.load(Ordering::Relaxed) || reads == 0 {
                let current =
                    secret.read(Stage::Current).await.expect("there is a current value all the time");
                let mut seen = vec![current.expose_secret().to_vec()];
                if let Some(look) = &look {
                    seen.extend(look().await);
                }
                for value in seen {
                    assert!(value == bytes(1) || value == bytes(2), "half a value was read");
                }
                reads += 1;
                tokio::task::yield_now().await;
            }
        })
    };
    for _ in 0..15 {
        fixture.secret.promote(&context(2), &second.id, Some(&first.id)).await.expect("promote");
        fixture.secret.promote(&context(2), &first.id, Some(&second.id)).await.expect("promote back");
    }
    over.store(true, Ordering::Relaxed);
    reader.await.expect("the reader saw whole values only");
}

/// 11. `promote` of a version that does not exist is `NotFound`.
pub async fn c11_promoting_an_unknown_version_is_not_found(fixture: SecretFixture) {
    let refusal = fixture.secret.promote(&context(1), &unknown(), None).await.expect_err("no version at all");
    assert_eq!(refusal.kind, ErrorKind::NotFound, "{refusal}");
    let first = fixture.make_current(1, None).await;
    let refusal =
        fixture.secret.promote(&context(2), &unknown(), Some(&first.id)).await.expect_err("no such version");
    assert_eq!(refusal.kind, ErrorKind::NotFound, "{refusal}");
}

/// 12. `retire` of an absent version is Ok.
pub async fn c12_retiring_an_absent_version_is_ok(fixture: SecretFixture) {
    fixture.secret.retire(&context(1), &unknown()).await.expect("nothing is there at all");
    fixture.make_current(1, None).await;
    let before = fixture.snapshot().await;
    fixture.secret.retire(&context(1), &unknown()).await.expect("it is not there");
    assert_eq!(fixture.snapshot().await, before);
}

/// 13. `retire` refuses the current version with a Conflict.
pub async fn c13_retiring_the_current_version_is_a_conflict(fixture: SecretFixture) {
    let first = fixture.make_current(1, None).await;
    let before = fixture.snapshot().await;
    let refusal = fixture.secret.retire(&context(1), &first.id).await.expect_err("it is current");
    assert_eq!(refusal.kind, ErrorKind::Conflict, "{refusal}");
    assert_eq!(fixture.snapshot().await, before);
}

/// 14. After `retire` the version can be read under no stage.
pub async fn c14_a_retired_version_can_be_read_under_no_stage(fixture: SecretFixture) {
    let first = fixture.make_current(1, None).await;
    let second = fixture.make_current(2, Some(&first.id)).await;
    let pending = fixture.secret.retire(&context(2), &first.id).await;
    pending.expect("retire the displaced version");
    let third = fixture.secret.stage(&context(3), &value(3), None).await.expect("stage");
    let mut gone = vec![(first.id, bytes(1)), (third.id, bytes(3))];
    if fixture.secret.capabilities().publishes_next {
        fixture.secret.publish(&context(3), &gone[1].0).await.expect("publish");
    }
    fixture.secret.retire(&context(3), &gone[1].0).await.expect("retire the staged version");
    let secret = (fixture.reopen)();
    let versions = secret.versions().await.expect("versions");
    for (id, bytes) in gone.drain(..) {
        assert!(versions.by_id(&id).is_none(), "{id} is still listed: {versions:?}");
        for stage in Stage::ALL {
            assert_ne!(bytes_at(&*secret, stage).await, Some(bytes.clone()), "{stage}");
        }
        if let Some(look) = &fixture.consumers_see {
            assert!(!look().await.contains(&bytes), "a consumer could read a retired value");
        }
    }
    assert_eq!(versions.at(Stage::Current).map(|version| &version.id), Some(&second.id));
}

/// 15. `read` gives the bytes that were staged, unharmed, or `NotFound`.
pub async fn c15_read_gives_the_staged_bytes_unharmed(fixture: SecretFixture) {
    for stage in Stage::ALL {
        let refusal = fixture.secret.read(stage).await.expect_err("nothing is there yet");
        assert_eq!(refusal.kind, ErrorKind::NotFound, "{stage}: {refusal}");
    }
    let capabilities = fixture.secret.capabilities();
    // What formats like to swallow: quotes, escapes, comments, expansions, blanks at the ends, letters beyond ASCII.
    let mut samples: Vec<Vec<u8>> = vec![
        br#"it's "quoted" \n \\ # $HOME `id` %s {{x}} =&:;"#.to_vec(),
        "  blanks and Schlüssel 鍵 🗝  ".as_bytes().to_vec(),
        b"-----BEGIN KEY-----\nline\n-----END KEY-----\n".to_vec(),
        b"x".to_vec(),
    ];
    if capabilities.binary {
        samples.push((0..=255).collect());
        samples.push(b"\xff\xfe\x00\r\n".to_vec());
    } else {
        skipped("binary");
    }
    samples.retain(|sample| sample.len() <= capabilities.max_bytes);
    let mut current: Option<VersionId> = None;
    for (number, sample) in (1_u8..).zip(samples) {
        let staged =
            match fixture.secret.stage(&context(number), &SecretValue::copy_from(&sample), None).await {
                Ok(staged) => staged,
                Err(error) if error.kind == ErrorKind::InvalidValue => {
                    skipped(format_args!("a place for {} bytes such as sample {number}", sample.len()));
                    continue;
                }
                Err(error) => panic!("sample {number}: {error}"),
            };
        assert_eq!(bytes_at(&*(fixture.reopen)(), Stage::Pending).await.as_ref(), Some(&sample));
        fixture.secret.promote(&context(number), &staged.id, current.as_ref()).await.expect("promote");
        assert_eq!(bytes_at(&*(fixture.reopen)(), Stage::Current).await.as_ref(), Some(&sample));
        if let Some(old) = current.replace(staged.id) {
            fixture.secret.retire(&context(number), &old).await.expect("retire");
        }
    }
}

/// 16. `versions` never holds a value and has at most one version in each stage.
pub async fn c16_versions_holds_no_value_and_one_version_a_stage(fixture: SecretFixture) {
    assert!(
        fixture.secret.versions().await.expect("versions").0.is_empty(),
        "a secret that does not exist has none"
    );
    let mut current: Option<VersionId> = None;
    for number in 1..=4 {
        let staged = fixture.secret.stage(&context(number), &value(number), None).await.expect("stage");
        check_versions(&fixture, number).await;
        if number % 2 == 0 && fixture.secret.capabilities().publishes_next {
            fixture.secret.publish(&context(number), &staged.id).await.expect("publish");
            check_versions(&fixture, number).await;
        }
        fixture.secret.promote(&context(number), &staged.id, current.as_ref()).await.expect("promote");
        check_versions(&fixture, number).await;
        // What was displaced to `previous` stays, so that the next promote has to make room for another one; as
        // `pending` it would be in the way of the next stage.
        let versions = fixture.secret.versions().await.expect("versions");
        current = Some(staged.id);
        if let Some(displaced) = versions.at(Stage::Pending) {
            fixture.secret.retire(&context(number), &displaced.id).await.expect("retire");
        }
    }
}

async fn check_versions(fixture: &SecretFixture, newest: u8) {
    let versions = (fixture.reopen)().versions().await.expect("versions");
    let text = serde_json::to_string(&versions).expect("versions serialise");
    for number in 1..=newest {
        assert_free_of(&value(number), &text);
    }
    let stages: BTreeSet<Stage> = versions.0.iter().map(|version| version.stage).collect();
    assert_eq!(stages.len(), versions.0.len(), "two versions in one stage: {versions:?}");
}

/// 17. A value that the store cannot hold is `InvalidValue` at `stage`, before anything changed.
pub async fn c17_a_value_that_cannot_be_held_is_refused_before_anything_changed(fixture: SecretFixture) {
    let capabilities = fixture.secret.capabilities();
    fixture.make_current(1, None).await;
    let before = fixture.snapshot().await;
    let mut impossible = Vec::new();
    if capabilities.max_bytes < LARGEST_TRIED {
        impossible.push(vec![b'x'; capabilities.max_bytes + 1]);
    } else {
        skipped("a limit of size that a test can exceed");
    }
    if !capabilities.binary {
        impossible.push(b"\xff\xfe\x00".to_vec());
    }
    for bytes in impossible {
        let value = SecretValue::from_vec(bytes);
        let refusal = fixture.secret.stage(&context(2), &value, None).await.expect_err("it cannot be held");
        assert_eq!(
            (refusal.kind, refusal.effect),
            (ErrorKind::InvalidValue, Effect::NotApplied),
            "{refusal}"
        );
        assert_eq!(fixture.snapshot().await, before);
    }
}

/// 18. An error is `NotApplied` only if it is certain that nothing changed.
pub async fn c18_not_applied_means_that_nothing_changed(fixture: SecretFixture) {
    let first = fixture.make_current(1, None).await;
    let staged = fixture.secret.stage(&context(2), &value(2), None).await.expect("stage");
    let before = fixture.snapshot().await;
    let secret = &fixture.secret;
    let refusals: [Option<Error>; 6] = [
        secret.stage(&context(2), &value(3), None).await.err(),
        secret.stage(&context(3), &value(3), None).await.err(),
        secret.promote(&context(2), &staged.id, Some(&unknown())).await.err(),
        secret.promote(&context(2), &unknown(), Some(&first.id)).await.err(),
        secret.retire(&context(2), &first.id).await.err(),
        secret.publish(&context(2), &unknown()).await.err(),
    ];
    for refusal in refusals {
        let refusal = refusal.expect("every one of these calls is refused");
        assert_eq!(refusal.effect, Effect::NotApplied, "{refusal}");
        for number in 1..=3 {
            assert_free_of(&value(number), &format!("{refusal} {refusal:?}"));
        }
    }
    assert_eq!(fixture.snapshot().await, before);
}
