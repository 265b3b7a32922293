//! Two users that take turns, changed by an administrator; `PostgreSQL`.

use std::sync::Arc;

use keywheel_core::ErrorKind;
use keywheel_lambda::{Outcome, Step};
use keywheel_testservers::Postgres;
use rstest::rstest;
use serde_json::{Value, json};

use crate::scene::{OLD, Scene, document, fresh, postgres, role};

/// A role, and the name of a secret with the administrator.
struct Pair {
    server: Arc<Postgres>,
    role: String,
    master: String,
    scene: Scene,
}

fn administrator(server: &Postgres) -> Value {
    json!({
        "engine": "postgres", "host": "127.0.0.1", "port": server.port(), "username": "postgres",
        "password": Postgres::PASSWORD,
    })
}

async fn pair() -> Pair {
    let server = postgres();
    let text = administrator(&server);
    with_master(server, &text.to_string()).await
}

async fn with_master(server: Arc<Postgres>, text: &str) -> Pair {
    let (role, master) = (role(&server), fresh("prod/master"));
    let mut current = document("postgres", server.port(), &role);
    current["masterarn"] = master.as_str().into();
    let scene = Scene::with("alternating", &current.to_string()).await;
    scene.client.create_secret().name(&master).secret_string(text).send().await.unwrap();
    Pair { server, role, master, scene }
}

async fn user(scene: &Scene, label: &str) -> String {
    scene.document(label).await.unwrap()["username"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn users_take_turns_and_the_one_before_goes_on_working() {
    let Pair { server, role, master, scene } = pair().await;
    server.sql(&format!("CREATE TABLE of_{role} (id int); GRANT SELECT ON of_{role} TO {role}"));
    let clone = format!("{role}_clone");
    let (mut before, mut password) = (role.clone(), OLD.to_owned());
    for turn in 0..4 {
        let expected = if turn % 2 == 0 { &clone } else { &role };
        let token = scene.begin().await;
        assert_eq!(scene.step(&token, Step::Create).await.unwrap(), Outcome::Created);
        assert_eq!(scene.step(&token, Step::Set).await.unwrap(), Outcome::Set);
        // In every window the current credential works.
        assert!(server.lets_in(&before, &password), "{turn}");
        assert_eq!(scene.step(&token, Step::Set).await.unwrap(), Outcome::AlreadySet);
        assert_eq!(scene.step(&token, Step::Test).await.unwrap(), Outcome::Tested);
        assert_eq!(scene.step(&token, Step::Finish).await.unwrap(), Outcome::Finished);
        assert_eq!(user(&scene, "AWSCURRENT").await, *expected);
        assert_eq!(scene.document("AWSCURRENT").await.unwrap()["masterarn"], master);
        assert!(server.lets_in(&before, &password), "{turn}: who has not moved still gets in");
        (before, password) = (expected.clone(), scene.password("AWSCURRENT").await);
        assert!(server.lets_in(&before, &password));
    }
    assert_eq!(server.sql(&format!("SET ROLE {clone}; SELECT count(*) FROM of_{role}")), "0");
}

#[rstest]
#[case::no_field(None, "has no `masterarn`")]
#[case::no_secret(Some("prod/nobody"), "does not exist")]
#[tokio::test]
async fn without_an_administrator_nothing_is_set(#[case] master: Option<&str>, #[case] says: &str) {
    let server = postgres();
    let role = role(&server);
    let mut current = document("postgres", server.port(), &role);
    if let Some(master) = master {
        current["masterarn"] = master.into();
    }
    let scene = Scene::with("alternating", &current.to_string()).await;
    let token = scene.begin().await;
    scene.step(&token, Step::Create).await.unwrap();
    let error = scene.step(&token, Step::Set).await.unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
    assert_eq!(server.sql(&format!("SELECT count(*) FROM pg_roles WHERE rolname = '{role}_clone'")), "0");
}

#[rstest]
#[case::of_rds(json!({"username": "postgres", "password": "x"}), "`engine`")]
#[case::other_host(json!({"engine": "postgres", "host": "db.elsewhere", "username": "a", "password": "x"}), "another server")]
#[case::other_port(json!({"engine": "postgres", "host": "127.0.0.1", "username": "a", "password": "x"}), "another server")]
#[case::no_json(json!("keywheel-test-administrator"), "JSON")]
#[tokio::test]
async fn an_administrator_of_another_server_is_not_used(#[case] text: Value, #[case] says: &str) {
    let Pair { server, role, master, scene } = with_master(postgres(), &text.to_string()).await;
    let token = scene.begin().await;
    scene.step(&token, Step::Create).await.unwrap();
    let error = scene.step(&token, Step::Set).await.unwrap_err();
    assert!(error.to_string().contains(says) && error.to_string().contains(&master), "{error}");
    assert!(!error.to_string().contains(Postgres::PASSWORD), "{error}");
    assert_eq!(server.sql(&format!("SELECT count(*) FROM pg_roles WHERE rolname = '{role}_clone'")), "0");
}

#[tokio::test]
async fn an_administrator_whom_the_database_refuses_is_said_to_be_that() {
    let server = postgres();
    let mut text = administrator(&server);
    text["password"] = "not-the-password".into();
    let Pair { server: _server, scene, .. } = with_master(server, &text.to_string()).await;
    let token = scene.begin().await;
    scene.step(&token, Step::Create).await.unwrap();
    let error = scene.step(&token, Step::Set).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthenticated, "{error}");
    assert!(error.to_string().contains("login: postgres"), "{error}");
}

#[tokio::test]
async fn nobody_is_cloned_whose_credential_does_not_work() {
    let Pair { server, role, scene, .. } = pair().await;
    server.sql(&format!("ALTER ROLE {role} PASSWORD 'changed-by-hand'"));
    let token = scene.begin().await;
    scene.step(&token, Step::Create).await.unwrap();
    let error = scene.step(&token, Step::Set).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthenticated, "{error}");
    assert!(error.to_string().contains("only a user whose credential works is cloned"), "{error}");
    assert_eq!(server.sql(&format!("SELECT count(*) FROM pg_roles WHERE rolname = '{role}_clone'")), "0");
}

#[tokio::test]
async fn a_pending_document_for_a_third_user_is_refused() {
    let Pair { server, role, master, scene } = pair().await;
    for wrong in [role.clone(), "postgres".to_owned()] {
        let token = scene.begin().await;
        let mut pending = document("postgres", server.port(), &wrong);
        pending["masterarn"] = master.as_str().into();
        scene.put(&token, &pending.to_string()).await;
        for step in [Step::Create, Step::Set, Step::Finish] {
            let error = scene.step(&token, step).await.unwrap_err();
            assert!(error.to_string().contains("another user"), "{step}: {error}");
        }
    }
    assert!(server.lets_in("postgres", Postgres::PASSWORD));
}

#[tokio::test]
async fn what_the_published_functions_left_is_gone_on_with() {
    let Pair { server, role, scene, .. } = pair().await;
    let clone = format!("{role}_clone");
    // As they make it.
    server.sql(&format!("CREATE ROLE {clone} WITH LOGIN PASSWORD 'theirs'; GRANT {role} TO {clone}"));
    scene.rotate().await;
    assert!(server.lets_in(&clone, &scene.password("AWSCURRENT").await));
    assert!(!server.lets_in(&clone, "theirs"));
}

/// Whatever the order in which steps come, the current credential is accepted at every moment, and at last all is done.
#[tokio::test]
async fn in_no_order_of_steps_is_anybody_locked_out() {
    let orders = [[3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1], [3, 0, 2, 1], [0, 3, 1, 2]];
    for order in orders {
        let Pair { server, scene, .. } = pair().await;
        let token = scene.begin().await;
        let mut rounds = 0;
        while !scene.labels().await.contains(&("AWSCURRENT".to_owned(), token.clone())) {
            rounds += 1;
            assert!(rounds < 5, "{order:?} comes to an end");
            for place in order {
                let _refused = scene.step(&token, Step::ALL[place]).await;
                let (user, password) = (user(&scene, "AWSCURRENT").await, scene.password("AWSCURRENT").await);
                assert!(server.lets_in(&user, &password), "{order:?}: {}", Step::ALL[place]);
            }
        }
    }
}
