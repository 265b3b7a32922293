//! Many rotations at once, on services that are asked too much: none is lost, and those who are put off do not come back
//! together.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    time::Duration,
};

use keywheel_tests::{Scene, Stopwatch};
use keywheel_testservers::Moto;
use serde_json::Value;

use crate::{
    aws::{parameters, secrets},
    front::{Front, Repeat, Seen, TOLD},
};

/// Set by `cargo xtask throttle`: how many rotations.
const ROTATIONS: &str = "KEYWHEEL_THROTTLED_ROTATIONS";

/// As many as the stand-in gets through while others wait for it.
const A_SHARE: usize = 100;

/// Calls at once, to Secrets Manager and to Parameter Store.
const AT_ONCE: [usize; 2] = [12, 8];

/// Runs in which whoever was undone, or could not be looked at, has its turn.
const RUNS: usize = 4;

/// The repeats are counted by pieces of time of this length.
const PIECE: Duration = Duration::from_millis(50);

fn inventory(rotations: usize, fronts: &[Front; 2]) -> String {
    let mut text = "version: 1\nconcurrency: 40\nstores:\n".to_owned();
    let kinds = [("secrets-manager", "aws-secrets-manager"), ("parameters", "aws-ssm")];
    for (((store, kind), front), at_once) in kinds.into_iter().zip(fronts).zip(AT_ONCE) {
        let _ = writeln!(
            text,
            "  {store}:\n    {kind}: {{ region: eu-central-1, access: {{ endpoint: \"http://127.0.0.1:{}\", keys: {{ id: \
             AKIAEXAMPLE, secret: \"file:aws-key\" }} }} }}\n    concurrency: {at_once}",
            front.port()
        );
    }
    text.push_str("secrets:\n");
    for number in 0..rotations {
        let store = kinds[number % 2].0;
        let _ = writeln!(
            text,
            "  s{number}: {{ generate: password, stores: [{{ store: {store}, key: /app/{number} }}], overlap: 0s }}"
        );
    }
    text
}

/// Rotates `names`; those that succeeded, and how many were undone.
fn rotated(scene: &Scene, names: &BTreeSet<String>) -> (BTreeSet<String>, usize) {
    let mut words = vec!["rotate"];
    words.extend(names.iter().map(String::as_str));
    words.extend(["--yes", "--patience", "10m", "--output", "json"]);
    let said = scene.keywheel(&words);
    let report: Value = said
        .stdout
        .lines()
        .last()
        .and_then(|line| serde_json::from_str(line).ok())
        .unwrap_or_else(|| panic!("no report: {}", said.words()));
    let items = report.pointer("/report/items").and_then(Value::as_array).expect("items");
    let ended = |outcome: &str| {
        let ended =
            items.iter().filter(|item| item.pointer("/ended/finished/outcome") == Some(&outcome.into()));
        ended.filter_map(|item| Some(item["secret"].as_str()?.to_owned())).collect::<BTreeSet<_>>()
    };
    let (done, undone) = (ended("succeeded"), ended("rolled-back"));
    assert_eq!(done.len() + undone.len(), items.len(), "{report:#}");
    (done, undone.len())
}

#[test]
fn of_many_rotations_on_throttled_services_none_is_lost_and_nobody_comes_back_together() {
    let rotations = std::env::var(ROTATIONS).map_or(A_SHARE, |count| count.parse().expect("a number"));
    let moto = Moto::start();
    let fronts = [Front::of(moto.port(), 1), Front::of(moto.port(), 2)];
    let scene = Scene::empty();
    scene.write("aws-key", "the-secret-access-key-of-nobody");
    scene.write("keywheel.yaml", inventory(rotations, &fronts));
    for number in 0..rotations {
        let create = if number % 2 == 0 { secrets::create } else { parameters::create };
        create(moto.port(), &format!("/app/{number}"), &format!("{}-{number}", Scene::OLD));
    }
    let watch = Stopwatch::start();
    let mut left: BTreeSet<_> = (0..rotations).map(|number| format!("s{number}")).collect();
    let (mut runs, mut undone) = (0, 0);
    while !left.is_empty() && runs < RUNS {
        let (done, turned_back) = rotated(&scene, &left);
        left.retain(|name| !done.contains(name));
        undone += turned_back;
        runs += 1;
    }
    let [requests, refused] = [|seen: &Seen| seen.requests, |seen: &Seen| seen.refused]
        .map(|count| fronts.iter().map(|front| front.seen(count)).sum::<usize>());
    println!(
        "throttled: {} of {rotations} rotations finished in {runs} runs and {:.0?}, {undone} more were undone: {requests} \
         requests, of which {refused} were refused",
        rotations - left.len(),
        watch.elapsed(),
    );
    assert!(left.is_empty(), "{left:?} were not rotated");
    assert!(undone * 100 <= rotations, "{undone} were undone");
    assert!(refused * 100 > requests * 25, "{refused} of {requests} are no 30 %");
    for (front, at_once) in fronts.iter().zip(AT_ONCE) {
        let (most, repeats) = front.seen(|seen| (seen.most_at_once(), seen.repeats.clone()));
        println!("throttled: at most {most} requests at once, where {at_once} are allowed");
        assert!(most <= at_once, "{most} at once");
        assert_spread(&repeats);
    }
    every_one_is_new(moto.port(), rotations);
    // Not `unsettled`: each look would be refused as often as each request.
    let audit = scene.keywheel(&["audit", "verify"]);
    assert_eq!(audit.code(), Some(0), "{}", audit.words());
}

/// Nobody came before the time that was told, and no moment after a refusal is the one at which all come back.
fn assert_spread(repeats: &[Repeat]) {
    let (told, others): (Vec<&Repeat>, Vec<&Repeat>) = repeats.iter().partition(|repeat| repeat.told);
    let early = told.iter().filter(|repeat| repeat.after < TOLD).count();
    let [told_most, others_most] =
        [&told, &others].map(|repeats| busiest(repeats.iter().map(|repeat| repeat.after)));
    println!(
        "throttled: of {} that were told when to come back, {early} came earlier, and {told_most} the same {PIECE:?} after \
         their refusal; of {} others {others_most}; at most {} came in one time of {PIECE:?}",
        told.len(),
        others.len(),
        busiest(repeats.iter().map(|repeat| repeat.at)),
    );
    assert_eq!(early, 0, "of {} that were told when to come back", told.len());
    assert!(
        told_most * 4 < told.len(),
        "{told_most} of {} that were told came back at one moment",
        told.len()
    );
    // The SDK draws the first wait from 0.2 s: a quarter falls into the first of its pieces.
    assert!(others_most * 5 < others.len() * 2, "{others_most} of {} came back at one moment", others.len());
}

/// How many of `times` fall into the piece that has most of them.
fn busiest(times: impl Iterator<Item = Duration>) -> usize {
    let mut pieces = BTreeMap::<u128, usize>::new();
    for time in times {
        *pieces.entry(time.as_millis() / PIECE.as_millis()).or_default() += 1;
    }
    pieces.into_values().max().unwrap_or_default()
}

fn every_one_is_new(moto: u16, rotations: usize) {
    let values: BTreeSet<_> = (0..rotations)
        .map(|number| {
            let name = format!("/app/{number}");
            let (current, held) = if number % 2 == 0 {
                (secrets::current(moto, &name), secrets::labelled(moto, &name))
            } else {
                (parameters::current(moto, &name), parameters::labelled(moto, &name))
            };
            let current = current.unwrap_or_else(|| panic!("{name} is lost"));
            assert!(!current.starts_with(Scene::OLD), "{name} was not rotated");
            assert_eq!(held, BTreeSet::from([current.clone()]), "something is left of {name}");
            current
        })
        .collect();
    assert_eq!(values.len(), rotations, "each has a value of its own");
}
