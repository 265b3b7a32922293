//! Sessions as evidence.

use std::{process::Child, sync::Arc, time::Duration};

use jiff::Timestamp;
use keywheel_core::{
    ErrorKind, RotationId,
    notifier::{Adoption, Notice, Notifier, Phase},
};
use keywheel_testservers::{Postgres, until};

use crate::scene::{ADMINISTRATOR, Scene};

const CREATE: &str =
    "CREATE ROLE app LOGIN PASSWORD 'value-one'; CREATE ROLE app_clone LOGIN PASSWORD 'value-two'";

fn notifier(scene: &Scene, server: &Postgres, more: &str) -> Arc<dyn Notifier> {
    scene.consumer(&format!("port: {}\n{ADMINISTRATOR}{more}", server.port())).unwrap().notifier()
}

fn notice(identity: &str, replaced: Option<&str>, since: Timestamp) -> Notice {
    Notice {
        rotation: RotationId::from_random([7; 16]),
        phase: Phase::Promoted,
        secret: "database".into(),
        expected: Some("ba7816bf8f01cfea".parse().unwrap()),
        identity: Some(identity.into()),
        replaced: replaced.map(Into::into),
        since,
    }
}

/// A consumer's session. It ends when it is dropped.
struct Session(Child);

fn session(server: &Postgres, role: &str, application: &str) -> Session {
    let (count, before) = (sessions(role), server.sql(&sessions(role)));
    let child = server.psql(role).env("PGAPPNAME", application).spawn().unwrap();
    until("the session", || (server.sql(&count) != before).then_some(()));
    Session(child)
}

fn sessions(role: &str) -> String {
    format!(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}' AND backend_type = 'client backend'"
    )
}

impl Session {
    fn end(self, server: &Postgres, role: &str) {
        let before = server.sql(&sessions(role));
        drop(self);
        until("the end of the session", || (server.sql(&sessions(role)) != before).then_some(()));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

fn why(adoption: Adoption) -> String {
    match adoption {
        Adoption::NotYet { why } => why,
        Adoption::Yes { .. } | Adoption::Unobservable { .. } => panic!("{adoption:?}"),
    }
}

fn evidence(adoption: Adoption) -> String {
    match adoption {
        Adoption::Yes { evidence } => evidence,
        Adoption::NotYet { .. } | Adoption::Unobservable { .. } => panic!("{adoption:?}"),
    }
}

#[tokio::test]
async fn with_two_roles_the_sessions_of_the_replaced_one_have_to_end() {
    let server = Postgres::prepare().sql(CREATE).start();
    let scene = Scene::new();
    let consumer = notifier(&scene, &server, "");
    let old = session(&server, "app", "web");
    let notice = notice("app_clone", Some("app"), scene.surroundings.clock.now());
    consumer.notify(&scene.unhurried(), &notice).await.unwrap();
    let seen = why(consumer.adopted(&notice).await.unwrap());
    assert!(seen.starts_with("1 session of `app`, no session of `app_clone`"), "{seen}");
    let _new = session(&server, "app_clone", "web");
    assert!(why(consumer.adopted(&notice).await.unwrap()).starts_with("1 session of `app`, 1 session"));
    old.end(&server, "app");
    let seen = evidence(consumer.adopted(&notice).await.unwrap());
    assert!(seen.contains("1 session of `app_clone`") && seen.ends_with("no session of `app`"), "{seen}");
    assert_eq!(consumer.examine().await, []);
}

#[tokio::test]
async fn with_one_role_the_sessions_from_before_have_to_end() {
    let server = Postgres::prepare().sql(CREATE).start();
    let scene = Scene::new();
    let consumer = notifier(&scene, &server, "");
    let old = session(&server, "app", "web");
    scene.surroundings.clock.sleep(Duration::from_millis(50)).await;
    let since = scene.surroundings.clock.now();
    scene.surroundings.clock.sleep(Duration::from_millis(50)).await;
    // Both name the role, or the earlier version did not say whom it was for.
    for replaced in [Some("app"), None] {
        let seen = why(consumer.adopted(&notice("app", replaced, since)).await.unwrap());
        assert!(seen.starts_with("1 session of `app` from before"), "{seen}");
    }
    let _new = session(&server, "app", "web");
    assert!(
        why(consumer.adopted(&notice("app", Some("app"), since)).await.unwrap()).starts_with("1 session")
    );
    old.end(&server, "app");
    evidence(consumer.adopted(&notice("app", Some("app"), since)).await.unwrap());
}

/// The role that is used again may never have been left.
#[tokio::test]
async fn who_goes_back_to_the_other_role_may_be_there_already() {
    let server = Postgres::prepare().sql(CREATE).start();
    let scene = Scene::new();
    let consumer = notifier(&scene, &server, "");
    let _stayed = session(&server, "app", "web");
    let moved = session(&server, "app_clone", "web");
    scene.surroundings.clock.sleep(Duration::from_millis(50)).await;
    let back = Notice {
        phase: Phase::RolledBack,
        ..notice("app", Some("app_clone"), scene.surroundings.clock.now())
    };
    assert!(why(consumer.adopted(&back).await.unwrap()).starts_with("1 session of `app_clone`"));
    moved.end(&server, "app_clone");
    evidence(consumer.adopted(&back).await.unwrap());
    // One that was promoted is used only by who logged in since.
    let promoted = Notice { phase: Phase::Promoted, ..back };
    assert!(why(consumer.adopted(&promoted).await.unwrap()).starts_with("no session of `app` from after"));
}

/// A consumer that is down has given up its sessions and has not moved.
#[tokio::test]
async fn that_no_session_is_there_is_evidence_only_where_the_operator_says_so() {
    let server = Postgres::prepare().sql(CREATE).start();
    let scene = Scene::new();
    let notice = notice("app_clone", Some("app"), scene.surroundings.clock.now());
    let strict = notifier(&scene, &server, "");
    assert!(why(strict.adopted(&notice).await.unwrap()).contains("at least 1 expected"));
    let lenient = notifier(&scene, &server, "at-least: 0\n");
    evidence(lenient.adopted(&notice).await.unwrap());
}

#[tokio::test]
async fn consumers_of_one_role_are_told_apart_by_their_names() {
    let server = Postgres::prepare().sql(CREATE).start();
    let scene = Scene::new();
    let (web, worker) = (
        notifier(&scene, &server, "application-name: web\n"),
        notifier(&scene, &server, "application-name: worker\n"),
    );
    let _old = session(&server, "app", "worker");
    let _new = session(&server, "app_clone", "web");
    let notice = notice("app_clone", Some("app"), scene.surroundings.clock.now() - Duration::from_mins(1));
    evidence(web.adopted(&notice).await.unwrap());
    assert!(why(worker.adopted(&notice).await.unwrap()).starts_with("1 session of `app`"));
    // keywheel's own logins are nobody's evidence.
    let _probe = session(&server, "app_clone", "keywheel");
    let all = notifier(&scene, &server, "at-least: 2\n");
    assert!(why(all.adopted(&notice).await.unwrap()).contains("1 session of `app_clone`"));
}

#[tokio::test]
async fn who_may_not_see_says_so_and_names_the_grant() {
    let server = Postgres::prepare().sql(CREATE).sql("CREATE ROLE watch LOGIN PASSWORD 'watch'").start();
    let scene = Scene::new();
    std::fs::write(scene.path().join("watch"), "watch").unwrap();
    let text = format!("port: {}\nlogin: {{user: watch, password: 'file:watch'}}\n", server.port());
    let consumer = scene.consumer(&text).unwrap().notifier();
    let _session = session(&server, "app_clone", "web");
    let notice = notice("app_clone", Some("app"), scene.surroundings.clock.now() - Duration::from_mins(1));
    let error = consumer.adopted(&notice).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::PermissionDenied, "{error}");
    let findings = consumer.examine().await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    let grant = findings[0].hint.clone().unwrap();
    assert!(error.to_string().contains(&grant), "{error}");
    server.sql(&grant);
    assert_eq!(consumer.examine().await, []);
    evidence(consumer.adopted(&notice).await.unwrap());
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_error() {
    let mut server = Postgres::prepare().sql(CREATE).start();
    let scene = Scene::new();
    let consumer = notifier(&scene, &server, "");
    let notice = notice("app_clone", Some("app"), scene.surroundings.clock.now());
    consumer.notify(&scene.unhurried(), &notice).await.unwrap();
    server.kill();
    for _ in 0..2 {
        let error = consumer.notify(&scene.unhurried(), &notice).await.unwrap_err();
        assert!(error.kind.is_transient(), "{error}");
        assert!(consumer.adopted(&notice).await.unwrap_err().kind.is_transient());
    }
    server.start_again();
    consumer.notify(&scene.unhurried(), &notice).await.unwrap();
}

#[tokio::test]
async fn a_version_that_is_for_nobody_known_cannot_be_seen() {
    let server = Postgres::prepare().sql(CREATE).start();
    let scene = Scene::new();
    let consumer = notifier(&scene, &server, "");
    let notice = Notice { identity: None, ..notice("app", None, scene.surroundings.clock.now()) };
    assert_eq!(consumer.adopted(&notice).await.unwrap_err().kind, ErrorKind::InvalidConfig);
}
