//! One role whose password changes at once.

use keywheel_core::{Effect, ErrorKind, rotator::Probe};
use keywheel_testservers::Postgres;
use rstest::rstest;

use crate::scene::{Scene, owned};

const CREATE: &str = "CREATE ROLE app LOGIN PASSWORD 'value-one'";

#[tokio::test]
async fn the_log_of_every_statement_holds_no_password() {
    let server = Postgres::prepare().sql("CREATE ROLE app LOGIN; CREATE ROLE other LOGIN").start();
    let scene = Scene::new();
    let (one, two) = (owned("app", "value-one-in-no-log"), owned("app", "value-two-in-no-log"));
    let rotator = scene.rotator(server.port(), "in-place", "app");
    rotator.apply(&scene.unhurried(), one.lend(), None).await.unwrap();
    let own = scene.own(server.port(), "app");
    own.apply(&scene.unhurried(), two.lend(), Some(one.lend())).await.unwrap();
    rotator.revoke(&scene.unhurried(), one.lend(), Some(two.lend())).await.unwrap();
    rotator.revoke(&scene.unhurried(), two.lend(), None).await.unwrap();
    let turns = scene.rotator(server.port(), "alternating", "other");
    turns.apply(&scene.unhurried(), owned("other_clone", "value-two-in-no-log").lend(), None).await.unwrap();
    let log = server.log();
    assert!(log.contains("ALTER ROLE \"app\" PASSWORD 'SCRAM-SHA-256$"), "{log}");
    assert!(!log.contains("in-no-log") && !log.contains(Postgres::PASSWORD), "{log}");
}

#[rstest]
#[case::quotes("o'Brien \"the\" \\ app; DROP ROLE postgres --")]
#[case::unicode("größe-😀-Ω")]
#[case::longest(&"x".repeat(63))]
#[case::longest_unicode(&format!("{}x", "ä".repeat(31)))]
#[tokio::test]
async fn a_role_may_be_called_anything(
    #[case] role: &str,
    #[values("in-place", "alternating")] strategy: &str,
) {
    let server = Postgres::start();
    server.sql(&format!("CREATE ROLE {} LOGIN PASSWORD 'value-one'", quoted(role)));
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), strategy, role);
    let one = owned(role, "value-one");
    assert_eq!(rotator.probe(one.lend()).await.unwrap(), Probe::Accepted);
    let next = rotator.next_identity(Some(&role.into())).unwrap().unwrap();
    let two = owned(next.as_str(), "value'two\\\"");
    rotator.apply(&scene.unhurried(), two.lend(), Some(one.lend())).await.unwrap();
    assert_eq!(rotator.probe(two.lend()).await.unwrap(), Probe::Accepted);
    rotator.revoke(&scene.unhurried(), one.lend(), Some(two.lend())).await.unwrap();
    assert_eq!(rotator.probe(one.lend()).await.unwrap(), Probe::Rejected);
    assert_eq!(rotator.probe(two.lend()).await.unwrap(), Probe::Accepted);
    assert_eq!(rotator.next_identity(Some(&next)).unwrap().unwrap().as_str(), role);
}

/// The server would cut it, and change another role.
#[tokio::test]
async fn a_name_that_the_server_would_cut_is_refused() {
    let server = Postgres::start();
    let (long, cut) = ("x".repeat(70), "x".repeat(63));
    server.sql(&format!("CREATE ROLE {} LOGIN PASSWORD 'value-one'", quoted(&cut)));
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), "in-place", &long);
    let two = owned(&long, "value-two");
    let error = rotator.apply(&scene.unhurried(), two.lend(), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{error}");
    assert!(error.to_string().contains("70 bytes"), "{error}");
    assert_eq!(rotator.probe(two.lend()).await.unwrap_err().kind, ErrorKind::InvalidConfig);
    let known = scene.rotator(server.port(), "in-place", &cut);
    assert_eq!(known.probe(owned(&cut, "value-one").lend()).await.unwrap(), Probe::Accepted);
}

#[tokio::test]
async fn a_role_changes_its_own_password_and_a_lost_answer_is_no_obstacle() {
    let server = Postgres::prepare().sql(CREATE).start();
    let scene = Scene::new();
    let rotator = scene.own(server.port(), "app");
    let (one, two, three) =
        (owned("app", "value-one"), owned("app", "value-two"), owned("app", "value-three"));
    rotator.apply(&scene.unhurried(), two.lend(), Some(one.lend())).await.unwrap();
    // Again, as after a lost answer: the current value is refused by now.
    rotator.apply(&scene.unhurried(), two.lend(), Some(one.lend())).await.unwrap();
    assert_eq!(rotator.probe(one.lend()).await.unwrap(), Probe::Rejected);
    assert_eq!(rotator.probe(two.lend()).await.unwrap(), Probe::Accepted);
    for current in [Some(one.lend()), None] {
        let error = rotator.apply(&scene.unhurried(), three.lend(), current).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Unauthenticated, Effect::NotApplied), "{error}");
    }
    rotator.revoke(&scene.unhurried(), two.lend(), Some(three.lend())).await.unwrap();
    assert_eq!(rotator.probe(two.lend()).await.unwrap(), Probe::Rejected);
    assert_eq!(rotator.probe(three.lend()).await.unwrap(), Probe::Accepted);
}

/// A rotation that is late finds that somebody else has set another password since.
#[rstest]
#[tokio::test]
async fn revoking_leaves_alone_what_somebody_else_has_set(
    #[values("in-place", "alternating")] strategy: &str,
) {
    let server = Postgres::prepare().sql("CREATE ROLE app LOGIN PASSWORD 'value-of-somebody'").start();
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), strategy, "app");
    let (one, two) = (owned("app", "value-one"), owned("app", "value-two"));
    rotator.revoke(&scene.unhurried(), one.lend(), Some(two.lend())).await.unwrap();
    rotator.revoke(&scene.unhurried(), one.lend(), None).await.unwrap();
    let theirs = owned("app", "value-of-somebody");
    assert_eq!(rotator.probe(theirs.lend()).await.unwrap(), Probe::Accepted);
}

#[tokio::test]
async fn the_administrators_password_is_read_anew() {
    let server = Postgres::prepare().sql(CREATE).start();
    let scene = Scene::new();
    let two = owned("app", "value-two");
    let rotator = scene.rotator(server.port(), "in-place", "app");
    rotator.apply(&scene.unhurried(), two.lend(), None).await.unwrap();
    server.sql("ALTER ROLE postgres PASSWORD 'another'; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'keywheel'");
    let error = loop {
        // The first one may find the session that was ended.
        let error = rotator.apply(&scene.unhurried(), two.lend(), None).await.unwrap_err();
        if error.kind != ErrorKind::Unavailable {
            break error;
        }
    };
    assert_eq!((error.kind, error.effect), (ErrorKind::Unauthenticated, Effect::NotApplied), "{error}");
    std::fs::write(scene.path().join("administrator"), "another\n").unwrap();
    rotator.apply(&scene.unhurried(), two.lend(), None).await.unwrap();
}

#[tokio::test]
async fn a_server_may_be_reached_by_its_socket() {
    let server = Postgres::prepare()
        .sql(CREATE)
        .rules("local all postgres trust\nlocal all all scram-sha-256\n")
        .start();
    let scene = Scene::new();
    let directory = server.directory().display();
    let text = format!("host: {directory}\nport: {}\nstrategy: in-place\n", server.port());
    let rotator = scene.target(&text).unwrap().rotator(Some(&"app".into()));
    let (one, two) = (owned("app", "value-one"), owned("app", "value-two"));
    assert_eq!(rotator.examine().await, []);
    rotator.apply(&scene.unhurried(), two.lend(), Some(one.lend())).await.unwrap();
    assert_eq!(rotator.probe(two.lend()).await.unwrap(), Probe::Accepted);
    assert_eq!(rotator.probe(one.lend()).await.unwrap(), Probe::Rejected);
}

#[tokio::test]
async fn a_password_that_drivers_disagree_on_is_refused_before_anything_is_sent() {
    let server = Postgres::prepare().sql(CREATE).start();
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), "in-place", "app");
    let error =
        rotator.apply(&scene.unhurried(), owned("app", "soft\u{ad}hyphen").lend(), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidValue, Effect::NotApplied), "{error}");
    assert_eq!(rotator.probe(owned("app", "value-one").lend()).await.unwrap(), Probe::Accepted);
}

fn quoted(role: &str) -> String {
    format!("\"{}\"", role.replace('"', "\"\""))
}
