//! One life: processes of one installation or several, until every rotation has ended, as service managers and operators
//! would bring it there.

mod told;
mod work;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use futures::future::{Either, select};
use keywheel_core::{
    Clock,
    rotation::{Event, History, Record, RetryPolicy},
};
use keywheel_testkit::memory::MemoryJournal;

pub use self::told::{End, Lived};
use self::work::Work;
use crate::{
    fault::Fault,
    invariant::Invariant,
    judge::unfinished,
    network::{Halt, ProcessId},
    scenario::Scenario,
    schedule::Schedule,
    world::{Workbench, World},
};

/// More processes than any life needs.
const MOST: usize = 200;

/// So many processes in a row that change nothing, and somebody else has a turn.
const TRIES: usize = 2;

/// After so many processes in a row that changed nothing, nobody will.
const STILL: usize = 30;

/// A person reads what happened, and types.
const TYPING: Duration = Duration::from_mins(1);

/// A bit more than the lifetime of a lease.
const SILENCE: Duration = Duration::from_secs(61);

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
                Some(Turn::Start(installation)) => {
                    self.start(installation).await;
                }
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
                process.journal.end();
                Ran::ToItsEnd
            }
            Err(Halt::Dead) => {
                // Its tasks go with it.
                process.journal.end();
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
                process.journal.look_expired();
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
        // So often in a row, and what passes counts as something that does not. What arrives late costs two attempts: its
        // own, and one that finds it in its way.
        let network = &self.world.network;
        let attempts = network.how_often(Fault::passes) + network.how_often(|fault| fault == Fault::Late);
        let often = attempts >= RetryPolicy::default().attempts as usize;
        if matches!(end, End::RolledBack(_)) && !judge.may_turn_back() && !lasting && !often {
            judge
                .object(Invariant::NoNeedlessUndo, format!("{end}, although nothing lasting was in the way"));
        }
    }
}
