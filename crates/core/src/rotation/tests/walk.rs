//! Random walks: whatever fails, and whenever the process dies, a rotation ends, and ends well.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::{
    specs::every_spec,
    story::{Story, done, failed, parked, released, turn_back},
    world::World,
};
use crate::{
    error::{Effect, ErrorKind},
    rotation::{Action, Direction, Event, History, Next, Outcome, Record, RotationSpec, WaitFor},
};

/// What befalls one attempt.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Works,
    /// Refused, and certainly not done.
    Refused(ErrorKind),
    /// No answer; done or not.
    Lost {
        kind: ErrorKind,
        applied: bool,
    },
    /// The process dies with the intent written; done or not.
    Dies {
        applied: bool,
    },
    /// The operator asks for the old value, where that is possible.
    OperatorTurnsBack,
    /// The operator stops the rotation.
    OperatorParks,
}

fn fate() -> impl Strategy<Value = Fate> {
    let kind = || {
        prop::sample::select(vec![
            ErrorKind::Unavailable,
            ErrorKind::TimedOut,
            ErrorKind::PermissionDenied,
            ErrorKind::Conflict,
            ErrorKind::Rejected,
        ])
    };
    prop_oneof![
        8 => Just(Fate::Works),
        3 => kind().prop_map(Fate::Refused),
        1 => Just(Fate::Refused(ErrorKind::DeadlinePassed)),
        3 => (kind(), any::<bool>()).prop_map(|(kind, applied)| Fate::Lost { kind, applied }),
        3 => any::<bool>().prop_map(|applied| Fate::Dies { applied }),
        1 => Just(Fate::OperatorTurnsBack),
        1 => Just(Fate::OperatorParks),
    ]
}

struct Walk {
    story: Story,
    world: World,
    /// When something was last done for certain: what an overlap is measured from.
    settled_at: jiff::Timestamp,
}

impl Walk {
    fn of(spec: &RotationSpec) -> Self {
        let story = Story::of(spec.clone());
        Self { world: World::before(spec), settled_at: story.now, story }
    }

    /// One turn of the engine under `fate`; `None` when the rotation has ended.
    fn turn(&mut self, fate: Fate) -> Option<Outcome> {
        self.story.pass_time(1);
        match fate {
            Fate::OperatorTurnsBack if self.story.history.way_back().is_ok() => {
                self.story.write(turn_back());
                return None;
            }
            Fate::OperatorParks
                if self.story.history.outcome.is_none() && self.story.history.parked.is_none() =>
            {
                self.story.write(parked());
                return None;
            }
            Fate::OperatorTurnsBack
            | Fate::OperatorParks
            | Fate::Works
            | Fate::Refused(_)
            | Fate::Lost { .. }
            | Fate::Dies { .. } => {}
        }
        match self.story.history.next(self.story.now) {
            Next::Act { action, probe_first } => self.attempt(action, probe_first, fate),
            Next::Pass(action) => {
                assert_eq!(action, Action::Overlap, "nobody vouched for anything in this walk");
                let overlap = SignedDuration::try_from(self.story.history.spec().overlap).unwrap();
                assert!(
                    self.story.now.duration_since(self.settled_at) >= overlap,
                    "the overlap was cut short"
                );
                self.finish(action);
            }
            Next::Wait { until, why } => {
                assert!(until > self.story.now, "a wait for the past");
                assert_eq!(why == WaitFor::Overlap, self.story.history.action() == Some(Action::Overlap));
                self.story.now = until;
            }
            Next::TurnBack { reason } => {
                assert!(self.story.history.way_back().is_ok());
                self.story.write(Event::UndoBegan { reason, initiator: "daemon".into() });
            }
            Next::Park { reason } => {
                self.story.write(Event::Parked { reason });
            }
            Next::Parked => {
                self.story.write(released());
            }
            Next::Finish(outcome) => {
                let rotated_at = self.story.history.facts.promoted_at;
                self.story.write(Event::Finished { outcome, rotated_at, current: None });
            }
            Next::Finished(outcome) => return Some(outcome),
        }
        None
    }

    fn attempt(&mut self, action: Action, probe_first: bool, fate: Fate) {
        let begun_before = self.story.history.in_flight == Some(action);
        assert!(probe_first || !begun_before, "an attempt that may have worked is repeated blindly");
        self.story.write(Event::Begin { action });
        match fate {
            Fate::Works | Fate::OperatorTurnsBack | Fate::OperatorParks => {
                self.world.suffer(action);
                self.finish(action);
            }
            Fate::Refused(kind) => {
                self.story.write(failed(action, kind, Effect::NotApplied));
            }
            Fate::Lost { kind, applied } => {
                self.suffer_if(applied, action);
                self.story.write(failed(action, kind, Effect::MaybeApplied));
            }
            Fate::Dies { applied } => self.suffer_if(applied, action),
        }
    }

    fn suffer_if(&mut self, applied: bool, action: Action) {
        if applied {
            self.world.suffer(action);
        }
    }

    fn finish(&mut self, action: Action) {
        self.world.learn(action);
        self.story.write(done(action));
        self.settled_at = self.story.now;
    }
}

fn reread(record: &Record) -> Record {
    serde_json::from_str(&serde_json::to_string(record).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn a_rotation_ends_and_ends_well(
        spec in prop::sample::select(every_spec()),
        fates in prop::collection::vec(fate(), 0..60),
    ) {
        let mut walk = Walk::of(&spec);
        for fate in fates {
            walk.turn(fate);
        }
        let mut outcome = None;
        for _ in 0..400 {
            outcome = walk.turn(Fate::Works);
            if outcome.is_some() {
                break;
            }
        }
        let outcome = outcome.expect("once nothing fails any more, a rotation ends");
        walk.world.ends_well(outcome);
        match walk.story.history.direction {
            Direction::Forward => prop_assert_eq!(outcome, Outcome::Succeeded),
            Direction::Undo => prop_assert_eq!(outcome, Outcome::RolledBack),
        }

        let reread: Vec<Record> = walk.story.records.iter().map(reread).collect();
        prop_assert_eq!(&reread, &walk.story.records);
        let replayed = History::replay(&reread).unwrap().unwrap();
        prop_assert_eq!(replayed, walk.story.history);
    }
}
