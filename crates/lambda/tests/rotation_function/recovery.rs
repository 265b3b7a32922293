//! Databases that were down, went back in time, or were changed without an answer.

use keywheel_core::ErrorKind;
use keywheel_lambda::{Outcome, Step};
use keywheel_testservers::{Authority, Postgres};

use crate::scene::{OLD, Scene, document, postgres, role};

#[tokio::test]
async fn while_the_database_is_down_nothing_is_lost_and_then_it_goes_on() {
    // What the test itself does is to outlive the cut, too.
    let mut server = Postgres::prepare().setting("synchronous_commit", "on").start();
    let role = role(&server);
    let scene = Scene::with("single", &document("postgres", server.port(), &role).to_string()).await;
    let token = scene.begin().await;
    for step in Step::ALL {
        server.kill();
        let before = (scene.labels().await, scene.document("AWSPENDING").await);
        let outcome = scene.step(&token, step).await;
        if step == Step::Create {
            // It has no need of it.
            assert_eq!(outcome.unwrap(), Outcome::Created);
        } else {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unavailable, "{step}: {error}");
            assert_eq!((scene.labels().await, scene.document("AWSPENDING").await), before, "{step}");
        }
        server.start_again();
        scene.step(&token, step).await.unwrap_or_else(|error| panic!("{step}: {error}"));
    }
    assert!(server.lets_in(&role, &scene.password("AWSCURRENT").await));
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_found_by_the_next_call() {
    let server = postgres();
    let role = role(&server);
    let scene = Scene::with("single", &document("postgres", server.port(), &role).to_string()).await;
    let token = scene.begin().await;
    scene.step(&token, Step::Create).await.unwrap();
    let pending = scene.password("AWSPENDING").await;
    server.sql(&format!("ALTER ROLE {role} PASSWORD '{pending}'"));
    assert_eq!(scene.step(&token, Step::Set).await.unwrap(), Outcome::AlreadySet);
    scene.step(&token, Step::Finish).await.unwrap();
    assert_eq!(scene.password("AWSCURRENT").await, pending);
}

#[tokio::test]
async fn a_database_that_went_back_to_the_previous_password_is_rotated_from_there() {
    let server = postgres();
    let role = role(&server);
    let scene = Scene::with("single", &document("postgres", server.port(), &role).to_string()).await;
    scene.rotate().await;
    // A restored backup.
    server.sql(&format!("ALTER ROLE {role} PASSWORD '{OLD}'"));
    let token = scene.begin().await;
    scene.step(&token, Step::Create).await.unwrap();
    assert_eq!(scene.step(&token, Step::Set).await.unwrap(), Outcome::Set);
    scene.step(&token, Step::Finish).await.unwrap();
    assert!(server.lets_in(&role, &scene.password("AWSCURRENT").await));
}

#[tokio::test]
async fn a_previous_version_for_somebody_else_is_not_tried() {
    let server = postgres();
    let (role, other) = (role(&server), role(&server));
    let first = document("postgres", server.port(), &other).to_string();
    let scene = Scene::with("single", &first).await;
    let mut second = document("postgres", server.port(), &role);
    second["password"] = "not-the-password".into();
    let put = scene.client.put_secret_value().secret_id(&scene.name).secret_string(second.to_string());
    put.send().await.unwrap();
    assert_eq!(scene.document("AWSPREVIOUS").await.unwrap()["username"], *other);
    let token = scene.begin().await;
    scene.step(&token, Step::Create).await.unwrap();
    let error = scene.step(&token, Step::Set).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthenticated, "{error}");
    assert!(server.lets_in(&other, OLD) && server.lets_in(&role, OLD));
}

#[tokio::test]
async fn a_server_is_known_by_its_certificate() {
    let authority = Authority::called("keywheel test");
    let [certificate, key] = authority.issue("127.0.0.1");
    let server = Postgres::prepare()
        .file("server.crt", &certificate)
        .file("server.key", &key)
        .setting("ssl", "on")
        .start();
    let role = role(&server);
    let mut text = document("postgres", server.port(), &role);
    text.as_object_mut().unwrap().remove("ssl");
    let scene = Scene::with("single", &text.to_string()).await;
    scene.file("roots.pem", &authority.pem());
    scene.file("others.pem", &Authority::called("somebody else").pem());
    let token = scene.begin().await;
    let call = async |roots: &str, step| {
        let function = scene.function_at(scene.moto_port(), &[("ROOT_CERTIFICATES", roots)]);
        function.serve(&scene.event(&token, step), std::time::Duration::from_mins(1)).await
    };
    call("roots.pem", Step::Create).await.unwrap();
    let error = call("others.pem", Step::Set).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
    assert!(server.lets_in(&role, OLD));
    for step in Step::ALL {
        call("roots.pem", step).await.unwrap_or_else(|error| panic!("{step}: {error}"));
    }
    assert!(server.lets_in(&role, &scene.password("AWSCURRENT").await));
}
