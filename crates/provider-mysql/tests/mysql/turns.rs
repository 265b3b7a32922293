//! Two accounts that take turns.

use std::sync::Arc;

use keywheel_core::{
    Effect, ErrorKind,
    rotator::{Probe, Rotator},
};

use crate::scene::{NEW, OLD, Scene, apply, context, credential, probe};

async fn turn(rotator: &Arc<dyn Rotator>, from: (&str, &str), to: (&str, &str)) {
    let (old, new) = (credential(from.0, from.1), credential(to.0, to.1));
    rotator.apply(&context(), new.lend(), Some(old.lend())).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(probe(rotator, to.0, to.1).await, Probe::Accepted);
    assert_eq!(probe(rotator, from.0, from.1).await, Probe::Accepted);
    rotator.revoke(&context(), old.lend(), Some(new.lend())).await.unwrap();
    assert_eq!(probe(rotator, to.0, to.1).await, Probe::Accepted);
    assert_eq!(probe(rotator, from.0, from.1).await, Probe::Rejected);
}

#[tokio::test]
async fn they_take_turns_for_ever_and_the_one_at_rest_cannot_log_in() {
    let scene = Scene::new();
    let rotator = scene.rotator("strategy: alternating", "app");
    for round in 0..3 {
        let values: Vec<_> = (0..3).map(|number| format!("value-{round}-{number}")).collect();
        if round == 0 {
            turn(&rotator, ("app", OLD), ("app_clone", &values[1])).await;
        } else {
            let before = format!("value-{}-2", round - 1);
            turn(&rotator, ("app", &before), ("app_clone", &values[1])).await;
        }
        turn(&rotator, ("app_clone", &values[1]), ("app", &values[2])).await;
        let at_rest = scene.server.sql(
            "SELECT JSON_VALUE(Priv, '$.account_locked') FROM mysql.global_priv WHERE User = 'app_clone'",
        );
        assert_eq!(at_rest, "1\n");
    }
}

#[tokio::test]
async fn the_second_account_is_what_the_first_is() {
    let scene = Scene::new();
    scene.server.sql(
        "CREATE ROLE readers; GRANT SELECT ON mysql.help_topic TO readers; GRANT readers TO app@'%'; \
         SET DEFAULT ROLE readers FOR app@'%'; \
         GRANT readers TO keeper@127.0.0.1 WITH ADMIN OPTION; \
         CREATE FUNCTION shop.one() RETURNS INT RETURN 1; GRANT EXECUTE ON FUNCTION shop.one TO app@'%'; \
         GRANT SELECT (id), UPDATE (id) ON shop.orders TO app@'%' WITH GRANT OPTION; \
         GRANT PROCESS ON *.* TO app@'%'; CREATE DATABASE `odd``na me_%`; GRANT ALL ON `odd``na me\\_\\%`.* TO app@'%'; \
         ALTER USER app@'%' WITH MAX_USER_CONNECTIONS 9 MAX_QUERIES_PER_HOUR 1000000 MAX_UPDATES_PER_HOUR 2000000 MAX_CONNECTIONS_PER_HOUR 3000000 MAX_STATEMENT_TIME 12.5 PASSWORD EXPIRE INTERVAL 400 DAY;",
    );
    let rotator = scene.rotator("strategy: alternating", "app");
    turn(&rotator, ("app", OLD), ("app_clone", NEW)).await;
    let of = |user: &str| {
        let shown = scene.server.sql(&format!("SHOW GRANTS FOR {user}@'%'; SHOW CREATE USER {user}@'%'"));
        let mut lines: Vec<String> = shown
            .lines()
            .map(|line| {
                line.split('\'')
                    .step_by(2)
                    .collect::<Vec<_>>()
                    .join("?")
                    .replace("app_clone", "app")
                    .replace(" ACCOUNT LOCK", "")
            })
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(of("app_clone"), of("app"));
    assert_eq!(of("app").len(), 8);

    // What the first is given later, the second has at its next turn. What is taken from the first stays taken.
    turn(&rotator, ("app_clone", NEW), ("app", "third")).await;
    scene.server.sql("GRANT DELETE ON shop.* TO app@'%'; REVOKE PROCESS ON *.* FROM app@'%'");
    turn(&rotator, ("app", "third"), ("app_clone", "fourth")).await;
    turn(&rotator, ("app_clone", "fourth"), ("app", "fifth")).await;
    let rights = scene.server.sql("SHOW GRANTS FOR app_clone@'%'; SHOW GRANTS FOR app@'%'");
    assert_eq!(rights.matches("DELETE").count(), 2, "{rights}");
    assert_eq!(rights.matches("PROCESS").count(), 1, "{rights}");
}

#[tokio::test]
async fn an_account_that_is_in_use_is_not_taken_for_the_second_one() {
    let scene = Scene::new();
    scene.server.sql("CREATE USER app_clone@'%' IDENTIFIED BY 'somebody-uses-this'");
    let before = scene.state();
    let rotator = scene.rotator("strategy: alternating", "app");
    let error = apply(&rotator, "app_clone").await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::NotApplied));
    assert!(error.message.contains("ACCOUNT LOCK"), "{error}");
    assert_eq!(scene.state(), before);
    scene.server.sql("ALTER USER app_clone@'%' ACCOUNT LOCK");
    turn(&rotator, ("app", OLD), ("app_clone", NEW)).await;
}

#[tokio::test]
async fn an_administrator_that_lacks_a_right_leaves_a_copy_that_cannot_log_in() {
    let scene = Scene::new();
    scene.server.sql(
        "CREATE USER small@'%' IDENTIFIED BY 'small-password'; GRANT CREATE USER ON *.* TO small@'%'; \
         GRANT SELECT ON mysql.* TO small@'%'",
    );
    std::fs::write(scene.directory.path().join("small"), "small-password\n").unwrap();
    let settings =
        scene.settings_without_login("strategy: alternating\nlogin: { user: small, password: file:small }");
    let rotator = scene.target(&settings).rotator(Some(&"app".into()));
    let error = apply(&rotator, "app_clone").await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::PermissionDenied, Effect::MaybeApplied), "{error}");
    assert_eq!(probe(&rotator, "app_clone", NEW).await, Probe::Rejected);
    assert_eq!(probe(&rotator, "app", OLD).await, Probe::Accepted);
    // The undo, and the next attempt with the right.
    rotator
        .revoke(&context(), credential("app_clone", NEW).lend(), Some(credential("app", OLD).lend()))
        .await
        .unwrap();
    scene.server.sql("GRANT SELECT, INSERT ON shop.* TO small@'%' WITH GRANT OPTION");
    turn(&rotator, ("app", OLD), ("app_clone", NEW)).await;
}

#[tokio::test]
async fn whose_turn_it_is_follows_from_who_has_it() {
    let scene = Scene::new();
    let rotator = scene.rotator("strategy: alternating", "app@%");
    let next =
        |current: Option<&str>| rotator.next_identity(current.map(Into::into).as_ref()).map(Option::unwrap);
    assert_eq!(next(None).unwrap().as_str(), "app@%");
    assert_eq!(next(Some("app@%")).unwrap().as_str(), "app_clone@%");
    assert_eq!(next(Some("app")).unwrap().as_str(), "app_clone@%");
    assert_eq!(next(Some("app_clone")).unwrap().as_str(), "app@%");
    for other in ["somebody", "app_clone_clone", "app@10.%"] {
        assert_eq!(next(Some(other)).unwrap_err().kind, ErrorKind::InvalidConfig);
    }
}
