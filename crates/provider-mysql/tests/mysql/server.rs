//! Servers with rules and limits of their own.

use keywheel_core::{Effect, ErrorKind, SecretValue, rotator::Probe};
use mysql_async::{Conn, OptsBuilder};
use rstest::rstest;

use crate::scene::{NEW, OLD, Scene, WRONG, apply, context, credential, probe, words};

async fn connect(scene: &Scene, user: &str, password: &str) -> Conn {
    let options = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(scene.server.port())
        .prefer_socket(false)
        .user(Some(user))
        .pass(Some(password));
    Conn::new(options).await.unwrap()
}

#[tokio::test]
async fn too_many_connections_are_not_a_wrong_password() {
    let scene = Scene::new();
    scene.server.sql("ALTER USER app@'%' WITH MAX_USER_CONNECTIONS 1");
    let rotator = scene.rotator("", "app");
    let held = connect(&scene, "app", OLD).await;
    for value in [OLD, WRONG] {
        match rotator.probe(credential("app", value).lend()).await {
            Err(error) => assert_eq!(error.kind, ErrorKind::RateLimited, "{error}"),
            Ok(answer) => assert_eq!((value, answer), (WRONG, Probe::Rejected)),
        }
    }
    drop(held);

    scene.server.sql("ALTER USER app@'%' WITH MAX_USER_CONNECTIONS 0; SET GLOBAL max_connections = 10");
    scene.server.sql(&format!("CREATE USER crowd@'%' IDENTIFIED BY '{OLD}'"));
    let mut crowd = Vec::new();
    while crowd.len() < 10 {
        let options = OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(scene.server.port())
            .prefer_socket(false)
            .user(Some("crowd"))
            .pass(Some(OLD));
        match Conn::new(options).await {
            Ok(conn) => crowd.push(conn),
            Err(_) => break,
        }
    }
    let error = rotator.probe(credential("app", OLD).lend()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::RateLimited, "{error}");
    let other = scene.target(&scene.settings_without_login("")).rotator(Some(&"app".into()));
    let error = apply(&other, "app").await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::RateLimited, Effect::NotApplied));
}

#[tokio::test]
async fn a_blocked_account_is_not_a_wrong_password() {
    let scene = Scene::with(&["--max-password-errors=2"]);
    let rotator = scene.rotator("", "app");
    for _ in 0..2 {
        assert_eq!(probe(&rotator, "app", WRONG).await, Probe::Rejected);
    }
    for value in [OLD, WRONG] {
        let error = rotator.probe(credential("app", value).lend()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::PermissionDenied, "{error}");
        assert!(error.message.contains("FLUSH PRIVILEGES"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_checks_passwords_gets_none_unless_the_operator_says_so() {
    let scene = Scene::new();
    scene.server.sql("INSTALL SONAME 'simple_password_check'");
    let before = scene.state();
    let rotator = scene.rotator("", "app");
    let error = apply(&rotator, "app").await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied));
    assert!(error.message.contains("clear-statements"), "{error}");
    assert_eq!(scene.state(), before);
    let findings = words(&rotator.examine().await);
    assert!(findings.contains("strict_password_validation"), "{findings}");

    let rotator = scene.rotator("clear-statements: true", "app");
    let error = apply(&rotator, "app").await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidValue, Effect::NotApplied), "{error}");
    assert!(error.message.contains("password rules"), "{error}");
    assert_eq!(scene.state(), before);

    let good = "Good-Value-77-of-them";
    rotator.apply(&context(), credential("app", good).lend(), None).await.unwrap();
    assert_eq!(probe(&rotator, "app", good).await, Probe::Accepted);

    let turns = scene.rotator("clear-statements: true\nstrategy: alternating", "app");
    let new = credential("app_clone", good);
    turns.apply(&context(), new.lend(), None).await.unwrap();
    turns.revoke(&context(), credential("app", good).lend(), Some(new.lend())).await.unwrap();
    assert_eq!(probe(&turns, "app", good).await, Probe::Rejected);
    assert_eq!(probe(&turns, "app_clone", good).await, Probe::Accepted);

    scene.server.sql("SET GLOBAL strict_password_validation = 0");
    apply(&turns, "app").await.unwrap();
    assert_eq!(probe(&turns, "app", NEW).await, Probe::Accepted);
}

#[rstest]
#[case::in_place("in-place", "app")]
#[case::alternating("alternating", "app_clone")]
#[tokio::test]
async fn a_read_only_server_is_left_alone(#[case] strategy: &str, #[case] whom: &str) {
    let scene = Scene::new();
    scene.server.sql("SET GLOBAL read_only = 1");
    let before = scene.state();
    let rotator = scene.rotator(&format!("strategy: {strategy}"), "app");
    let error = apply(&rotator, whom).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied));
    assert!(error.message.contains("read-only"), "{error}");
    assert_eq!(scene.state(), before);
    assert!(words(&rotator.examine().await).contains("read-only"));
}

#[tokio::test]
async fn overlap_is_refused_before_anything_is_changed() {
    let scene = Scene::new();
    let before = scene.state();
    let rotator = scene.rotator("strategy: overlap", "app");
    let error = apply(&rotator, "app").await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unsupported, Effect::NotApplied));
    assert!(error.message.contains("MySQL 8.0.14"), "{error}");
    assert_eq!(scene.state(), before);
    let findings = words(&rotator.examine().await);
    assert!(findings.contains("alternating"), "{findings}");
    let own = scene.target(&scene.settings_without_login("strategy: overlap")).rotator(Some(&"app".into()));
    assert_eq!(apply(&own, "app").await.unwrap_err().kind, ErrorKind::Unsupported);
    assert_eq!(scene.state(), before);
}

#[tokio::test]
async fn no_log_of_the_server_holds_a_password() {
    let scene = Scene::with(&[
        "--general-log=1",
        "--log-bin=binary",
        "--server-id=1",
        "--slow-query-log=1",
        "--long-query-time=0",
    ]);
    let (first, second, third, fourth) = (
        "first-secret-value-aaaa",
        "second-secret-value-bb",
        "third-secret-value-ccc",
        "fourth-secret-value-dd",
    );
    let rotator = scene.rotator("", "app");
    rotator.apply(&context(), credential("app", first).lend(), None).await.unwrap();
    let own = scene.target(&scene.settings_without_login("")).rotator(Some(&"app".into()));
    let current = credential("app", first);
    own.apply(&context(), credential("app", second).lend(), Some(current.lend())).await.unwrap();
    let turns = scene.rotator("strategy: alternating", "app");
    let (clone, old) = (credential("app_clone", third), credential("app", second));
    turns.apply(&context(), clone.lend(), Some(old.lend())).await.unwrap();
    turns.revoke(&context(), old.lend(), Some(clone.lend())).await.unwrap();
    turns.apply(&context(), credential("app", fourth).lend(), Some(clone.lend())).await.unwrap();
    assert_eq!(probe(&turns, "app", fourth).await, Probe::Accepted);

    scene.server.sql("FLUSH LOGS");
    let (mut seen, mut statements) = (0, 0);
    let data = scene.server.directory().join("data");
    for entry in std::fs::read_dir(data).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned();
        seen += 1;
        statements += text.matches("ALTER USER 'app'").count();
        for value in [first, second, third, fourth] {
            assert!(!text.contains(value), "{} holds {value}", entry.path().display());
        }
    }
    // The test looks where the statements are.
    assert!(seen > 3 && statements >= 3, "{seen} files, {statements} statements");
}

#[tokio::test]
async fn nothing_is_sent_after_the_deadline() {
    let scene = Scene::new();
    let before = scene.state();
    scene.clock.advance(jiff::SignedDuration::from_secs(60).unsigned_abs());
    let mut late = context();
    late.deadline = std::time::Duration::from_secs(59);
    for strategy in ["in-place", "alternating"] {
        let rotator = scene.rotator(&format!("strategy: {strategy}"), "app");
        let whom = rotator.next_identity(Some(&"app".into())).unwrap().unwrap();
        let value = SecretValue::copy_from(NEW.as_bytes());
        let new = keywheel_core::rotator::Credential { identity: Some(&whom), value: &value };
        let error = rotator.apply(&late, new, None).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::NotApplied));
        let old = credential("app", OLD);
        if strategy == "alternating" {
            let error = rotator.revoke(&late, old.lend(), Some(new)).await.unwrap_err();
            assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::NotApplied));
        }
    }
    assert_eq!(scene.state(), before);
}
