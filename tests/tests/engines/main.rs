//! The real binary over what a server makes itself: passwords of database users, its own password at a database, versions of
//! keys; over a real `OpenBao` and a real `PostgreSQL`. Killed at every boundary of every flow, then `keywheel resume`, and a
//! look from outside: what the server hands out, and what the database lets in.

mod form;
mod stage;

use std::panic::{AssertUnwindSafe, catch_unwind};

use keywheel_tests::{
    Stopwatch, at_once,
    crash::{self, Spot, Story, Table},
};

use crate::{
    form::Form,
    stage::{Ground, Stage},
};

/// Points at once: most of the time they wait for processes.
const AT_ONCE: usize = 8;

#[test]
fn killed_anywhere_what_was_made_is_found_and_resume_ends_it() {
    let watch = Stopwatch::start();
    let ground = Ground::start();
    let flows: Vec<_> = Form::ALL
        .into_iter()
        .flat_map(|form| form.stories().iter().map(move |story| (form, *story)))
        .collect();
    let points: Vec<(Form, Story, Spot)> = at_once(AT_ONCE, &flows, |(form, story)| {
        let spots = crash::boundaries(&mut Stage::set(&ground, *form, *story));
        spots.into_iter().map(|spot| (*form, *story, spot)).collect::<Vec<_>>()
    })
    .into_iter()
    .flatten()
    .collect();
    let results = at_once(AT_ONCE, &points, |(form, story, spot)| {
        catch_unwind(AssertUnwindSafe(|| crash::kill(&mut Stage::set(&ground, *form, *story), spot)))
            .unwrap_or_else(|_| Err("the harness itself failed, as told above".to_owned()))
    });
    let mut table = Table::new(format!("{:<16} {:<26}", "made by Vault", "flow"));
    for ((form, story, spot), result) in points.iter().zip(&results) {
        table.add(format!("{form:<16} {story:<26}"), spot, result);
    }
    println!("{table}\nin {:.0?}", watch.elapsed());
    assert!(points.len() > 150, "only {} points were found", points.len());
    assert_eq!(table.broken(), 0, "an invariant was broken");
}

#[test]
fn what_was_made_cannot_be_taken_back_and_the_command_says_so() {
    let ground = Ground::start();
    let stage = Stage::set(&ground, Form::StaticRole, Story::ForwardsWithOverlap);
    let scene = crash::Stage::scene(&stage);
    let plan = scene.keywheel(&["plan", "db"]).exits(0);
    for words in
        ["makes the new value itself", "there is no way back", "look at made → mint at made → verify at made"]
    {
        assert!(plan.stdout.contains(words), "{words}: {}", plan.stdout);
    }
    scene.keywheel(&["rotate", "db", "--yes"]).exits(0);
    let said = scene.keywheel(&["rollback", "db", "--yes", "--reason", "second thoughts"]).exits(1);
    assert!(said.words().contains("cannot be told again"), "{}", said.words());
    scene.keywheel(&["retire", "db", "--yes"]).exits(0);
}
