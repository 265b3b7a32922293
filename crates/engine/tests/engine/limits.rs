//! Limits: so many calls at once and no more, and a target that hangs holds up nobody else.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::future::pending;
use keywheel_core::{
    CallContext, Clock, Effect, ErrorKind, Identity, Result,
    plan::Selection,
    provider::Finding,
    rotation::{Action, Event, Outcome},
    rotator::{Credential, Probe, Rotator, Strategy},
    secret::Secret,
};
use keywheel_engine::Ended;
use keywheel_testkit::ManualClock;
use rstest::rstest;

use crate::{
    parts::{Hook, Hooked},
    scene::Scene,
    world::{Settings, World, run, start},
};

const NAMES: [&str; 6] = ["one", "two", "three", "four", "five", "six"];

/// A call that is still running.
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[rstest]
#[tokio::test]
async fn no_more_calls_run_at_once_than_a_store_allows(#[values(1, 2, 3)] limit: usize) {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let hook: Hook = Arc::new(move |_call| {
        let (running, seen) = (Arc::clone(&running), Arc::clone(&seen));
        Box::pin(async move {
            let now = running.fetch_add(1, Ordering::Relaxed) + 1;
            seen.fetch_max(now, Ordering::Relaxed);
            let guard = Running(running);
            // Whoever else may call does so while this call takes its time.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            Ok(Box::new(guard) as Box<_>)
        })
    });
    let wrap = Arc::new(move |inner| Arc::new(Hooked { inner, hook: Arc::clone(&hook) }) as Arc<dyn Secret>);
    let settings = Settings {
        clock: ManualClock::at(start()),
        calls_at_once: limit,
        wrap_store: (0, wrap),
        ..Settings::default()
    };
    let world = World::with(NAMES.map(|name| Scene::unchecked().named(name)), settings);
    let report = run(&world.engine(), &Selection::All, world.now()).await.unwrap();
    assert_eq!(report.items.len(), NAMES.len());
    assert_eq!(most.load(Ordering::Relaxed), limit);
    world.assert_right_at_the_end().await;
}

/// Which call never returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hangs {
    Probe,
    Apply,
}

/// A rotator of which one call never returns, until somebody mends it.
struct Hanging {
    inner: Arc<dyn Rotator>,
    hangs: Arc<Mutex<Option<Hangs>>>,
}

impl Hanging {
    async fn hang(&self, call: Hangs) {
        let hangs = *self.hangs.lock().unwrap() == Some(call);
        if hangs {
            pending::<()>().await;
        }
    }
}

#[async_trait]
impl Rotator for Hanging {
    fn strategy(&self) -> Strategy {
        self.inner.strategy()
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        self.inner.next_identity(current)
    }

    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        self.hang(Hangs::Probe).await;
        self.inner.probe(credential).await
    }

    async fn apply(
        &self,
        context: &CallContext,
        new: Credential<'_>,
        current: Option<Credential<'_>>,
    ) -> Result<()> {
        self.hang(Hangs::Apply).await;
        self.inner.apply(context, new, current).await
    }

    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        self.inner.revoke(context, old, remaining).await
    }

    async fn examine(&self) -> Vec<Finding> {
        Vec::new()
    }
}

#[rstest]
#[case::a_login(Hangs::Probe, Effect::NotApplied)]
#[case::a_change(Hangs::Apply, Effect::MaybeApplied)]
#[tokio::test]
async fn a_target_that_hangs_delays_nobody_else(#[case] call: Hangs, #[case] effect: Effect) {
    let hangs = Arc::new(Mutex::new(Some(call)));
    let mended = Arc::clone(&hangs);
    let wrap =
        Arc::new(move |inner| Arc::new(Hanging { inner, hangs: Arc::clone(&hangs) }) as Arc<dyn Rotator>);
    let clock = ManualClock::at(start());
    let settings = Settings {
        clock: clock.clone(),
        calls_at_once: 1,
        patience: Duration::ZERO,
        wrap_target: ("one", wrap),
        ..Settings::default()
    };
    let world = World::with(NAMES.map(|name| Scene::credential(Strategy::Overlap).named(name)), settings);
    let engine = world.engine();
    let running = tokio::spawn(async move { run(&engine, &Selection::All, start()).await });
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    assert!(!running.is_finished(), "the target still hangs");
    for name in &NAMES[1..] {
        let outcome = world.history_of(name).and_then(|history| history.outcome);
        assert_eq!(outcome, Some(Outcome::Succeeded), "{name}, with no time passed");
    }
    assert!(clock.advance_to_next_sleeper());
    let report = running.await.unwrap().unwrap();
    assert_eq!(clock.running(), Duration::from_secs(30));
    let one = &report.items.iter().find(|item| item.secret.as_str() == "one").unwrap().ended;
    assert!(matches!(one, Ended::Waiting { .. }), "{one:?}");
    let failed = world.records().into_iter().find_map(|record| match record.body.event {
        Event::Failed { action, kind, effect, .. } => Some((action, kind, effect)),
        Event::Started(_)
        | Event::Begin { .. }
        | Event::Done { .. }
        | Event::UndoBegan { .. }
        | Event::Parked { .. }
        | Event::Released { .. }
        | Event::OverlapCut { .. }
        | Event::AdoptionVouched { .. }
        | Event::Finished { .. } => None,
    });
    let action = if call == Hangs::Probe { Action::Verify } else { Action::Apply };
    assert_eq!(failed, Some((action, ErrorKind::TimedOut, effect)));
    *mended.lock().unwrap() = None;
    clock.advance(Duration::from_mins(1));
    world.run_due().await;
    world.assert_right_at_the_end().await;
}
