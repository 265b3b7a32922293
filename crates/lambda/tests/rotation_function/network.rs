//! Networks that fail, and functions that are ended, anywhere.

use std::time::Duration;

use keywheel_lambda::Step;
use keywheel_testservers::{Mishap, Proxy, Weather};
use rstest::rstest;
use tokio::time::timeout;

use crate::scene::{OLD, Scene, document, postgres, role};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    ToSecretsManager,
    ToTheDatabase,
}

/// Each piece that a step sends is lost, or the reply to it, until there is none left to lose; then the step is called again.
#[rstest]
#[tokio::test]
async fn wherever_the_connection_is_cut_the_next_call_ends_it(
    #[values(Way::ToSecretsManager, Way::ToTheDatabase)] way: Way,
    #[values(Mishap::ReplyLost, Mishap::RequestLost)] mishap: Mishap,
) {
    let server = postgres();
    for step in [Step::Create, Step::Set, Step::Finish] {
        if step == Step::Create && way == Way::ToTheDatabase {
            continue;
        }
        for let_through in 0.. {
            assert!(let_through < 60, "it comes to an end");
            let role = role(&server);
            let to_database = Proxy::to(server.port());
            let scene =
                Scene::with("single", &document("postgres", to_database.port(), &role).to_string()).await;
            let to_manager = Proxy::to(scene.moto_port());
            let token = scene.begin().await;
            for earlier in Step::ALL.into_iter().take_while(|earlier| *earlier != step) {
                scene.step(&token, earlier).await.unwrap();
            }
            let pending = scene.document("AWSPENDING").await;
            let proxy = if way == Way::ToSecretsManager { &to_manager } else { &to_database };
            proxy.set(Weather::Once(let_through, mishap));
            let function = scene.function_at(to_manager.port(), &[]);
            let outcome = function.serve(&scene.event(&token, step), Duration::from_mins(1)).await;
            let struck = proxy.has_struck();
            proxy.set(Weather::Fair);
            if let Err(error) = outcome {
                assert!(struck, "{step} {let_through}: {error}");
            }
            if pending.is_some() {
                assert_eq!(scene.document("AWSPENDING").await, pending, "a value that was there is kept");
            }
            for step in Step::ALL.into_iter().skip_while(|earlier| *earlier != step) {
                let done = scene.step(&token, step).await;
                done.unwrap_or_else(|error| panic!("{step} {way:?} {mishap:?} {let_through}: {error}"));
            }
            assert!(server.lets_in(&role, &scene.password("AWSCURRENT").await));
            assert_eq!(scene.password("AWSPREVIOUS").await, OLD);
            if !struck {
                assert!(let_through >= 2, "{step}: something was sent");
                break;
            }
        }
    }
}

/// Lambda ends a function whose time is over wherever it is.
#[tokio::test]
async fn a_function_that_is_ended_anywhere_is_begun_again() {
    let server = postgres();
    for pause in (0..12).map(|step| Duration::from_millis(step * 8)) {
        let role = role(&server);
        let scene = Scene::with("single", &document("postgres", server.port(), &role).to_string()).await;
        let token = scene.begin().await;
        for step in Step::ALL {
            let _ended = timeout(pause, scene.step(&token, step)).await;
            let done = scene.step(&token, step).await;
            done.unwrap_or_else(|error| panic!("{step} after {pause:?}: {error}"));
        }
        assert!(server.lets_in(&role, &scene.password("AWSCURRENT").await));
        assert_eq!(scene.password("AWSPREVIOUS").await, OLD);
    }
}
