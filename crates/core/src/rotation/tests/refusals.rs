//! What cannot follow is refused, and a refused record changes nothing.

use super::{
    specs::{With, file_only},
    story::{Story, cut, done, failed, parked, released, turn_back, vouched},
};
use crate::{
    error::{Effect, ErrorKind},
    id::{Fence, RotationId},
    notifier::Phase,
    rotation::{Action, Event, History, Next, Outcome, Started, StepFacts, StoreIndex, forward},
    rotator::Strategy,
};

/// What may follow, in words of its own, not in those of the code under test.
fn may_follow(history: &History, event: &Event, now: jiff::Timestamp) -> bool {
    if history.outcome.is_some() {
        return false;
    }
    match event {
        Event::Started(_) => false,
        Event::Begin { action } => history.action() == Some(*action) && history.parked.is_none(),
        Event::Done { action, .. } => {
            history.parked.is_none()
                && (history.in_flight == Some(*action) || history.next(now) == Next::Pass(*action))
        }
        Event::Failed { action, .. } => history.in_flight == Some(*action),
        Event::UndoBegan { .. } => history.way_back().is_ok(),
        Event::Released { .. } => history.parked.is_some() || history.failure.is_some(),
        Event::Finished { .. } => history.action().is_none() && history.parked.is_none(),
        Event::Parked { .. } => history.parked.is_none(),
        Event::AdoptionVouched { consumer, phase, .. } => {
            [Action::Notify(*consumer, *phase), Action::Adopt(*consumer, *phase)]
                .map(Some)
                .contains(&history.action())
        }
        Event::OverlapCut { .. } => true,
    }
}

/// Every event about every action of the rotation, and every event that is about none. The gate's own events have
/// cases of their own.
fn every_event(story: &Story) -> Vec<Event> {
    let spec = story.history.spec();
    let mut actions = forward(spec);
    actions.extend(crate::rotation::undo(spec, &actions));
    let mut events: Vec<Event> = actions
        .into_iter()
        .filter(|action| *action != Action::Overlap)
        .flat_map(|action| {
            [
                Event::Begin { action },
                done(action),
                failed(action, ErrorKind::Unavailable, Effect::NotApplied),
                failed(action, ErrorKind::TimedOut, Effect::MaybeApplied),
            ]
        })
        .collect();
    let outcome = match story.history.direction {
        crate::rotation::Direction::Forward => Outcome::Succeeded,
        crate::rotation::Direction::Undo => Outcome::RolledBack,
    };
    events.extend([
        Event::Started(Box::new(Started {
            spec: spec.clone(),
            reason: "again".to_owned(),
            initiator: "daemon".into(),
        })),
        turn_back(),
        parked(),
        released(),
        cut(),
        vouched(Phase::Promoted),
        Event::Finished { outcome, rotated_at: None, current: None },
    ]);
    events
}

fn check_every_event(story: &Story) {
    for event in every_event(story) {
        let mut after = story.history.clone();
        let record = story.record(event.clone());
        let answer = after.apply(&record);
        assert_eq!(
            answer.is_ok(),
            may_follow(&story.history, &event, story.now),
            "{} {:?} at {:?}: {answer:?}",
            event.name(),
            event.action(),
            story.history.action(),
        );
        if answer.is_err() {
            assert_eq!(after, story.history, "a refused record left something behind");
        }
    }
}

/// At one point of a rotation: idle, parked, in flight, parked in flight, failed.
fn check_around(story: &Story) {
    check_every_event(story);
    if story.history.parked.is_none() && story.history.outcome.is_none() {
        check_every_event(story.clone().write(parked()));
    }
    if story.history.action().is_some_and(|action| action != Action::Overlap) {
        let mut flying = story.clone();
        flying.begin();
        check_every_event(&flying);
        check_every_event(flying.clone().write(parked()));
        flying.fail(ErrorKind::Unavailable, Effect::MaybeApplied);
        check_every_event(&flying);
    }
}

#[test]
fn only_what_may_follow_is_taken_at_every_point_of_every_kind_of_rotation() {
    let specs = [
        file_only().in_stores(2).for_consumers(1).overlapping(),
        file_only().at_target(Strategy::InPlace),
        file_only().at_target(Strategy::Minted).for_consumers(1),
        file_only().for_consumers(1).overlapping().signing(),
    ];
    for spec in specs {
        for count in 0..=forward(&spec).len() {
            let mut story = Story::of(spec.clone());
            story.steps(count);
            check_around(&story);
            if story.history.way_back().is_ok() {
                story.turn_back();
                while story.history.action().is_some() {
                    check_around(&story);
                    story.step();
                }
                story.write(Event::Finished {
                    outcome: Outcome::RolledBack,
                    rotated_at: None,
                    current: None,
                });
                check_every_event(&story);
            }
        }
    }
}

#[test]
fn a_record_of_another_rotation_secret_or_earlier_lease_is_refused() {
    let mut story = Story::of(file_only());
    story.step();
    let good = story.record(Event::Begin { action: Action::Promote(StoreIndex::PRIMARY) });
    let mut elsewhere = good.clone();
    elsewhere.body.rotation = RotationId::from_random([8; 16]);
    let mut other = good.clone();
    other.body.secret = "api-key".into();
    let mut newer = good.clone();
    newer.body.fence = Fence(2);
    for record in [elsewhere, other] {
        let before = story.history.clone();
        story.history.apply(&record).unwrap_err();
        assert_eq!(story.history, before);
    }
    story.history.apply(&newer).unwrap();
    let mut late = story.record(done(Action::Promote(StoreIndex::PRIMARY)));
    late.seq = newer.seq + 1;
    let refusal = story.history.apply(&late).unwrap_err();
    assert!(refusal.to_string().contains("another holder had taken over"), "{refusal}");
}

#[test]
fn a_rotation_begins_with_its_start_and_with_a_store() {
    let story = Story::of(file_only());
    History::begin(&story.record(parked())).unwrap_err();
    let homeless = Event::Started(Box::new(Started {
        spec: file_only().in_stores(0),
        reason: "due".to_owned(),
        initiator: "daemon".into(),
    }));
    History::begin(&story.record(homeless)).unwrap_err();
}

#[test]
fn an_outcome_needs_its_intent() {
    let mut story = Story::of(file_only());
    let action = Action::Stage(StoreIndex::PRIMARY);
    story.offer(Event::Done { action, facts: StepFacts::default() }).unwrap_err();
    story.offer(failed(action, ErrorKind::Unavailable, Effect::NotApplied)).unwrap_err();
}
