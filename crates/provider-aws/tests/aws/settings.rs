//! What the inventory may say.

use keywheel_core::{rotation::Location, secret::Stage};

use crate::scene::{Scene, location};

#[test]
fn every_mistake_is_reported_with_its_place() {
    let report = Scene::settled(
        "region: 'eu central'\nkms-key: ''\naccess:\n  profile: team\n  endpoint: https://user:password-here@host\n  \
         keys: {id: 'AKIA X', secret: 'file:key'}\n  assume-role: {arn: admin, endpoint: sts}\n",
    )
    .err()
    .unwrap();
    for part in [
        "no name of a region",
        "no key is named",
        "both keys and a profile",
        "no id of an access key",
        "no ARN of a role",
        "no address of a service",
    ] {
        assert!(report.contains(part), "{part} is missing in:\n{report}");
    }
    let report = Scene::settled("regoin: eu-central-1\n").err().unwrap();
    assert!(report.contains("regoin"), "{report}");
    let report = Scene::settled("access: {keys: {id: AKIA, secret: the-key-itself}}\n").err().unwrap();
    assert!(!report.contains("unknown field"), "{report}");
}

#[test]
fn nothing_needs_to_be_said() {
    let store = Scene::settled("{}\n").unwrap().store;
    assert_eq!(store.describe(), "AWS Secrets Manager in the environment's region");
    let store =
        Scene::settled("region: us-east-1\naccess: {endpoint: 'https://sm.internal'}\n").unwrap().store;
    assert_eq!(store.describe(), "AWS Secrets Manager in us-east-1, at https://sm.internal");
}

#[test]
fn names_are_checked_without_asking() {
    let store = Scene::settled("{}\n").unwrap().store;
    for name in ["prod/db", "a_b+c=d.e@f-g"] {
        store.check_location(&location(name)).unwrap();
    }
    let long = "x".repeat(500);
    for name in ["", "with space", "arn:aws:secretsmanager:eu:1:secret:x-AbCdEf", "x.keywheel-pending", &long]
    {
        assert!(store.check_location(&location(name)).is_err(), "{name}");
    }
    let next = Location { next: Some("next".into()), ..location("x") };
    assert!(store.check_location(&next).unwrap_err().contains("no place for the next version"));
    let previous = Location { previous: store.beside("x", Stage::Previous), ..location("x") };
    store.check_location(&previous).unwrap();
    assert_eq!(store.beside("x", Stage::Next), None);
}
