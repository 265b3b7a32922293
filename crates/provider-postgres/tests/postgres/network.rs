//! Connections that break, answers that are lost, servers that die.

use std::{sync::Arc, time::Duration};

use keywheel_core::{
    Effect,
    rotator::{Probe, Rotator},
};
use keywheel_testservers::{Postgres, Proxy, Weather};
use rstest::rstest;
use tokio::time::timeout;

use crate::scene::{Owned, Scene, owned};

const CREATE: &str = "CREATE ROLE app LOGIN PASSWORD 'value-one'; ALTER ROLE app SET work_mem = '8MB'";

/// Each piece that is sent may be the last one, with an answer that does not come.
#[rstest]
#[case::in_place("in-place", "app")]
#[case::alternating("alternating", "app_clone")]
#[tokio::test]
async fn wherever_the_connection_breaks_the_error_and_a_probe_tell_the_truth(
    #[case] strategy: &str,
    #[case] next: &str,
) {
    let server = Postgres::prepare().sql(CREATE).start();
    let scene = Scene::new();
    let mut outcomes = Vec::new();
    for cut in 0.. {
        let proxy = Proxy::to(server.port());
        let rotator = scene.rotator(proxy.port(), strategy, "app");
        let new = owned(next, &format!("value-{cut}"));
        proxy.set(Weather::CutAfterSent(cut));
        let applied = rotator.apply(&scene.unhurried(), new.lend(), None).await;
        proxy.set(Weather::Fair);
        let truth = rotator.probe(new.lend()).await.unwrap();
        match applied {
            Ok(()) => {
                assert_eq!(truth, Probe::Accepted);
                break;
            }
            Err(error) => {
                assert!(error.effect == Effect::MaybeApplied || truth == Probe::Rejected, "{cut}: {error}");
                outcomes.push((error.effect, truth));
                // Again, now that it can be done.
                repeat(&scene, &*rotator, &new).await;
            }
        }
        assert!(cut < 50, "it never ends: {outcomes:?}");
    }
    assert!(outcomes.contains(&(Effect::NotApplied, Probe::Rejected)), "{outcomes:?}");
    assert!(outcomes.contains(&(Effect::MaybeApplied, Probe::Accepted)), "{outcomes:?}");
}

/// The first call may find a session that broke.
async fn repeat(scene: &Scene, rotator: &dyn Rotator, new: &Owned) {
    for _ in 0..3 {
        if rotator.apply(&scene.unhurried(), new.lend(), None).await.is_ok() {
            break;
        }
    }
    assert_eq!(rotator.probe(new.lend()).await.unwrap(), Probe::Accepted);
}

/// The engine gives up at the deadline: the call is dropped while it waits.
#[tokio::test]
async fn a_call_that_is_given_up_leaves_no_half_session_behind() {
    let server = Postgres::prepare().sql(CREATE).start();
    let proxy = Proxy::to(server.port());
    let scene = Scene::new();
    let rotator = scene.rotator(proxy.port(), "in-place", "app");
    let (one, two) = (owned("app", "value-two"), owned("app", "value-three"));
    rotator.apply(&scene.unhurried(), one.lend(), None).await.unwrap();
    proxy.set(Weather::RepliesLost);
    let context = scene.unhurried();
    let call = timeout(Duration::from_millis(300), rotator.apply(&context, two.lend(), None));
    assert!(call.await.is_err(), "somebody answered");
    let probed = timeout(Duration::from_millis(300), rotator.probe(one.lend())).await;
    assert!(probed.is_err(), "somebody answered");
    proxy.set(Weather::Fair);
    rotator.apply(&scene.unhurried(), two.lend(), None).await.unwrap();
    assert_eq!(rotator.probe(two.lend()).await.unwrap(), Probe::Accepted);
}

#[tokio::test]
async fn a_server_that_was_killed_and_started_again_is_found_again() {
    let mut server =
        Postgres::prepare().sql(CREATE).setting("fsync", "on").setting("synchronous_commit", "on").start();
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), "alternating", "app");
    let (one, two) = (owned("app", "value-one"), owned("app_clone", "value-two"));
    rotator.apply(&scene.unhurried(), two.lend(), Some(one.lend())).await.unwrap();
    server.kill();
    let error = rotator.probe(two.lend()).await.unwrap_err();
    assert!(error.kind.is_transient(), "{error}");
    let error = rotator.revoke(&scene.unhurried(), one.lend(), Some(two.lend())).await.unwrap_err();
    assert!(error.kind.is_transient() && error.effect == Effect::NotApplied, "{error}");
    server.start_again();
    assert_eq!(rotator.probe(two.lend()).await.unwrap(), Probe::Accepted);
    rotator.revoke(&scene.unhurried(), one.lend(), Some(two.lend())).await.unwrap();
    assert_eq!(rotator.probe(one.lend()).await.unwrap(), Probe::Rejected);
    assert_eq!(rotator.probe(two.lend()).await.unwrap(), Probe::Accepted);
}

#[tokio::test]
async fn a_change_that_was_answered_survives_a_kill_also_where_the_server_answers_early() {
    let mut server = Postgres::prepare()
        .sql(CREATE)
        .setting("synchronous_commit", "off")
        .setting("wal_writer_delay", "10s")
        .start();
    server.sql("CHECKPOINT");
    let scene = Scene::new();
    for (strategy, new) in
        [("in-place", owned("app", "value-two")), ("alternating", owned("app_clone", "three"))]
    {
        let rotator = scene.rotator(server.port(), strategy, "app");
        rotator.apply(&scene.unhurried(), new.lend(), None).await.unwrap();
        server.kill();
        server.start_again();
        assert_eq!(rotator.probe(new.lend()).await.unwrap(), Probe::Accepted, "{strategy}");
    }
}

#[tokio::test]
async fn many_roles_are_changed_over_few_sessions() {
    let server = Postgres::start();
    let create: Vec<_> = (0..40).map(|role| format!("CREATE ROLE app{role} LOGIN;\n")).collect();
    server.sql(&create.concat());
    let scene = Scene::new();
    let text = format!(
        "port: {}\nstrategy: in-place\nlogin: {{user: postgres, password: 'file:administrator'}}",
        server.port()
    );
    let target = scene.target(&text).unwrap();
    let calls: Vec<_> = (0..40)
        .map(|role| {
            let role = format!("app{role}");
            let (rotator, context) = (target.rotator(Some(&role.as_str().into())), scene.unhurried());
            tokio::spawn(async move {
                let new = owned(&role, "value-two");
                rotator.apply(&context, new.lend(), None).await.unwrap();
                assert_eq!(rotator.probe(new.lend()).await.unwrap(), Probe::Accepted);
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'postgres' AND application_name = 'keywheel'";
    let sessions: u32 = server.sql(sessions).parse().unwrap();
    assert!((1..=4).contains(&sessions), "{sessions}");
    drop(Arc::clone(&target));
}
