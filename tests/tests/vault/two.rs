//! Two installations, each with a journal of its own, and one secret.

use keywheel_tests::{Said, Scene};
use keywheel_testservers::vault::Fake;
use serde_json::json;

/// One of them.
fn installation(fake: &Fake) -> Scene {
    let scene = Scene::empty();
    scene.write("token", Fake::ROOT);
    let inventory = format!(
        "version: 1\n\nstores:\n  vault:\n    vault: {{ address: '{}', auth: {{ token: 'file:token' }} }}\n\nsecrets:\n  \
         db: {{ generate: password, stores: [{{ store: vault, key: app/db }}], overlap: 1h }}\n",
        fake.url()
    );
    scene.write("keywheel.yaml", inventory);
    scene
}

fn server() -> Fake {
    let fake = Fake::start();
    fake.state(|state| state.kv("secret").put("app/db", json!({"value": Scene::OLD})));
    fake
}

fn value(fake: &Fake) -> String {
    let document = fake.state(|state| state.kv("secret").latest("app/db"));
    document["value"].as_str().unwrap_or_default().to_owned()
}

const ROTATE: [&str; 5] = ["rotate", "db", "--yes", "--patience", "0s"];

#[test]
fn the_second_one_names_the_rotation_in_flight_its_start_and_who_began_it() {
    let fake = server();
    let [first, second] = [installation(&fake), installation(&fake)];
    // It dies when the new value is pending, and nowhere else.
    let said = first.command(&ROTATE).dying_at(4, "abort").run();
    assert_eq!(said.signal(), Some(6), "{}", said.words());
    let record = fake.state(|state| state.kv("secret").latest("keywheel/app/db/value"));
    let mark = &record["pending"]["mark"];
    let [rotation, start, initiator] =
        ["rotation", "started-at", "initiator"].map(|key| mark[key].as_str().unwrap_or_default().to_owned());
    assert!(!rotation.is_empty() && !initiator.is_empty(), "{mark}");
    let said = second.keywheel(&ROTATE);
    assert_ne!(said.code(), Some(0), "{}", said.words());
    said.says(&[&rotation, &start, &initiator, "in flight"]);
    assert_eq!(value(&fake), Scene::OLD);
    let after = fake.state(|state| state.kv("secret").latest("keywheel/app/db/value"));
    assert_eq!(after["pending"], record["pending"], "the second one left it alone");
    first.keywheel(&["resume", "--yes"]).exits(0);
    assert_ne!(value(&fake), Scene::OLD);
    // In its overlap as well: its previous value may still be in use.
    let current = value(&fake);
    let said = second.keywheel(&ROTATE);
    assert_ne!(said.code(), Some(0), "{}", said.words());
    said.says(&[&rotation]);
    assert_eq!(value(&fake), current);
}

#[test]
fn of_two_that_begin_at_once_exactly_one_proceeds() {
    for _ in 0..8 {
        let fake = server();
        let scenes = [installation(&fake), installation(&fake)];
        let said: Vec<Said> = std::thread::scope(|scope| {
            let runs = scenes.each_ref().map(|scene| scope.spawn(|| scene.keywheel(&ROTATE)));
            runs.into_iter().map(|run| run.join().expect("a run")).collect()
        });
        let words: Vec<_> = said.iter().map(Said::words).collect();
        let won: Vec<_> = (0..2).filter(|at| said[*at].code() == Some(0)).collect();
        assert_eq!(won.len(), 1, "{words:#?}");
        // In flight, or in its overlap by then.
        let record = fake.state(|state| state.kv("secret").latest("keywheel/app/db/value"));
        let rotation = record["current"]["mark"]["rotation"].as_str().unwrap_or("no rotation");
        assert!(words[1 - won[0]].contains(rotation), "{rotation} is not in {words:#?}");
        assert_eq!(fake.state(|state| state.kv("secret").version("app/db")), 2, "one promotion: {words:#?}");
        assert_ne!(value(&fake), Scene::OLD);
    }
}
