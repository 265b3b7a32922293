//! Every fault at every call of every kind of rotation.

use std::collections::BTreeMap;

use keywheel_core::{rotation::Outcome, rotator::Strategy};
use keywheel_testkit::{
    faults::{Fault, FaultPlan},
    memory::Behaviour,
};
use rstest::rstest;

use crate::{
    process::{Lived, Wish, live},
    scene::{HOUR, Scene},
    world::{Settings, World},
};

fn world(scene: &Scene, faults: impl IntoIterator<Item = (u64, Fault)>) -> World {
    World::with([scene.clone()], Settings { faults: FaultPlan::at(faults), ..Settings::default() })
}

/// How many calls a life without faults takes.
async fn calls(scene: &Scene, wish: Wish) -> u64 {
    let mut world = world(scene, []);
    live(&mut world, wish).await.expect("nothing fails");
    world.faults.calls().len() as u64
}

/// What came of a sweep, and whatever went wrong in it.
#[derive(Default)]
struct Totals {
    runs: usize,
    crashes: usize,
    parked: usize,
    outcomes: BTreeMap<String, usize>,
    wrongs: Vec<String>,
}

impl Totals {
    async fn run(&mut self, scene: &Scene, wish: Wish, faults: &[(u64, Fault)]) {
        self.run_with(scene, wish, FaultPlan::at(faults.iter().copied())).await;
    }

    async fn run_with(&mut self, scene: &Scene, wish: Wish, faults: FaultPlan) {
        let mut world = World::with([scene.clone()], Settings { faults, ..Settings::default() });
        self.runs += 1;
        match live(&mut world, wish).await {
            Ok(Lived { outcome, crashes, parked }) => {
                self.crashes += crashes;
                self.parked += usize::from(parked > 0);
                *self.outcomes.entry(outcome.to_string()).or_default() += 1;
                let hit = world.faults.injected();
                let lasting =
                    |(_, fault): &(u64, Fault)| matches!(fault, Fault::Refusal(kind) if !kind.is_transient());
                if wish == Wish::Forward && outcome != Outcome::Succeeded && !hit.iter().any(lasting) {
                    self.wrongs.push(format!("{hit:?}: {outcome}, although nothing lasting was in the way"));
                }
            }
            Err(wrongs) => {
                let calls = world.faults.calls();
                let hit: Vec<_> =
                    calls.iter().filter(|call| call.fault.is_some()).map(ToString::to_string).collect();
                self.wrongs.push(format!("{hit:?}: {wrongs:#?}"));
            }
        }
    }

    fn judge(&self, what: &str) {
        let Self { runs, crashes, parked, outcomes, wrongs } = self;
        println!("{what}: {runs} runs, {crashes} crashes, {parked} parked on the way, {outcomes:?}");
        let shown = wrongs.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
        assert!(wrongs.is_empty(), "{} of {runs} runs went wrong; some of them:\n{shown}", wrongs.len());
    }
}

fn credential(strategy: Strategy) -> Scene {
    Scene::credential(strategy).used_by(Behaviour::AfterLooks(1)).overlapping(HOUR)
}

#[rstest]
#[case::unchecked(Scene::unchecked().used_by(Behaviour::Immediately).overlapping(HOUR))]
#[case::in_place(credential(Strategy::InPlace))]
#[case::overlap(credential(Strategy::Overlap))]
#[case::alternating(credential(Strategy::Alternating))]
#[case::minted(credential(Strategy::Minted))]
#[case::two_stores(credential(Strategy::Overlap).in_stores(2))]
#[case::two_stores_minted(credential(Strategy::Minted).in_stores(2))]
#[case::two_stores_in_place(credential(Strategy::InPlace).in_stores(2))]
#[case::a_bare_second_store(credential(Strategy::Overlap).in_stores(2).bare_from(1))]
#[case::no_place_for_previous(credential(Strategy::Overlap).without_previous())]
#[case::signing_key(Scene::signing_key())]
#[case::signing_key_in_two_stores(Scene::signing_key().in_stores(2))]
#[tokio::test]
async fn one_fault_anywhere(#[case] scene: Scene, #[values(Wish::Forward, Wish::Back)] wish: Wish) {
    let mut totals = Totals::default();
    for number in 0..calls(&scene, wish).await {
        for fault in Fault::EACH {
            totals.run(&scene, wish, &[(number, fault)]).await;
        }
    }
    totals.judge(&format!("{wish:?} {:?} in {} stores", scene.strategy, scene.stores));
}

/// How many calls after the first fault the second one comes at the latest: as many as a new process needs to come back
/// to where the first one died, and the action with its outcome.
const REACH: u64 = 24;

/// A second fault while the first one is being mended. One fault alone cannot tell "may have happened" from "did not".
#[rstest]
#[case::in_place(Scene::credential(Strategy::InPlace), Wish::Forward)]
#[case::overlap_and_back(Scene::credential(Strategy::Overlap).overlapping(HOUR), Wish::Back)]
#[tokio::test]
async fn a_second_fault_while_the_first_is_mended(#[case] scene: Scene, #[case] wish: Wish) {
    let faults = [Fault::CrashAfter, Fault::LostReply];
    let mut totals = Totals::default();
    let mut calm = world(&scene, []);
    live(&mut calm, wish).await.expect("nothing fails");
    let changes = ["append", "stage", "promote", "retire", "apply", "revoke"];
    for first in calm.faults.calls().iter().filter(|call| changes.contains(&call.operation)) {
        for one in faults {
            for second in first.number + 1..=first.number + REACH {
                for other in faults {
                    totals.run(&scene, wish, &[(first.number, one), (second, other)]).await;
                }
            }
        }
    }
    totals.judge(&format!("pairs {wish:?} {:?}", scene.strategy));
}

/// Faults wherever a seed puts them, many in one life.
#[rstest]
#[case(credential(Strategy::Minted).in_stores(2))]
#[case(credential(Strategy::Alternating).in_stores(2))]
#[case(Scene::signing_key().in_stores(2))]
#[tokio::test]
async fn many_faults_in_one_life(#[case] scene: Scene, #[values(Wish::Forward, Wish::Back)] wish: Wish) {
    let mut totals = Totals::default();
    for seed in 0..60 {
        let faults = FaultPlan::seeded(seed, 120, 250);
        totals.run_with(&scene, wish, faults).await;
    }
    totals.judge(&format!("seeded {wish:?} {:?}", scene.strategy));
}
