//! The sentences of `Secret`'s contract, by their numbers, over the three kinds.

use super::*;

#[rstest]
fn c1_staging_is_durable_for_another_process(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, CurrentOnly, "a");
    let staged = fixture.stage(1, "b").unwrap();
    assert_eq!((staged.stage, &staged.id), (Stage::Pending, &id("b")));
    let name = kind.declared();
    let other = configured(kind, fixture.temp.path().to_owned(), &format!("path: {name}"))
        .secret(&fixture.location, Fingerprinter::plain());
    assert_eq!(now(other.read(Stage::Pending)).unwrap().expose_secret(), b"b");
    let versions = now(other.versions()).unwrap();
    let pending = versions.at(Stage::Pending).unwrap();
    assert_eq!(pending, &staged);
    assert_eq!(pending.mark.as_ref().unwrap().initiator.as_str(), "ada@host");
    assert_eq!(pending.identity, Some(Identity::new("app_b")));
    assert!(pending.created_at.is_some());
}

#[rstest]
fn c2_staging_again_changes_nothing(
    #[values(Directory, EnvFile, Document)] kind: Kind,
    #[values(false, true)] published: bool,
) {
    let fixture = Fixture::holding(kind, All, "a");
    fixture.stage(1, "b").unwrap();
    if published {
        fixture.publish("b").unwrap();
    }
    let before = fixture.everything();
    let again = fixture.stage(1, "b").unwrap();
    assert_eq!(again.stage, if published { Stage::Next } else { Stage::Pending });
    assert_eq!(fixture.everything(), before);
}

#[rstest]
fn c3_staging_other_bytes_is_a_conflict(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, CurrentOnly, "a");
    fixture.stage(1, "b").unwrap();
    let before = fixture.everything();
    assert_refused(fixture.stage(1, "c"), ErrorKind::Conflict, "other bytes");
    assert_eq!(fixture.everything(), before);
}

#[rstest]
fn c4_another_rotation_is_named(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, CurrentOnly, "a");
    fixture.stage(1, "b").unwrap();
    let before = fixture.everything();
    let error = assert_refused(fixture.stage(2, "b"), ErrorKind::Conflict, "ada@host").to_string();
    assert!(error.contains(&rotation(1).rotation.to_string()), "{error}");
    assert!(error.contains("1970-01-01"), "{error}");
    assert_eq!(fixture.everything(), before);
}

#[rstest]
fn c5_no_consumer_sees_a_pending_version(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, All, "a");
    let place = if kind == Directory { fixture.path("secrets") } else { fixture.file() };
    let before: Vec<_> =
        fixture.everything().into_iter().filter(|(path, _)| path.starts_with(&place)).collect();
    fixture.stage(1, "b").unwrap();
    let after: Vec<_> =
        fixture.everything().into_iter().filter(|(path, _)| path.starts_with(&place)).collect();
    assert_eq!(before, after);
    assert_eq!(fixture.read(Stage::Current).unwrap(), "a");
}

#[rstest]
fn c6_publishing_again_is_ok(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, All, "a");
    fixture.stage(1, "b").unwrap();
    fixture.publish("b").unwrap();
    assert_eq!(fixture.stages(), at(&[(Stage::Next, "b"), (Stage::Current, "a")]));
    let versions = now(fixture.secret.versions()).unwrap();
    assert_eq!(versions.at(Stage::Next).unwrap().mark.as_ref().unwrap().rotation, rotation(1).rotation);
    fixture.publish("b").unwrap();
    fixture.promote("b", Some("a")).unwrap();
    fixture.publish("b").unwrap();
    assert_eq!(fixture.stages(), at(&[(Stage::Current, "b"), (Stage::Previous, "a")]));
    assert_refused(fixture.publish("c"), ErrorKind::NotFound, "no such version");
}

#[rstest]
fn c6_without_a_place_for_next_it_is_unsupported(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, CurrentOnly, "a");
    fixture.stage(1, "b").unwrap();
    assert!(!fixture.secret.capabilities().publishes_next);
    assert_refused(fixture.publish("b"), ErrorKind::Unsupported, "`next:`");
}

#[rstest]
#[case::other(Some("a"), Some("x"))]
#[case::none_expected(Some("a"), None)]
#[case::none_there(None, Some("a"))]
fn c7_promote_refuses_when_another_version_is_current(
    #[case] current: Option<&str>,
    #[case] expected: Option<&str>,
    #[values(Directory, EnvFile, Document)] kind: Kind,
    #[values(CurrentOnly, All)] shown: Shown,
) {
    let fixture = Fixture::new(kind, shown);
    if let Some(current) = current {
        fixture.overwrite(&fixture.location.key, current);
    }
    fixture.stage(1, "b").unwrap();
    let before = fixture.everything();
    assert_refused(fixture.promote("b", expected), ErrorKind::Conflict, "somebody else changed");
    assert_eq!(fixture.everything(), before);
}

#[rstest]
fn c8_promoting_again_is_ok(
    #[values(Directory, EnvFile, Document)] kind: Kind,
    #[values(CurrentOnly, All)] shown: Shown,
) {
    let fixture = Fixture::holding(kind, shown, "a");
    fixture.stage(1, "b").unwrap();
    fixture.promote("b", Some("a")).unwrap();
    let before = fixture.everything();
    fixture.promote("b", Some("a")).unwrap();
    assert_eq!(fixture.everything(), before);
}

#[rstest]
fn c7_the_first_value_needs_no_current(
    #[values(Directory, EnvFile, Document)] kind: Kind,
    #[values(CurrentOnly, All)] shown: Shown,
) {
    let fixture = Fixture::new(kind, shown);
    assert_eq!(fixture.stages(), []);
    fixture.stage(1, "b").unwrap();
    fixture.promote("b", None).unwrap();
    assert_eq!(fixture.stages(), at(&[(Stage::Current, "b")]));
}

#[rstest]
fn c9_the_way_back_keeps_the_new_value_until_it_is_retired(
    #[values(Directory, EnvFile, Document)] kind: Kind,
    #[values(CurrentOnly, All)] shown: Shown,
) {
    let fixture = Fixture::holding(kind, shown, "a");
    fixture.stage(1, "b").unwrap();
    fixture.promote("b", Some("a")).unwrap();
    fixture.promote("a", Some("b")).unwrap();
    let waiting = if shown == All { Stage::Next } else { Stage::Pending };
    assert_eq!(fixture.stages(), at(&[(waiting, "b"), (Stage::Current, "a")]));
    assert_eq!(fixture.consumer_reads_current().unwrap(), "a");
    let versions = now(fixture.secret.versions()).unwrap();
    assert_eq!(versions.at(waiting).unwrap().mark.as_ref().unwrap().rotation, rotation(1).rotation);
    fixture.retire("b").unwrap();
    assert_eq!(fixture.stages(), at(&[(Stage::Current, "a")]));
    fixture.stage(2, "c").unwrap();
}

#[rstest]
fn c9_a_rotation_to_what_was_previous_keeps_what_it_displaces(
    #[values(Directory, EnvFile, Document)] kind: Kind,
    #[values(CurrentOnly, All)] shown: Shown,
) {
    let fixture = Fixture::holding(kind, shown, "a");
    fixture.stage(1, "b").unwrap();
    fixture.promote("b", Some("a")).unwrap();
    fixture.stage(2, "a").unwrap();
    fixture.promote("a", Some("b")).unwrap();
    assert_eq!(fixture.stages(), at(&[(Stage::Current, "a"), (Stage::Previous, "b")]));
}

#[rstest]
fn c9_the_way_back_does_not_displace_another_rotations_version(
    #[values(Directory, EnvFile, Document)] kind: Kind,
    #[values(CurrentOnly, All)] shown: Shown,
) {
    let fixture = Fixture::holding(kind, shown, "a");
    fixture.stage(1, "b").unwrap();
    fixture.promote("b", Some("a")).unwrap();
    fixture.stage(2, "c").unwrap();
    let before = fixture.everything();
    assert_refused(fixture.promote("a", Some("b")), ErrorKind::Conflict, "is in flight since");
    assert_eq!(fixture.everything(), before);
}

#[rstest]
fn a_place_that_somebody_else_uses_is_not_overwritten(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, All, "a");
    let next = fixture.location.next.clone().unwrap();
    fixture.overwrite(&next, "theirs");
    fixture.stage(1, "b").unwrap();
    assert_refused(fixture.publish("b"), ErrorKind::Conflict, id("theirs").as_str());
    assert_eq!(fixture.consumer_reads(Some(&next)).unwrap(), "theirs");
    fixture.overwrite(&next, "");
    fixture.publish("b").unwrap();
}

#[rstest]
fn c11_an_unknown_version_is_not_found(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, CurrentOnly, "a");
    assert_refused(fixture.promote("b", Some("a")), ErrorKind::NotFound, "no such version");
}

#[rstest]
fn c12_c13_c14_retiring(
    #[values(Directory, EnvFile, Document)] kind: Kind,
    #[values(CurrentOnly, All)] shown: Shown,
) {
    let fixture = Fixture::holding(kind, shown, "a");
    fixture.retire("gone").unwrap();
    assert_refused(fixture.retire("a"), ErrorKind::Conflict, "is current");
    fixture.stage(1, "b").unwrap();
    if shown == All {
        fixture.publish("b").unwrap();
    }
    fixture.retire("b").unwrap();
    assert_eq!(fixture.stages(), at(&[(Stage::Current, "a")]));
    fixture.retire("b").unwrap();
}

#[rstest]
fn c13_a_staged_copy_of_the_current_version_can_be_retired(
    #[values(Directory, EnvFile, Document)] kind: Kind,
) {
    let fixture = Fixture::holding(kind, CurrentOnly, "a");
    fixture.stage(1, "a").unwrap();
    assert_eq!(fixture.stages(), at(&[(Stage::Pending, "a"), (Stage::Current, "a")]));
    fixture.retire("a").unwrap();
    assert_eq!(fixture.stages(), at(&[(Stage::Current, "a")]));
    fixture.stage(1, "a").unwrap();
    fixture.promote("a", Some("a")).unwrap();
    assert_eq!(fixture.stages(), at(&[(Stage::Current, "a")]));
}

#[rstest]
fn c15_bytes_are_unharmed(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, All, "");
    let odd = "two words\n'\"$HOME\\ = # é\n";
    fixture.stage(1, odd).unwrap();
    fixture.publish(odd).unwrap();
    fixture.promote(odd, Some("")).unwrap();
    assert_eq!(fixture.stages(), at(&[(Stage::Current, odd), (Stage::Previous, "")]));
}

#[test]
fn c15_a_file_takes_any_bytes() {
    let fixture = Fixture::new(Directory, CurrentOnly);
    let bytes = SecretValue::copy_from(&[0, 0xFF, b'\n', b'\r', 0]);
    let staged = now(fixture.secret.stage(&rotation(1), &bytes, None)).unwrap();
    now(fixture.secret.promote(&rotation(1), &staged.id, None)).unwrap();
    assert_eq!(now(fixture.secret.read(Stage::Current)).unwrap().expose_secret(), bytes.expose_secret());
}

#[rstest]
#[case(EnvFile, b"\xFF")]
#[case(EnvFile, b"a\0b")]
#[case(EnvFile, b"a\rb")]
#[case(Document, b"\xFF")]
fn c17_bytes_that_the_format_has_no_place_for_are_refused(#[case] kind: Kind, #[case] bytes: &[u8]) {
    let fixture = Fixture::holding(kind, CurrentOnly, "a");
    let before = fixture.everything();
    let staged = now(fixture.secret.stage(&rotation(1), &SecretValue::copy_from(bytes), None));
    assert_refused(staged, ErrorKind::InvalidValue, "file of its own");
    assert_eq!(fixture.everything(), before);
}

#[rstest]
fn c17_the_largest_value_passes_and_one_more_byte_does_not(
    #[values(Directory, EnvFile, Document)] kind: Kind,
    #[values("x", "\u{1}")] letter: &str,
) {
    let fixture = Fixture::holding(kind, All, "a");
    let largest = letter.repeat(fixture.secret.capabilities().max_bytes);
    assert_refused(fixture.stage(1, &(largest.clone() + "x")), ErrorKind::InvalidValue, "the store takes");
    fixture.stage(1, &largest).unwrap();
    fixture.publish(&largest).unwrap();
    fixture.promote(&largest, Some("a")).unwrap();
    let other = "y".repeat(largest.len());
    fixture.stage(2, &other).unwrap();
    fixture.publish(&other).unwrap();
    fixture.promote(&other, Some(&largest)).unwrap();
    fixture.promote(&largest, Some(&other)).unwrap();
}
