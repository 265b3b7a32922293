//! A network and a server that fail.

use keywheel_core::{Effect, ErrorKind, rotator::Probe};
use keywheel_testservers::Weather;
use rstest::rstest;

use crate::scene::{NEW, OLD, Scene, apply, context, credential, probe, words};

/// The connection breaks after each request in turn, before its answer comes back.
#[rstest]
#[case::in_place("in-place", "app", true)]
#[case::alternating("alternating", "app_clone", true)]
#[case::by_itself("in-place", "app", false)]
#[tokio::test]
async fn a_lost_answer_is_never_called_a_failure(
    #[case] strategy: &str,
    #[case] whom: &str,
    #[case] with_admin: bool,
) {
    let mut scene = Scene::new();
    let more = format!("strategy: {strategy}");
    let (mut ambiguous, mut done_all_the_same, mut in_peace) = (0, 0, 0);
    for cut in 0..60 {
        scene.server.sql(&format!(
            "DROP USER IF EXISTS app_clone@'%'; ALTER USER app@'%' IDENTIFIED BY '{OLD}' ACCOUNT UNLOCK"
        ));
        let before = scene.state();
        let settings = if with_admin { scene.settings(&more) } else { scene.settings_without_login(&more) };
        let rotator = scene.target(&settings).rotator(Some(&"app".into()));
        scene.proxy.set(Weather::CutAfterSent(cut));
        let outcome = apply(&rotator, whom).await;
        scene.proxy.set(Weather::Fair);
        let Err(error) = outcome else {
            assert_eq!(probe(&rotator, whom, NEW).await, Probe::Accepted);
            // Farewells of earlier connections are pieces too: a later cut may still meet a request.
            if in_peace < 2 {
                in_peace += 1;
                continue;
            }
            assert!(ambiguous > 0 && done_all_the_same > 0, "{cut} cuts, {ambiguous}, {done_all_the_same}");
            return;
        };
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
        match error.effect {
            Effect::NotApplied => {
                assert_eq!(scene.state(), before, "cut {cut}");
                assert_eq!(probe(&rotator, "app", OLD).await, Probe::Accepted);
            }
            Effect::MaybeApplied => {
                ambiguous += 1;
                if probe(&rotator, whom, NEW).await == Probe::Accepted {
                    done_all_the_same += 1;
                }
            }
        }
        // Roll forward with the same value.
        apply(&rotator, whom).await.unwrap_or_else(|error| panic!("after cut {cut}: {error}"));
        assert_eq!(probe(&rotator, whom, NEW).await, Probe::Accepted);
        if cut == 3 {
            // A server that starts again in the middle of it all.
            scene.server.kill();
            scene.server.start_again();
            assert_eq!(probe(&rotator, whom, NEW).await, Probe::Accepted);
        }
    }
    panic!("the network was cut and nothing came of it");
}

#[tokio::test]
async fn a_lost_answer_to_a_revocation_is_asked_about() {
    let scene = Scene::new();
    let rotator = scene.rotator("strategy: alternating", "app");
    apply(&rotator, "app_clone").await.unwrap();
    let (old, new) = (credential("app", OLD), credential("app_clone", NEW));
    for cut in 0..20 {
        scene.proxy.set(Weather::CutAfterSent(cut));
        let outcome = rotator.revoke(&context(), old.lend(), Some(new.lend())).await;
        scene.proxy.set(Weather::Fair);
        let refused = probe(&rotator, "app", OLD).await;
        assert_eq!(probe(&rotator, "app_clone", NEW).await, Probe::Accepted);
        match outcome {
            Ok(()) => return assert_eq!(refused, Probe::Rejected),
            Err(error) if error.effect == Effect::NotApplied => assert_eq!(refused, Probe::Accepted),
            Err(_) => {}
        }
    }
    panic!("the network was cut and nothing came of it");
}

#[tokio::test]
async fn a_server_that_dies_between_the_steps_is_found_again() {
    let mut scene = Scene::new();
    let rotator = scene.rotator("strategy: alternating", "app");
    apply(&rotator, "app_clone").await.unwrap();
    scene.server.kill();
    let (old, new) = (credential("app", OLD), credential("app_clone", NEW));
    let error = rotator.revoke(&context(), old.lend(), Some(new.lend())).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error}");
    let error = rotator.probe(new.lend()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    assert!(words(&rotator.examine().await).starts_with("Warning"));
    scene.server.start_again();
    assert_eq!(probe(&rotator, "app_clone", NEW).await, Probe::Accepted);
    rotator.revoke(&context(), old.lend(), Some(new.lend())).await.unwrap();
    assert_eq!(probe(&rotator, "app", OLD).await, Probe::Rejected);
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_no_session_in_the_middle_of_a_request() {
    let scene = Scene::new();
    let rotator = scene.rotator("", "app");
    assert_eq!(rotator.examine().await, []);
    scene.proxy.set(Weather::RepliesLost);
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(300), apply(&rotator, "app")).await;
    assert!(given_up.is_err());
    scene.proxy.set(Weather::Fair);
    apply(&rotator, "app").await.unwrap();
    assert_eq!(probe(&rotator, "app", NEW).await, Probe::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sessions_of_a_target_are_shared_and_few() {
    let scene = Scene::new();
    let target = scene.target(&scene.settings(""));
    let rotators: Vec<_> = (0..12)
        .map(|number| (number, target.rotator(Some(&format!("user{number}").as_str().into()))))
        .collect();
    for (number, _) in &rotators {
        scene.server.sql(&format!("CREATE USER user{number}@'%' IDENTIFIED BY '{OLD}'"));
    }
    let applied = rotators.iter().map(|(number, rotator)| async move {
        apply(rotator, &format!("user{number}")).await.unwrap();
    });
    futures::future::join_all(applied).await;
    let used = scene.server.sql("SHOW GLOBAL STATUS LIKE 'Max_used_connections'");
    let used: u32 = used.trim().rsplit('\t').next().unwrap().parse().unwrap();
    // Four, and the one that asks.
    assert!(used <= 6, "{used}");
    keywheel_testservers::until("the others to be closed", || {
        let left = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE User = 'keeper'";
        (scene.server.sql(left).trim().parse::<u32>().unwrap() <= 2).then_some(())
    });
}
