//! What the inventory may say.

use keywheel_core::{rotation::Location, secret::Stage};

use crate::scene::{Scene, location};

#[test]
fn every_mistake_is_reported_with_its_place() {
    let report = Scene::declared("aws-ssm", "region: 'eu central'\nkms-key: ''\naccess: {profile: ''}\n");
    let report = report.err().unwrap();
    for part in ["no name of a region", "no key is named", "no profile is named"] {
        assert!(report.contains(part), "{part} is missing in:\n{report}");
    }
    let report = Scene::declared("aws-ssm", "tier: intelligent\n").err().unwrap();
    assert!(report.contains("advanced"), "{report}");
}

#[test]
fn names_are_checked_without_asking() {
    let store = Scene::declared("aws-ssm", "{}\n").unwrap().store;
    assert_eq!(store.describe(), "AWS SSM Parameter Store in the environment's region");
    let deep = "/a".repeat(14);
    for name in ["/prod/db/password", "password", "/prod/a_b-c.d", &deep] {
        store.check_location(&location(name)).unwrap();
    }
    let (deeper, long) = ("/a".repeat(15), format!("/{}", "x".repeat(1000)));
    for name in [
        "",
        "/",
        "/prod//x",
        "/prod/",
        "prod/db",
        "/prod/db:current",
        "with space",
        "arn:aws:ssm:eu:1:parameter/x",
        "/aws/x",
        "SSM-x",
        "/keywheel-pending/prod/x",
        "keywheel-pending",
        &deeper,
        &long,
    ] {
        assert!(store.check_location(&location(name)).is_err(), "{name}");
    }
    let next = Location { next: Some("next".into()), ..location("/x") };
    assert!(store.check_location(&next).unwrap_err().contains("no place for the next version"));
    let previous = Location { previous: store.beside("/x", Stage::Previous), ..location("/x") };
    store.check_location(&previous).unwrap();
    assert_eq!(previous.previous.as_deref(), Some("/x:previous"));
    let elsewhere = Location { previous: Some("/y:previous".into()), ..location("/x") };
    assert!(store.check_location(&elsewhere).is_err());
}
