//! One life: processes of one installation or several, until every rotation has ended, as service managers and operators
//! would bring it there.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use futures::future::{Either, select};
use keywheel_core::{
    Clock, ErrorKind, RotationId,
    plan::Selection,
    rotation::{Direction, Event, History, Next, Outcome, Record, RetryPolicy, WaitFor},
};
use keywheel_engine::Engine;
use keywheel_testkit::memory::MemoryJournal;

use crate::{
    fault::Fault,
    invariant::{Invariant, Violation},
    judge::unfinished,
    network::{Halt, ProcessId, Sent},
    scenario::Scenario,
    schedule::Schedule,
    world::{Workbench, World, run},
};

/// More processes than any life needs.
const MOST: usize = 120;

/// So many processes in a row that change nothing, and somebody else has a turn.
const TRIES: usize = 2;

/// After so many processes in a row that changed nothing, nobody will.
const STILL: usize = 8;

/// A person who was asked so often about one rotation has no way on.
const PARKS: usize = 8;

/// A person reads what happened, and types.
const TYPING: std::time::Duration = std::time::Duration::from_secs(60);

/// A bit more than the lifetime of a lease.
const SILENCE: std::time::Duration = std::time::Duration::from_secs(61);

/// How the first rotation of a life ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It never began.
    NotBegun,
    /// With the new value.
    Succeeded,
    /// With the old one, and why.
    RolledBack(String),
    /// It has not ended.
    Open,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBegun => f.write_str("not begun"),
            Self::Succeeded => f.write_str("succeeded"),
            Self::RolledBack(why) => write!(f, "rolled back: {why}"),
            Self::Open => f.write_str("open"),
        }
    }
}

/// What was seen of a life.
#[derive(Clone, Debug)]
pub struct Lived {
    /// How its first rotation ended.
    pub end: End,
    /// Why a person was asked on the way, each time.
    pub parked: Vec<String>,
    /// Every request.
    pub sent: Vec<Sent>,
    /// After how many of them everything had ended, and only the next night's rotation came.
    pub clean_after: Option<usize>,
    /// Every record, in words, of every installation.
    pub records: Vec<String>,
    /// What did not hold, the first thing first.
    pub violations: Vec<Violation>,
}

/// Lives one life.
pub async fn live(bench: &Workbench, scenario: &Arc<Scenario>, schedule: Schedule) -> Lived {
    let mut life = Life {
        world: World::new(bench, scenario, schedule),
        halted: Vec::new(),
        wanted: 1,
        still: 0,
        next_night: None,
    };
    life.until_the_end().await;
    life.told()
}

/// Who does something next.
#[derive(Clone, Copy)]
enum Turn {
    /// A new process of an installation.
    Start(usize),
    /// The process that was halted first.
    Wake,
}

/// A process that is not running now.
struct Halted<'b> {
    installation: usize,
    id: ProcessId,
    journal: MemoryJournal,
    future: Pin<Box<dyn Future<Output = String> + 'b>>,
}

/// How far a process got.
#[derive(Clone, Copy, PartialEq)]
enum Ran {
    ToItsEnd,
    UntilHalted,
}

struct Life<'b> {
    world: World<'b>,
    halted: Vec<Halted<'b>>,
    /// How many rotations our installation is to make.
    wanted: usize,
    /// Processes in a row that changed nothing.
    still: usize,
    /// After how many requests the next night came.
    next_night: Option<usize>,
}

impl<'b> Life<'b> {
    async fn until_the_end(&mut self) {
        for _ in 0..MOST {
            if !self.world.judge.is_content() {
                return;
            }
            let before = self.progress();
            match self.who_is_next() {
                Some(Turn::Start(installation)) => drop(self.start(installation).await),
                Some(Turn::Wake) => {
                    let woken = self.halted.remove(0);
                    woken.journal.come_back();
                    self.run(woken).await;
                }
                None if self.late_ones_have_landed() => return self.at_the_end().await,
                None => {}
            }
            self.still = if self.progress() == before { self.still + 1 } else { 0 };
            if self.still > STILL {
                let stand = self.stand(0);
                return self.world.judge.object(Invariant::Converges, format!("nobody gets on: {stand}"));
            }
        }
        let stand = self.stand(0);
        self.world.judge.object(Invariant::Converges, format!("it does not end: {stand}"));
    }

    /// Our installation works until its rotation has ended, then the other one, then whoever was stopped wakes up: unless
    /// somebody gets nowhere, for as long as another one stands in the way.
    fn who_is_next(&self) -> Option<Turn> {
        let ours = self.has_work(0).then_some(Turn::Start(0));
        let theirs = self.has_work(1).then_some(Turn::Start(1));
        let halted = (!self.halted.is_empty()).then_some(Turn::Wake);
        let turns: Vec<Turn> = [ours, theirs, halted].into_iter().flatten().collect();
        let turn = (self.still / TRIES) % turns.len().max(1);
        turns.into_iter().nth(turn)
    }

    /// What was sent long ago arrives. The next night's rotation finds whatever it, or a process that others had taken for
    /// gone, left behind.
    fn late_ones_have_landed(&mut self) -> bool {
        let behind = |fault| matches!(fault, Fault::Late | Fault::Paused | Fault::StaleLease);
        if self.next_night.is_some() || !self.world.network.met(behind) {
            return true;
        }
        self.next_night = Some(self.world.network.count());
        self.world.network.land_everything();
        self.wanted += 1;
        false
    }

    fn progress(&self) -> (usize, usize) {
        let records = self.world.journals.iter().map(|journal| journal.inspect(<[Record]>::len)).sum();
        (records, self.halted.len())
    }

    fn has_work(&self, installation: usize) -> bool {
        let Some(journal) = self.world.journals.get(installation) else { return false };
        let (open, ended) = journal.inspect(|records| {
            let ended = records.iter().filter(|record| matches!(record.body.event, Event::Finished { .. }));
            (!unfinished(records).is_empty(), ended.count())
        });
        open || (installation == 0 && ended < self.wanted)
    }

    /// A process of `installation`, with whatever brings it on.
    async fn start(&mut self, installation: usize) -> Ran {
        let history = self.history(installation);
        let work = self.decide(installation, history.as_ref());
        if work.is_typed() {
            self.world.network.clock().advance(TYPING);
        }
        let (id, journal, engine) = self.world.process(installation);
        let now = self.world.network.clock().now();
        let secret = self.world.secret.clone();
        let future = Box::pin(async move { work.carry_out(&engine, &secret, now).await });
        if work == Work::Vouch {
            // Whoever vouches for a consumer has seen to it.
            self.world.restart_consumers();
        }
        self.run(Halted { installation, id, journal, future }).await
    }

    async fn run(&mut self, mut process: Halted<'b>) -> Ran {
        let network = self.world.network.clone();
        network.let_run(process.id);
        let ended = match select(&mut process.future, Box::pin(network.halted(process.id))).await {
            Either::Left((said, _)) => Ok(said),
            Either::Right((halt, _)) => Err(halt),
        };
        match ended {
            Ok(said) => {
                self.world.judge.search("a report", &said);
                // The kernel frees what a process held, when it dies as when it ends.
                process.journal.lose_leases();
                Ran::ToItsEnd
            }
            Err(Halt::Dead) => {
                // Its tasks go with it.
                process.journal.lose_leases();
                drop(process);
                tokio::task::yield_now().await;
                Ran::UntilHalted
            }
            Err(Halt::Paused) => {
                process.journal.fall_silent();
                network.clock().advance(SILENCE);
                self.wanted += usize::from(process.installation == 0);
                self.halted.push(process);
                Ran::UntilHalted
            }
            Err(Halt::Stale) => {
                self.world.judge.lost_lease(process.id);
                process.journal.lose_leases();
                match Box::pin(self.start(process.installation)).await {
                    // Whoever took over got only so far: both are at it in the same instant.
                    Ran::UntilHalted => Box::pin(self.run(process)).await,
                    // To restart things and to look at them takes its time.
                    Ran::ToItsEnd => {
                        network.clock().advance(TYPING);
                        self.halted.push(process);
                        Ran::UntilHalted
                    }
                }
            }
            Err(Halt::Rival) => {
                let rival = self.world.rival();
                Box::pin(self.start(rival)).await;
                Box::pin(self.run(process)).await
            }
        }
    }

    /// The newest rotation of an installation, if it has not ended.
    fn history(&self, installation: usize) -> Option<History> {
        let journal = &self.world.journals[installation];
        let replayed = journal.inspect(|records| {
            let newest = unfinished(records).into_iter().next()?;
            Some(History::replay(records.iter().filter(|record| record.body.rotation == newest)))
        })?;
        match replayed {
            Ok(history) => history,
            Err(illegal) => {
                let words = format!("two wrote one rotation's story: {illegal}");
                self.world.judge.object(Invariant::OneRotation, words);
                None
            }
        }
    }

    /// What brings a rotation on: what a service manager would start, or an operator would type.
    fn decide(&mut self, installation: usize, history: Option<&History>) -> Work {
        let Some(history) = history else { return Work::Begin };
        let clock = self.world.network.clock();
        let next = history.next(clock.now());
        if next == Next::Parked {
            return self.answer(installation, history);
        }
        let wants_back = installation == 0
            && self.world.scenario.goal.is_undo()
            && history.direction == Direction::Forward
            && self.finished(installation) == 0;
        let Next::Wait { until, why } = next else {
            // Too late, as the operator does not know yet.
            let ending = history.may_exist().iter().any(|action| action.ends_the_old_value());
            return if wants_back && ending { Work::RollBackIfItCan } else { Work::Due };
        };
        if wants_back && (why == WaitFor::Overlap || history.promotion_began()) && history.way_back().is_ok() {
            return Work::RollBack;
        }
        clock.advance(until.duration_since(clock.now()).unsigned_abs());
        if wants_back { Work::RollBackIfItCan } else { Work::Due }
    }

    /// The person who is asked tries again, then goes back, then takes a consumer's move on trust.
    fn answer(&self, installation: usize, history: &History) -> Work {
        let parks = self.world.journals[installation].inspect(|records| {
            let parked = records
                .iter()
                .filter(|record| record.body.rotation == history.id)
                .filter(|record| matches!(record.body.event, Event::Parked { .. }));
            parked.count()
        });
        let lasting = self.world.network.met(Fault::is_lasting)
            || self.world.scenario.consumers.iter().any(|habit| !habit.moves());
        if !lasting {
            let reason = history.parked.as_ref().map_or("", |parked| parked.reason.as_str());
            self.world.judge.object(Invariant::Converges, format!("a person is needed: {reason}"));
        }
        if parks > PARKS {
            let reason = history.parked.as_ref().map_or("", |parked| parked.reason.as_str());
            self.world.judge.object(Invariant::Converges, format!("a person has no way on: {reason}"));
        }
        let ways = history.ways_on();
        if parks <= 1 {
            Work::GoOn
        } else if ways.roll_back {
            Work::RollBack
        } else if ways.vouch {
            Work::Vouch
        } else {
            Work::GoOn
        }
    }

    fn finished(&self, installation: usize) -> usize {
        self.world.journals[installation].inspect(|records| {
            records.iter().filter(|record| matches!(record.body.event, Event::Finished { .. })).count()
        })
    }

    fn stand(&self, installation: usize) -> String {
        match self.history(installation) {
            Some(history) => format!("{:?}", history.next(self.world.network.clock().now())),
            None => "nothing is begun".to_owned(),
        }
    }

    async fn at_the_end(&mut self) {
        let judge = &self.world.judge;
        judge.look_at_the_end();
        for installation in 0..self.world.journals.len() {
            let auditor = self.world.auditor(installation);
            let journal = &self.world.journals[installation];
            if let Err(error) = auditor.audit().catch_up(journal).await {
                judge.object(Invariant::AuditWhole, error.to_string());
            }
            match auditor.audit().verify(journal).await {
                // Where nothing was ever rotated there is no audit.
                Ok(verdict) if verdict.is_intact() && (verdict.head_checked || verdict.lines == 0) => {}
                Ok(verdict) => judge.object(Invariant::AuditWhole, format!("{verdict:?}")),
                Err(error) => judge.object(Invariant::AuditWhole, error.to_string()),
            }
            judge.search("the audit", &self.world.audit_text(installation));
            judge.search("the journal", &journal.lines().join("\n"));
        }
        let end = self.end();
        let lasting = self.world.network.met(Fault::is_lasting);
        // So often in a row, and what passes counts as something that does not.
        let often = self.world.network.how_often(Fault::passes) >= RetryPolicy::default().attempts as usize;
        if matches!(end, End::RolledBack(_)) && !judge.may_turn_back() && !lasting && !often {
            judge.object(Invariant::NoNeedlessUndo, format!("{end}, although nothing lasting was in the way"));
        }
    }

    fn end(&self) -> End {
        self.world.journals[0].inspect(|records| {
            let Some(first) = records.first().map(|record| record.body.rotation) else { return End::NotBegun };
            let of_first = |record: &&Record| record.body.rotation == first;
            let outcome = records.iter().filter(of_first).find_map(|record| match &record.body.event {
                Event::Finished { outcome, .. } => Some(*outcome),
                Event::Started(_)
                | Event::Begin { .. }
                | Event::Done { .. }
                | Event::Failed { .. }
                | Event::UndoBegan { .. }
                | Event::Parked { .. }
                | Event::Released { .. }
                | Event::OverlapCut { .. }
                | Event::AdoptionVouched { .. } => None,
            });
            match outcome {
                None => End::Open,
                Some(Outcome::Succeeded | Outcome::Unchanged) => End::Succeeded,
                Some(Outcome::RolledBack) => End::RolledBack(why_back(records, first)),
            }
        })
    }

    fn told(self) -> Lived {
        let parked = self.world.journals.iter().flat_map(|journal| journal.inspect(why_parked)).collect();
        let mut records = Vec::new();
        for journal in &self.world.journals {
            records.extend(journal.inspect(|records| records.iter().map(in_words).collect::<Vec<_>>()));
        }
        Lived {
            end: self.end(),
            parked,
            sent: self.world.network.sent(),
            clean_after: self.next_night,
            records,
            violations: self.world.judge.violations(),
        }
    }
}

/// What one process does.
#[derive(Clone, Copy, PartialEq)]
enum Work {
    Begin,
    Due,
    GoOn,
    RollBack,
    /// Asks for it where it must be refused, too.
    RollBackIfItCan,
    Vouch,
}

impl Work {
    /// Whether it takes a person.
    fn is_typed(&self) -> bool {
        match self {
            Self::Begin | Self::Due => false,
            Self::GoOn | Self::RollBack | Self::RollBackIfItCan | Self::Vouch => true,
        }
    }

    /// What it says in the end: to nobody, the next process looks for itself.
    async fn carry_out(
        self,
        engine: &Arc<Engine>,
        secret: &keywheel_core::SecretName,
        now: jiff::Timestamp,
    ) -> String {
        let due = |selection| async move { format!("{:?}", run(engine, &selection, now).await) };
        match self {
            Self::Begin => due(Selection::Names(vec![secret.clone()])).await,
            Self::Due => due(Selection::Due).await,
            Self::GoOn => format!("{:?}", engine.go_on(secret).await),
            Self::RollBack => format!("{:?}", engine.roll_back(secret, "the old value is wanted").await),
            Self::RollBackIfItCan => match engine.roll_back(secret, "the old value is wanted").await {
                Ok(report) => format!("{report:?}"),
                Err(_) => due(Selection::Due).await,
            },
            Self::Vouch => format!("{:?}", engine.vouch(secret, "somebody looked").await),
        }
    }
}

/// The failure that turned a rotation back, or whose wish it was.
fn why_back(records: &[Record], rotation: RotationId) -> String {
    let mut failure = None;
    for record in records.iter().filter(|record| record.body.rotation == rotation) {
        match &record.body.event {
            Event::Failed { action, kind, .. } => failure = Some((action.step(), *kind)),
            Event::UndoBegan { initiator, .. } if initiator.as_str() != "keywheel" => {
                return "the operator wanted it".to_owned();
            }
            Event::UndoBegan { .. } => break,
            Event::Started(_)
            | Event::Begin { .. }
            | Event::Done { .. }
            | Event::Parked { .. }
            | Event::Released { .. }
            | Event::OverlapCut { .. }
            | Event::AdoptionVouched { .. }
            | Event::Finished { .. } => {}
        }
    }
    failure.map_or_else(|| "nobody knows why".to_owned(), |(step, kind)| failed(step, kind))
}

/// The failures that a person was asked about.
fn why_parked(records: &[Record]) -> Vec<String> {
    let mut failure = None;
    let mut parked = Vec::new();
    for record in records {
        match &record.body.event {
            Event::Failed { action, kind, .. } => failure = Some((action.step(), *kind)),
            Event::Parked { .. } => {
                parked.push(failure.map_or_else(String::new, |(step, kind)| failed(step, kind)));
            }
            Event::Started(_)
            | Event::Begin { .. }
            | Event::Done { .. }
            | Event::UndoBegan { .. }
            | Event::Released { .. }
            | Event::OverlapCut { .. }
            | Event::AdoptionVouched { .. }
            | Event::Finished { .. } => {}
        }
    }
    parked
}

fn failed(step: &str, kind: ErrorKind) -> String {
    format!("{step}: {kind}")
}

fn in_words(record: &Record) -> String {
    let body = &record.body;
    let rotation = body.rotation.to_string();
    format!("{:>3}  {}  fence {}  {:?}", record.seq, &rotation[..8], body.fence.0, body.event)
}
