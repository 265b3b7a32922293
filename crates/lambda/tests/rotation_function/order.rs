//! The steps in order, again, out of order, and from two rotations at once; one user in `PostgreSQL`.

use keywheel_core::ErrorKind;
use keywheel_lambda::{Outcome, Step};

use crate::scene::{OLD, Scene, document, postgres, role};

#[tokio::test]
async fn four_steps_rotate_and_each_may_come_twice() {
    let server = postgres();
    let role = role(&server);
    let scene = Scene::with("single", &document("postgres", server.port(), &role).to_string()).await;
    let token = scene.begin().await;
    for (step, first, second) in [
        (Step::Create, Outcome::Created, Outcome::AlreadyCreated),
        (Step::Set, Outcome::Set, Outcome::AlreadySet),
        (Step::Test, Outcome::Tested, Outcome::Tested),
        (Step::Finish, Outcome::Finished, Outcome::AlreadyCurrent),
    ] {
        assert_eq!(scene.step(&token, step).await.unwrap(), first, "{step}");
        let before = (scene.labels().await, scene.document("AWSPENDING").await);
        assert_eq!(scene.step(&token, step).await.unwrap(), second, "{step} again");
        assert_eq!((scene.labels().await, scene.document("AWSPENDING").await), before, "{step} again");
    }
    let new = scene.password("AWSCURRENT").await;
    assert_eq!(new.len(), 32);
    assert!(server.lets_in(&role, &new) && !server.lets_in(&role, OLD));
    assert_eq!(scene.password("AWSPREVIOUS").await, OLD);
    // Nothing but the password differs.
    let mut expected = document("postgres", server.port(), &role);
    expected["password"] = new.into();
    assert_eq!(scene.document("AWSCURRENT").await.unwrap(), expected);
    // Whatever comes now is done.
    for step in Step::ALL {
        assert_eq!(scene.step(&token, step).await.unwrap(), Outcome::AlreadyCurrent, "{step}");
    }
    // No statement had a password in it, nor had the log of the server.
    assert!(!server.log().contains(&scene.password("AWSCURRENT").await));
    // And again, from there.
    scene.rotate().await;
    assert!(server.lets_in(&role, &scene.password("AWSCURRENT").await));
}

#[tokio::test]
async fn a_step_whose_turn_it_is_not_changes_nothing() {
    let server = postgres();
    let role = role(&server);
    let scene = Scene::with("single", &document("postgres", server.port(), &role).to_string()).await;
    let token = scene.begin().await;
    let labels = scene.labels().await;
    for step in [Step::Set, Step::Test, Step::Finish] {
        let error = scene.step(&token, step).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains("createSecret comes first"), "{error}");
    }
    scene.step(&token, Step::Create).await.unwrap();
    for step in [Step::Test, Step::Finish] {
        let error = scene.step(&token, step).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Rejected, "{error}");
        assert!(error.to_string().contains("setSecret comes first"), "{error}");
    }
    assert_eq!(scene.labels().await, labels);
    assert!(server.lets_in(&role, OLD));
    // And then it goes on, without the test.
    scene.step(&token, Step::Set).await.unwrap();
    assert_eq!(scene.step(&token, Step::Finish).await.unwrap(), Outcome::Finished);
}

#[tokio::test]
async fn of_two_rotations_the_later_one_goes_on_where_the_earlier_one_was_left() {
    for steps in 0..3 {
        let server = postgres();
        let role = role(&server);
        let scene = Scene::with("single", &document("postgres", server.port(), &role).to_string()).await;
        let first = scene.begin().await;
        for step in Step::ALL.into_iter().take(steps) {
            scene.step(&first, step).await.unwrap();
        }
        let second = scene.begin().await;
        for step in Step::ALL {
            let error = scene.step(&first, step).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
            assert_eq!(scene.password("AWSCURRENT").await, OLD);
            // In between, the other one.
            scene.step(&second, step).await.unwrap_or_else(|error| panic!("{steps}, {step}: {error}"));
            if step == Step::Finish {
                break;
            }
        }
        let new = scene.password("AWSCURRENT").await;
        assert!(server.lets_in(&role, &new), "{steps}");
        assert!(scene.labels().await.contains(&("AWSCURRENT".to_owned(), second)), "{steps}");
        assert!(scene.step(&first, Step::Finish).await.is_err());
        assert_eq!(scene.password("AWSCURRENT").await, new);
    }
}

#[tokio::test]
async fn two_calls_of_one_step_at_once_end_with_one_value() {
    let server = postgres();
    let role = role(&server);
    let scene = Scene::with("single", &document("postgres", server.port(), &role).to_string()).await;
    let token = scene.begin().await;
    for step in Step::ALL {
        let (a, b) = tokio::join!(scene.step(&token, step), scene.step(&token, step));
        a.unwrap_or_else(|error| panic!("{step}: {error}"));
        b.unwrap_or_else(|error| panic!("{step}: {error}"));
    }
    assert!(server.lets_in(&role, &scene.password("AWSCURRENT").await));
    assert_eq!(scene.password("AWSPREVIOUS").await, OLD);
}

#[tokio::test]
async fn a_configuration_is_tried_without_a_rotation() {
    let server = postgres();
    let role = role(&server);
    let text = document("postgres", server.port(), &role).to_string();
    for users in ["single", "alternating"] {
        let scene = Scene::with(users, &text).await;
        let token = scene.begin().await;
        // So the service does it when a secret is configured and not rotated at once.
        scene.put(&token, &text).await;
        assert_eq!(scene.step(&token, Step::Test).await.unwrap(), Outcome::Tested);
    }
}

#[tokio::test]
async fn a_name_that_is_quoted_everywhere_is_rotated_like_any_other() {
    let server = postgres();
    let role = "it's a \"role\" ü";
    server.sql(&format!("CREATE ROLE \"it's a \"\"role\"\" ü\" LOGIN PASSWORD '{OLD}'"));
    let scene = Scene::with("single", &document("postgres", server.port(), role).to_string()).await;
    scene.rotate().await;
    assert!(server.lets_in(role, &scene.password("AWSCURRENT").await));
}
