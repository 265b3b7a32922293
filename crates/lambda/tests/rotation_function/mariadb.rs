//! `MariaDB`: one user, and two.

use std::sync::Arc;

use keywheel_core::ErrorKind;
use keywheel_lambda::{Outcome, Step};
use keywheel_testservers::Mariadb;
use serde_json::json;

use crate::scene::{OLD, Scene, account, document, fresh, mariadb};

async fn pair() -> (Arc<Mariadb>, String, Scene) {
    let server = mariadb();
    let (account, master) = (account(&server), fresh("prod/master"));
    let mut current = document("mariadb", server.port(), &account);
    current["masterarn"] = master.as_str().into();
    let scene = Scene::with("alternating", &current.to_string()).await;
    let (user, password) = server.admin();
    let text = json!({
        "engine": "mariadb", "host": "127.0.0.1", "port": server.port(), "username": user, "password": password,
    });
    scene.client.create_secret().name(&master).secret_string(text.to_string()).send().await.unwrap();
    (server, account, scene)
}

async fn user(scene: &Scene, label: &str) -> String {
    scene.document(label).await.unwrap()["username"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_account_changes_its_own_password() {
    let server = mariadb();
    let account = account(&server);
    let scene = Scene::with("single", &document("mariadb", server.port(), &account).to_string()).await;
    scene.rotate().await;
    assert!(server.lets_in(&account, &scene.password("AWSCURRENT").await) && !server.lets_in(&account, OLD));
    let token = scene.begin().await;
    for step in Step::ALL {
        let (first, second) =
            (scene.step(&token, step).await.unwrap(), scene.step(&token, step).await.unwrap());
        assert!(step != Step::Set || (first, second) == (Outcome::Set, Outcome::AlreadySet));
    }
    assert!(server.lets_in(&account, &scene.password("AWSCURRENT").await));
}

#[tokio::test]
async fn two_accounts_take_turns_and_the_one_before_goes_on_working() {
    let (server, account, scene) = pair().await;
    server.sql(&format!("CREATE DATABASE d_{account}; GRANT SELECT ON d_{account}.* TO {account}@'%'"));
    let clone = format!("{account}_clone");
    let (mut before, mut password) = (account.clone(), OLD.to_owned());
    for turn in 0..4 {
        let expected = if turn % 2 == 0 { &clone } else { &account };
        scene.rotate().await;
        assert_eq!(user(&scene, "AWSCURRENT").await, *expected);
        assert!(server.lets_in(&before, &password), "{turn}: who has not moved still gets in");
        (before, password) = (expected.clone(), scene.password("AWSCURRENT").await);
        assert!(server.lets_in(&before, &password), "{turn}");
    }
    assert!(server.sql(&format!("SHOW GRANTS FOR {clone}@'%'")).contains(&format!("d_{account}")));
}

/// The clone was made and unlocked by a rotation that nobody finished. A later one knows by its value whose the clone is.
#[tokio::test]
async fn a_clone_that_an_abandoned_rotation_left_is_taken_over() {
    let (server, account, scene) = pair().await;
    let first = scene.begin().await;
    scene.step(&first, Step::Create).await.unwrap();
    scene.step(&first, Step::Set).await.unwrap();
    let left = scene.password("AWSPENDING").await;
    scene.rotate().await;
    let clone = format!("{account}_clone");
    assert_eq!(user(&scene, "AWSCURRENT").await, clone);
    assert!(server.lets_in(&clone, &scene.password("AWSCURRENT").await) && !server.lets_in(&clone, &left));
}

#[tokio::test]
async fn an_account_that_happens_to_have_the_clones_name_is_left_alone() {
    let (server, account, scene) = pair().await;
    server.sql(&format!("CREATE USER {account}_clone@'%' IDENTIFIED BY 'somebody-elses'"));
    let token = scene.begin().await;
    scene.step(&token, Step::Create).await.unwrap();
    let error = scene.step(&token, Step::Set).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("ACCOUNT LOCK"), "{error}");
    assert!(server.lets_in(&format!("{account}_clone"), "somebody-elses") && server.lets_in(&account, OLD));
}
