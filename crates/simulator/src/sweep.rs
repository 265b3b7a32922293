//! Many lives: every schedule of so many faults, and random ones.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::Xoshiro256PlusPlus};

use crate::{
    fault::{Choice, Fault, Kind, Server, possible},
    life::{Lived, live},
    models::StoreModel,
    network::Sent,
    report::{Failure, Totals},
    scenario::{Goal, Habit, Scenario, TargetModel},
    schedule::{Meeting, Schedule},
    world::Workbench,
};

/// When a sweep stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When it is through.
    Through,
    /// At the first life in which something did not hold.
    FirstFailure,
}

/// Lives one life on a runtime of its own: nothing else runs beside it.
fn lived(
    bench: &Workbench,
    runtime: &tokio::runtime::Runtime,
    scenario: &Arc<Scenario>,
    schedule: Schedule,
) -> Lived {
    runtime.block_on(live(bench, scenario, schedule))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts")
}

/// Lives one life.
///
/// # Errors
/// When there is no place for it.
pub fn one(scenario: &Scenario, schedule: Schedule) -> std::io::Result<Lived> {
    let bench = Workbench::new()?;
    Ok(lived(&bench, &runtime(), &Arc::new(scenario.clone()), schedule))
}

/// The schedules that begin with one fault.
struct Unit {
    scenario: Arc<Scenario>,
    first: Meeting,
    /// Whether a second fault follows, in every place.
    second: bool,
}

/// Every schedule with up to `faults` faults (two at most) in every one of `scenarios`.
///
/// With one fault it is each that can happen at each request. With two, each of the pairs of distinct ones
/// ([`possible`]), the second anywhere after the first.
///
/// # Errors
/// When there is no place for the lives.
pub fn exhaustive(scenarios: &[Scenario], faults: usize, until: Until) -> std::io::Result<Totals> {
    let bench = Workbench::new()?;
    let runtime = runtime();
    let mut totals = Totals::default();
    let mut units = Vec::new();
    for scenario in scenarios {
        let scenario = Arc::new(scenario.clone());
        let calm = lived(&bench, &runtime, &scenario, Schedule::Calm);
        totals.add(&scenario, &[], &calm);
        if faults == 0 {
            continue;
        }
        for (at, sent) in calm.sent.iter().enumerate() {
            let distinct: Vec<Fault> = distinct(&calm.sent, at).collect();
            for fault in possible(Choice::Full, sent.server, sent.kind, sent.request) {
                let second = faults > 1 && distinct.contains(fault);
                units.push(Unit { scenario: Arc::clone(&scenario), first: sent.meeting(*fault), second });
            }
        }
    }
    // The long ones of all scenarios side by side: whoever watches sees something of each.
    let next = AtomicUsize::new(0);
    let work =
        |bench: &Workbench, runtime: &tokio::runtime::Runtime, totals: &mut Totals, stop: &AtomicBool| {
            while let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed)) {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                through(bench, runtime, unit, totals, until);
                if until == Until::FirstFailure && !totals.failures.is_empty() {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        };
    totals.merge(on_every_core(&work)?);
    Ok(totals)
}

fn through(
    bench: &Workbench,
    runtime: &tokio::runtime::Runtime,
    unit: &Unit,
    totals: &mut Totals,
    until: Until,
) {
    let first = lived(bench, runtime, &unit.scenario, Schedule::Named(vec![unit.first.clone()]));
    totals.add(&unit.scenario, std::slice::from_ref(&unit.first), &first);
    if !unit.second || !first.violations.is_empty() {
        return;
    }
    // What comes after everything has ended and is clean is a life of its own, and was lived as one.
    let until_clean = &first.sent[..first.clean_after.unwrap_or(first.sent.len())];
    let met = until_clean.iter().position(|sent| sent.fault.is_some()).unwrap_or(until_clean.len());
    for (at, sent) in until_clean.iter().enumerate().skip(met + 1) {
        for fault in distinct(until_clean, at) {
            let meetings = vec![unit.first.clone(), sent.meeting(fault)];
            let both = lived(bench, runtime, &unit.scenario, Schedule::Named(meetings.clone()));
            totals.add(&unit.scenario, &meetings, &both);
            if until == Until::FirstFailure && !totals.failures.is_empty() {
                return;
            }
        }
    }
}

/// The distinct faults of the request at `at`. Of looks in a row each that fails ends the step in the same way: it is
/// enough that the first one does. Of one look that is repeated until something moves, the first two and the last stand
/// for all: nothing but time lies between them.
fn distinct(sent: &[Sent], at: usize) -> impl Iterator<Item = Fault> + use<> {
    let looks = |sent: &Sent| sent.server == Server::Remote && sent.kind == Kind::Look;
    let in_a_row = at.checked_sub(1).is_some_and(|before| {
        looks(&sent[before]) && looks(&sent[at]) && sent[before].process == sent[at].process
    });
    let same = |other: usize| {
        sent.get(other).is_some_and(|other| {
            looks(other) && (other.process, other.request) == (sent[at].process, sent[at].request)
        })
    };
    let one_of_many = at >= 2 && same(at - 2) && same(at - 1) && same(at + 1);
    let Sent { server, kind, request, .. } = sent[at];
    let faults = possible(Choice::Distinct, server, kind, request).iter().copied();
    faults
        .filter(move |fault| !(one_of_many || in_a_row && matches!(fault, Fault::LostReply | Fault::Refused)))
}

/// Random lives, from the seed `from` on: any scenario, one store or two, none to two consumers, up to three engines, a
/// fault at about every tenth to fiftieth request.
///
/// # Errors
/// When there is no place for the lives.
pub fn random(from: u64, count: u64, until: Until) -> std::io::Result<Totals> {
    let next = AtomicU64::new(0);
    let work =
        |bench: &Workbench, runtime: &tokio::runtime::Runtime, totals: &mut Totals, stop: &AtomicBool| loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count || stop.load(Ordering::Relaxed) {
                return;
            }
            let (scenario, schedule) = drawn(from + number);
            let scenario = Arc::new(scenario);
            let life = lived(bench, runtime, &scenario, schedule);
            let meetings = met(&life);
            totals.add(&scenario, &meetings, &life);
            if !life.violations.is_empty() && until == Until::FirstFailure {
                stop.store(true, Ordering::Relaxed);
            }
        };
    let mut totals = on_every_core(&work)?;
    let bench = Workbench::new()?;
    let runtime = runtime();
    for failure in totals.failures.iter_mut().take(SHRUNK) {
        shrink(&bench, &runtime, failure);
    }
    Ok(totals)
}

/// As many failures are made small: the first ones are what somebody looks at.
const SHRUNK: usize = 20;

/// What a seed stands for.
pub fn drawn(seed: u64) -> (Scenario, Schedule) {
    let mut source = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut below = |limit: u32| source.next_u32() % limit;
    let mut pick =
        |limit: usize| usize::try_from(below(u32::try_from(limit).unwrap_or(u32::MAX))).unwrap_or(0);
    let store = StoreModel::ALL[pick(StoreModel::ALL.len())];
    let goal = Goal::ALL[[0, 0, 0, 1, 1, 2, 3][pick(7)]];
    let target = TargetModel::ALL[pick(TargetModel::ALL.len())];
    let target = if goal.is_signing() { TargetModel::Unchecked } else { target };
    let mut scenario = Scenario::new(store, target, goal);
    scenario.stores = 1 + pick(2);
    scenario.consumers = (0..pick(3)).map(|_| Habit::ALL[[0, 1, 1, 1, 2, 3][pick(6)]]).collect();
    scenario.overlap = Duration::from_hours([0, 1, 1][pick(3)]);
    let per_thousand = [20, 40, 70, 100][pick(4)];
    let first = [60, 120, 240][pick(3)];
    (scenario, Schedule::Random { seed, per_thousand, first })
}

/// The faults that a life met, as a schedule names them.
pub fn met(life: &Lived) -> Vec<Meeting> {
    life.sent.iter().filter_map(|sent| Some(sent.meeting(sent.fault?))).collect()
}

/// Leaves out every fault without which the same invariant still does not hold.
fn shrink(bench: &Workbench, runtime: &tokio::runtime::Runtime, failure: &mut Failure) {
    let scenario = Arc::new(failure.scenario.clone());
    let broken = failure.violations.first().map(|violation| violation.invariant);
    let fails = |meetings: &[Meeting]| {
        let life = lived(bench, runtime, &scenario, Schedule::Named(meetings.to_vec()));
        let same = life.violations.first().map(|violation| violation.invariant) == broken;
        same.then_some(life)
    };
    let mut index = 0;
    while index < failure.meetings.len() {
        let mut fewer = failure.meetings.clone();
        fewer.remove(index);
        match fails(&fewer) {
            Some(life) => {
                (failure.meetings, failure.violations) = (fewer, life.violations);
                // What was needed before need not be any more.
                index = 0;
            }
            None => index += 1,
        }
    }
}

type Work<'w> = dyn Fn(&Workbench, &tokio::runtime::Runtime, &mut Totals, &AtomicBool) + Sync + 'w;

fn on_every_core(work: &Work<'_>) -> std::io::Result<Totals> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let stop = AtomicBool::new(false);
    let all = Mutex::new(Totals::default());
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores)
            .map(|_| {
                scope.spawn(|| -> std::io::Result<()> {
                    let bench = Workbench::new()?;
                    let mut totals = Totals::default();
                    work(&bench, &runtime(), &mut totals, &stop);
                    all.lock().unwrap_or_else(PoisonError::into_inner).merge(totals);
                    Ok(())
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    Ok(all.into_inner().unwrap_or_else(PoisonError::into_inner))
}
