//! What a server says no to, and what that is called.

use std::{
    io::{BufRead, BufReader, Write},
    time::Duration,
};

use keywheel_core::{Effect, ErrorKind, rotator::Probe};
use keywheel_testservers::{Postgres, Stopwatch};
use rstest::rstest;

use crate::scene::{Scene, owned};

const CREATE: &str = "CREATE ROLE app LOGIN PASSWORD 'value-one';";

#[tokio::test]
async fn who_is_kept_out_by_rules_was_not_refused() {
    let server = Postgres::prepare()
        .sql(CREATE)
        .rules("local all all trust\nhost all postgres 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 reject\n")
        .start();
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), "in-place", "app");
    for password in ["value-one", "wrong"] {
        let error = rotator.probe(owned("app", password).lend()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::PermissionDenied, "{error}");
        assert!(error.to_string().contains("pg_hba.conf"), "{error}");
    }
    // No line fits at all: the same code from another place of the server.
    let server = Postgres::prepare().sql(CREATE).rules("local all all trust\n").start();
    let rotator = scene.rotator(server.port(), "in-place", "app");
    let error = rotator.probe(owned("app", "value-one").lend()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::PermissionDenied, "{error}");
    let error = rotator.apply(&scene.unhurried(), owned("app", "value-two").lend(), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::PermissionDenied, Effect::NotApplied), "{error}");
}

#[rstest]
#[case::no_such_role("nobody", "value-one")]
#[case::wrong_password("app", "value-two")]
#[case::no_login("retired", "value-one")]
#[case::no_password("empty", "value-one")]
#[case::out_of_date("expired", "value-one")]
#[tokio::test]
async fn what_the_server_refuses_is_refused(#[case] role: &str, #[case] password: &str) {
    let server = Postgres::prepare()
        .sql(CREATE)
        .sql("CREATE ROLE retired NOLOGIN PASSWORD 'value-one'; CREATE ROLE empty LOGIN;")
        .sql("CREATE ROLE expired LOGIN PASSWORD 'value-one' VALID UNTIL 'yesterday'")
        // Words in another language would say the same.
        .setting("lc_messages", "C")
        .start();
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), "in-place", role);
    assert_eq!(rotator.probe(owned(role, password).lend()).await.unwrap(), Probe::Rejected);
}

#[tokio::test]
async fn a_password_that_would_be_out_of_date_is_not_set() {
    let server =
        Postgres::prepare().sql("CREATE ROLE app LOGIN PASSWORD 'value-one' VALID UNTIL 'yesterday'").start();
    let scene = Scene::new();
    for strategy in ["in-place", "alternating"] {
        let rotator = scene.rotator(server.port(), strategy, "app");
        let error =
            rotator.apply(&scene.unhurried(), owned("app", "value-two").lend(), None).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{error}");
        assert!(error.to_string().contains("ALTER ROLE \"app\" VALID UNTIL 'infinity'"), "{error}");
    }
}

#[tokio::test]
async fn a_role_that_is_not_there_or_may_not_log_in_is_told_before_anything_changes() {
    let server = Postgres::prepare().sql("CREATE ROLE retired NOLOGIN").start();
    let scene = Scene::new();
    for (role, kind) in [("nobody", ErrorKind::NotFound), ("retired", ErrorKind::InvalidConfig)] {
        let rotator = scene.rotator(server.port(), "in-place", role);
        let error =
            rotator.apply(&scene.unhurried(), owned(role, "value-two").lend(), None).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (kind, Effect::NotApplied), "{error}");
    }
}

/// A reader or nothing: who holds a session open is seen to do so.
struct Held(std::process::Child);

impl Held {
    fn open(server: &Postgres, role: &str, statements: &str) -> Self {
        let mut child = server.psql(role).spawn().unwrap();
        let input = child.stdin.as_mut().unwrap();
        writeln!(input, "{statements}\n\\echo ready").unwrap();
        input.flush().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self(child)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

#[tokio::test]
async fn a_role_with_as_many_sessions_as_it_may_have_is_neither_accepted_nor_refused() {
    let server =
        Postgres::prepare().sql("CREATE ROLE app LOGIN PASSWORD 'value-one' CONNECTION LIMIT 1").start();
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), "in-place", "app");
    for _ in 0..5 {
        // Its own sessions do not get in the way of the next one.
        keywheel_testservers::until("the end of the last session", || {
            let count = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'";
            (server.sql(count) == "0").then_some(())
        });
        assert_eq!(rotator.probe(owned("app", "value-one").lend()).await.unwrap(), Probe::Accepted);
    }
    let _held = Held::open(&server, "app", "");
    let error = rotator.probe(owned("app", "value-one").lend()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::RateLimited, "{error}");
    assert!(error.to_string().contains("CONNECTION LIMIT"), "{error}");
    assert_eq!(rotator.probe(owned("app", "wrong").lend()).await.unwrap(), Probe::Rejected);
    // Changing it needs no session of the role.
    rotator.apply(&scene.unhurried(), owned("app", "value-two").lend(), None).await.unwrap();
}

#[tokio::test]
async fn a_full_server_is_a_passing_trouble() {
    let server = Postgres::prepare().sql(CREATE).setting("max_connections", "5").start();
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), "in-place", "app");
    let _held: Vec<_> = (0..5).map(|_| Held::open(&server, "postgres", "")).collect();
    for password in ["value-one", "wrong"] {
        let error = rotator.probe(owned("app", password).lend()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::RateLimited, "{error}");
    }
    let error = rotator.apply(&scene.unhurried(), owned("app", "value-two").lend(), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::RateLimited, Effect::NotApplied), "{error}");
}

#[tokio::test]
async fn a_standby_answers_logins_and_takes_no_changes() {
    let server = Postgres::prepare().sql(CREATE).standby().start();
    let scene = Scene::new();
    let one = owned("app", "value-one");
    for strategy in ["in-place", "alternating"] {
        let rotator = scene.rotator(server.port(), strategy, "app");
        assert_eq!(rotator.probe(one.lend()).await.unwrap(), Probe::Accepted);
        let error =
            rotator.apply(&scene.unhurried(), owned("app", "value-two").lend(), None).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error}");
        assert!(error.to_string().contains("standby"), "{error}");
        let findings = rotator.examine().await;
        assert!(findings.iter().any(|finding| finding.message.contains("standby")), "{findings:?}");
    }
}

#[tokio::test]
async fn who_waits_for_a_lock_gives_up_before_the_deadline_and_has_changed_nothing() {
    let server = Postgres::prepare().sql(CREATE).start();
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), "in-place", "app");
    let held = Held::open(&server, "postgres", "BEGIN; ALTER ROLE app CONNECTION LIMIT 3;");
    let watch = Stopwatch::start();
    let context = scene.within(Duration::from_secs(2));
    let error = rotator.apply(&context, owned("app", "value-two").lend(), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::NotApplied), "{error}");
    assert!(error.to_string().contains("another session holds the role"), "{error}");
    assert!(watch.elapsed() < Duration::from_secs(2), "{:?}", watch.elapsed());
    drop(held);
    assert_eq!(rotator.probe(owned("app", "value-one").lend()).await.unwrap(), Probe::Accepted);
    rotator.apply(&scene.unhurried(), owned("app", "value-two").lend(), None).await.unwrap();
}

#[tokio::test]
async fn nothing_is_sent_after_the_deadline() {
    let server = Postgres::prepare().sql(CREATE).start();
    let scene = Scene::new();
    for rotator in [scene.rotator(server.port(), "in-place", "app"), scene.own(server.port(), "app")] {
        let (one, two) = (owned("app", "value-one"), owned("app", "value-two"));
        let error =
            rotator.apply(&scene.within(Duration::ZERO), two.lend(), Some(one.lend())).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::NotApplied), "{error}");
        assert_eq!(rotator.probe(one.lend()).await.unwrap(), Probe::Accepted);
    }
    assert!(!server.log().contains("ALTER ROLE \"app\""));
}

#[tokio::test]
async fn an_administrator_without_the_right_is_told_which() {
    let server =
        Postgres::prepare().sql(CREATE).sql("CREATE ROLE keywheel LOGIN PASSWORD 'keywheel'").start();
    let scene = Scene::new();
    std::fs::write(scene.path().join("keywheel"), "keywheel").unwrap();
    for strategy in ["in-place", "alternating"] {
        let text = format!(
            "port: {}\nstrategy: {strategy}\nlogin: {{user: keywheel, password: 'file:keywheel'}}\n",
            server.port()
        );
        let rotator = scene.target(&text).unwrap().rotator(Some(&"app".into()));
        let next = rotator.next_identity(Some(&"app".into())).unwrap().unwrap();
        let error = rotator
            .apply(&scene.unhurried(), owned(next.as_str(), "value-two").lend(), None)
            .await
            .unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::PermissionDenied, Effect::NotApplied), "{error}");
        assert!(error.to_string().contains("CREATEROLE"), "{error}");
        let findings = rotator.examine().await;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].hint.as_deref(), Some("ALTER ROLE \"keywheel\" CREATEROLE"));
    }
}

/// The extension knows of a verifier only whether it is the role's name.
#[tokio::test]
async fn a_rule_for_passwords_that_says_no_is_not_tried_again() {
    let server = Postgres::prepare()
        .sql("CREATE ROLE \"the-name-of-the-role\" LOGIN PASSWORD 'value-one-2-3'")
        .setting("shared_preload_libraries", "passwordcheck")
        .start();
    let scene = Scene::new();
    let role = "the-name-of-the-role";
    let rotator = scene.rotator(server.port(), "in-place", role);
    let error = rotator.apply(&scene.unhurried(), owned(role, role).lend(), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidValue, Effect::NotApplied), "{error}");
    assert!(!error.kind.is_transient());
    assert_eq!(rotator.probe(owned(role, "value-one-2-3").lend()).await.unwrap(), Probe::Accepted);
    rotator.apply(&scene.unhurried(), owned(role, "value-two-3-4").lend(), None).await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_not_there_is_no_refusal() {
    let server = Postgres::prepare()
        .sql(CREATE)
        .sql("CREATE DATABASE closed; REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
        .start();
    let scene = Scene::new();
    for (database, kind) in [("missing", ErrorKind::InvalidConfig), ("closed", ErrorKind::PermissionDenied)] {
        let text = format!("port: {}\nstrategy: in-place\ndatabase: {database}\n", server.port());
        let rotator = scene.target(&text).unwrap().rotator(Some(&"app".into()));
        let error = rotator.probe(owned("app", "value-one").lend()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert_eq!(rotator.probe(owned("app", "wrong").lend()).await.unwrap(), Probe::Rejected);
    }
}
