//! Consumers that are handed the value: the right one, once for each secret, and written down.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use keywheel_core::{
    CallContext, ConsumerName, ErrorKind, Result, SecretName, SecretValue,
    document::Layout,
    inventory::DeclaredConsumer,
    notifier::{Adoption, Notice, Notifier, Phase},
    plan::Selection,
    provider::{Consumer, Finding},
    rotation::{Event, OnDeadline, Outcome},
    rotator::Strategy,
    secret::Stage,
};
use keywheel_engine::{
    Ended,
    audit::{AuditEvent, AuditLine, Filter},
};
use keywheel_testkit::{
    faults::{Fault, FaultPlan},
    memory::Behaviour,
};

use crate::{
    scene::{HOUR, OLD, Scene},
    view::print,
    world::{DEADLINE, Settings, World, run},
};

type Heard = (SecretName, Phase, Option<Vec<u8>>);

/// A system that reads no store. It claims that one message tells it everything, which the engine must not believe.
#[derive(Clone, Default)]
struct Appliance {
    heard: Arc<Mutex<Vec<Heard>>>,
    /// What comes between the promotion and the message.
    meanwhile: Option<Arc<dyn Fn() + Send + Sync>>,
    wants: bool,
}

impl Appliance {
    fn hear(&self, notice: &Notice, value: Option<&SecretValue>) {
        let value = value.map(|value| value.expose_secret().to_vec());
        let heard = (notice.secret.clone(), notice.phase, value);
        self.heard.lock().expect("nobody panicked under it").push(heard);
    }

    fn heard(&self) -> Vec<(Phase, Option<Vec<u8>>)> {
        let heard = self.heard.lock().expect("nobody panicked under it");
        heard.iter().map(|(_, phase, value)| (*phase, value.clone())).collect()
    }
}

#[async_trait]
impl Notifier for Appliance {
    async fn notify(&self, _context: &CallContext, notice: &Notice) -> Result<()> {
        if let Some(meanwhile) = &self.meanwhile {
            meanwhile();
        }
        self.hear(notice, None);
        Ok(())
    }

    fn wants_value(&self) -> bool {
        self.wants
    }

    async fn notify_with(&self, _context: &CallContext, notice: &Notice, value: &SecretValue) -> Result<()> {
        self.hear(notice, Some(value));
        Ok(())
    }

    async fn adopted(&self, _notice: &Notice) -> Result<Adoption> {
        Ok(Adoption::Unobservable { accepted: "it shows nothing".to_owned() })
    }

    fn tells_everything(&self) -> bool {
        true
    }

    async fn examine(&self) -> Vec<Finding> {
        Vec::new()
    }
}

impl Consumer for Appliance {
    fn describe(&self) -> String {
        "an appliance".to_owned()
    }

    fn shows_plain_fingerprints(&self) -> bool {
        true
    }

    fn trusted(&self) -> Option<String> {
        None
    }

    fn notifier(&self) -> Arc<dyn Notifier> {
        Arc::new(self.clone())
    }
}

fn declare(world: &mut World, name: &str, appliance: &Appliance) {
    let inventory = Arc::get_mut(&mut world.inventory).expect("no engine has it yet");
    let declared = DeclaredConsumer {
        kind: "memory",
        consumer: Arc::new(appliance.clone()),
        deadline: DEADLINE,
        on_deadline: OnDeadline::Park,
    };
    let name = ConsumerName::new(name);
    inventory.consumers.insert(name.clone(), declared);
    for entry in &mut inventory.secrets {
        entry.consumers = entry.consumers.iter().cloned().chain([name.clone()]).collect();
    }
}

fn handed(scene: Scene) -> (World, Appliance) {
    let mut world = World::of(scene);
    let appliance = Appliance { wants: true, ..Appliance::default() };
    declare(&mut world, "appliance", &appliance);
    (world, appliance)
}

/// The audit's lines of reads.
async fn reads(world: &World) -> Vec<AuditLine> {
    let shown = world.engine().audit().show(Filter::default()).await.expect("the audit can be read");
    shown.lines.into_iter().filter(|line| line.event == AuditEvent::Read).collect()
}

#[tokio::test]
async fn the_new_value_is_handed_over_when_it_is_current_and_the_old_one_on_the_way_back() {
    let (world, appliance) = handed(Scene::credential(Strategy::Overlap).overlapping(HOUR));
    world.rotate().await;
    let new = world.view().primary(Stage::Current).unwrap();
    assert_ne!(new, OLD);
    assert_eq!(appliance.heard(), [(Phase::Promoted, Some(new.clone()))]);
    world.engine().roll_back(&world.name(), "it misbehaves").await.unwrap();
    assert_eq!(appliance.heard(), [(Phase::Promoted, Some(new)), (Phase::RolledBack, Some(OLD.to_vec()))]);
    world.clock.advance(HOUR);
    world.run_due().await;
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_process_that_never_saw_the_value_hands_it_over_too() {
    let (calm, _) = handed(Scene::unchecked());
    calm.rotate().await;
    let promote = calm.faults.calls().into_iter().find(|call| call.operation == "promote").unwrap().number;
    let faults = FaultPlan::at([(promote, Fault::CrashAfter)]);
    let mut world = World::with([Scene::unchecked()], Settings { faults, ..Settings::default() });
    let appliance = Appliance { wants: true, ..Appliance::default() };
    declare(&mut world, "appliance", &appliance);
    assert!(
        world.faults.clone().until_crash(world.rotate()).await.is_none(),
        "the process outlived the promotion"
    );
    assert_eq!(appliance.heard(), []);
    world.restart();
    world.run_due().await;
    let new = world.view().primary(Stage::Current).unwrap();
    assert_eq!(appliance.heard(), [(Phase::Promoted, Some(new))]);
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn a_verifier_is_handed_the_next_key_before_anybody_signs_with_it() {
    let scene = Scene { consumers: Vec::new(), ..Scene::signing_key() };
    let (world, appliance) = handed(scene);
    world.rotate().await;
    let new = world.view().primary(Stage::Current).unwrap();
    assert_eq!(appliance.heard(), [(Phase::NextPublished, Some(new.clone())), (Phase::Promoted, Some(new))]);
}

#[tokio::test]
async fn where_there_was_no_value_before_nothing_is_handed_over_on_the_way_back() {
    let scene = Scene { consumers: vec![Behaviour::Never], ..Scene::signing_key() };
    let (world, appliance) = handed(scene.bare_from(0).on_deadline(OnDeadline::RollBack));
    world.rotate().await;
    assert_eq!(world.history().unwrap().outcome, Some(Outcome::RolledBack));
    let heard = appliance.heard();
    assert!(
        matches!(heard.as_slice(), [(Phase::NextPublished, Some(_)), (Phase::RolledBack, None)]),
        "{heard:?}"
    );
}

#[tokio::test]
async fn each_handover_is_a_line_of_the_audit_and_holds_no_value() {
    let (world, appliance) = handed(Scene::unchecked().overlapping(HOUR));
    world.rotate().await;
    let new = world.view().primary(Stage::Current).unwrap();
    world.engine().roll_back(&world.name(), "it misbehaves").await.unwrap();
    assert_eq!(appliance.heard().len(), 2);
    let lines = reads(&world).await;
    let rotation = world.history().unwrap().id;
    let told: Vec<_> =
        lines.iter().map(|line| (line.rotation, line.fingerprint, line.step.as_deref())).collect();
    assert_eq!(
        told,
        [
            (Some(rotation), Some(print(&new)), Some("notify appliance")),
            (Some(rotation), Some(print(OLD)), Some("notify appliance of the rollback")),
        ]
    );
    world.assert_right_at_the_end().await;
}

#[tokio::test]
async fn who_wants_no_value_is_handed_none_and_nothing_is_read_for_it() {
    let mut world = World::of(Scene::unchecked());
    let appliance = Appliance::default();
    declare(&mut world, "appliance", &appliance);
    world.rotate().await;
    assert_eq!(appliance.heard(), [(Phase::Promoted, None)]);
    assert_eq!(reads(&world).await, []);
}

#[tokio::test]
async fn what_somebody_else_made_current_meanwhile_is_not_handed_over_for_ours() {
    let mut world = World::of(Scene::unchecked());
    let secret = world.view().secrets[0].clone();
    let editor = Appliance {
        meanwhile: Some(Arc::new(move || secret.overwrite(b"an-editor-was-here"))),
        ..Appliance::default()
    };
    let appliance = Appliance { wants: true, ..Appliance::default() };
    declare(&mut world, "editor", &editor);
    declare(&mut world, "appliance", &appliance);
    let ended = world.rotate().await;
    assert!(matches!(ended, Ended::Parked { .. }), "{ended:?}");
    assert_eq!(appliance.heard(), [], "neither theirs nor one that nobody uses any more");
    let failed = world.records().into_iter().rev().find_map(|record| {
        let Event::Failed { kind, message, .. } = record.body.event else { return None };
        Some((kind, message))
    });
    let (kind, message) = failed.unwrap();
    assert_eq!(kind, ErrorKind::Conflict, "{message}");
    assert!(message.contains("somebody else changed it") && !message.contains("editor"), "{message}");
}

#[tokio::test]
async fn many_secrets_are_handed_over_one_by_one_whatever_the_consumer_claims() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let mut world = World::with(names.map(|name| Scene::unchecked().named(name)), Settings::default());
    let appliance = Appliance { wants: true, ..Appliance::default() };
    declare(&mut world, "appliance", &appliance);
    run(&world.engine(), &Selection::All, world.now()).await.unwrap();
    let heard: BTreeMap<_, _> = appliance
        .heard
        .lock()
        .unwrap()
        .iter()
        .map(|(secret, _, value)| (secret.as_str().to_owned(), value.clone()))
        .collect();
    let current: BTreeMap<_, _> =
        names.map(|name| (name.to_owned(), world.view_of(name).primary(Stage::Current))).into();
    assert_eq!(heard, current);
    assert_eq!(appliance.heard().len(), names.len());
}

#[tokio::test]
async fn of_a_document_the_whole_is_handed_over() {
    let (mut world, appliance) = handed(Scene::credential(Strategy::Alternating));
    world.entry(0).layout = Layout::Document;
    let password = std::str::from_utf8(OLD).unwrap();
    let document = serde_json::json!({ "username": "b", "password": password });
    world.view().secrets[0].overwrite(document.to_string().as_bytes());
    world.rotate().await;
    let now = world.view().primary(Stage::Current).unwrap();
    assert!(now.starts_with(b"{"));
    assert_eq!(appliance.heard(), [(Phase::Promoted, Some(now))]);
}

#[tokio::test]
async fn the_plan_says_who_is_handed_the_value() {
    let (world, _) = handed(Scene::unchecked());
    let plan = world.plan(&Selection::All).await;
    let warnings = &plan.items[0].warnings;
    assert!(
        warnings.contains(&"appliance is handed the value itself (an appliance)".to_owned()),
        "{warnings:?}"
    );
}
