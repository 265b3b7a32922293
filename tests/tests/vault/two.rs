//! Two installations, each with a journal of its own, and one secret.

use std::collections::BTreeSet;

use keywheel_tests::{Said, Scene};
use keywheel_testservers::OpenBao;
use rstest::rstest;
use serde_json::json;

use crate::server::{Kind, Server};

/// One of them.
fn installation(server: &Server) -> Scene {
    let scene = Scene::empty();
    scene.write("token", server.token());
    let inventory = format!(
        "version: 1\n\nstores:\n  vault:\n    vault: {{ address: 'http://127.0.0.1:{}', mount: {}, auth: {{ token: \
         'file:token' }} }}\n\nsecrets:\n  \
         db: {{ generate: password, stores: [{{ store: vault, key: app/db }}], overlap: 1h }}\n",
        server.port(),
        server.mount
    );
    scene.write("keywheel.yaml", inventory);
    scene
}

fn server(kind: Kind) -> Server {
    let server = Server::start(kind, false);
    server.put("app/db", json!({"value": Scene::OLD}));
    server
}

fn value(server: &Server) -> String {
    let document = server.latest("app/db");
    document["value"].as_str().unwrap_or_default().to_owned()
}

const ROTATE: [&str; 5] = ["rotate", "db", "--yes", "--patience", "0s"];

#[rstest]
#[case(Kind::Fake)]
#[case(Kind::OpenBao)]
fn the_second_one_names_the_rotation_in_flight_its_start_and_who_began_it(#[case] kind: Kind) {
    let server = server(kind);
    let [first, second] = [installation(&server), installation(&server)];
    // It dies when the new value is pending, and nowhere else.
    let said = first.command(&ROTATE).dying_at(4, "abort").run();
    assert_eq!(said.signal(), Some(6), "{}", said.words());
    let record = server.latest("keywheel/app/db/value");
    let mark = &record["pending"]["mark"];
    let [rotation, start, initiator] =
        ["rotation", "started-at", "initiator"].map(|key| mark[key].as_str().unwrap_or_default().to_owned());
    assert!(!rotation.is_empty() && !initiator.is_empty(), "{mark}");
    let said = second.keywheel(&ROTATE);
    assert_ne!(said.code(), Some(0), "{}", said.words());
    said.says(&[&rotation, &start, &initiator, "in flight"]);
    assert_eq!(value(&server), Scene::OLD);
    let after = server.latest("keywheel/app/db/value");
    assert_eq!(after["pending"], record["pending"], "the second one left it alone");
    first.keywheel(&["resume", "--yes"]).exits(0);
    assert_ne!(value(&server), Scene::OLD);
    // In its overlap as well: its previous value may still be in use.
    let current = value(&server);
    let said = second.keywheel(&ROTATE);
    assert_ne!(said.code(), Some(0), "{}", said.words());
    said.says(&[&rotation]);
    assert_eq!(value(&server), current);
}

#[rstest]
#[case(Kind::Fake)]
#[case(Kind::OpenBao)]
fn of_two_that_begin_at_once_exactly_one_proceeds(#[case] kind: Kind) {
    let _kept = (kind == Kind::OpenBao).then(OpenBao::shared);
    for _ in 0..8 {
        let server = server(kind);
        let scenes = [installation(&server), installation(&server)];
        let said: Vec<Said> = std::thread::scope(|scope| {
            let runs = scenes.each_ref().map(|scene| scope.spawn(|| scene.keywheel(&ROTATE)));
            runs.into_iter().map(|run| run.join().expect("a run")).collect()
        });
        let words: Vec<_> = said.iter().map(Said::words).collect();
        let won: Vec<_> = (0..2).filter(|at| said[*at].code() == Some(0)).collect();
        assert_eq!(won.len(), 1, "{words:#?}");
        // In flight, or in its overlap by then.
        let record = server.latest("keywheel/app/db/value");
        let rotation = record["current"]["mark"]["rotation"].as_str().unwrap_or("no rotation");
        assert!(words[1 - won[0]].contains(rotation), "{rotation} is not in {words:#?}");
        // The document may have more versions than values: whoever drops what it staged bars its own late promotion by
        // writing what stands there once more.
        let promoted: BTreeSet<_> = server
            .readable()
            .iter()
            .filter_map(|document| document["value"].as_str().map(str::to_owned))
            .filter(|value| value != Scene::OLD)
            .collect();
        assert_eq!(promoted, BTreeSet::from([value(&server)]), "one promotion: {words:#?}");
    }
}
