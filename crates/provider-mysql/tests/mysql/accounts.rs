//! Accounts as they are found in the wild.

use keywheel_core::{Effect, ErrorKind, rotator::Probe};
use rstest::rstest;

use crate::scene::{NEW, OLD, Scene, WRONG, apply, context, credential, probe, state};

#[rstest]
#[case::quotes("o'Brien", "`o'Brien`@`%`")]
#[case::backticks("a`b", "`a``b`@`%`")]
#[case::double_quotes("a\"b", "`a\"b`@`%`")]
#[case::a_backslash("a\\b\\", "`a\\b\\`@`%`")]
#[case::unicode("zürich-東京", "`zürich-東京`@`%`")]
#[case::spaces(" a b ", "` a b `@`%`")]
#[case::longest("üabcdefghiüabcdefghiüabcdefghiüabcdefghiüabcdefghiüabcdefghiüabcdefghiüabcdefghi", "")]
#[tokio::test]
async fn names_are_taken_as_they_are(#[case] name: &str, #[case] quoted: &str) {
    let scene = Scene::new();
    let quoted = if quoted.is_empty() { format!("`{name}`@`%`") } else { quoted.to_owned() };
    scene.server.sql(&format!(
        "CREATE USER {quoted} IDENTIFIED BY '{OLD}'; GRANT UPDATE ON `shop`.* TO {quoted}; GRANT SELECT (id) ON shop.orders TO {quoted}"
    ));
    let rotator = scene.rotator("", name);
    apply(&rotator, name).await.unwrap();
    assert_eq!(probe(&rotator, name, NEW).await, Probe::Accepted);
    assert_eq!(probe(&rotator, name, OLD).await, Probe::Rejected);

    let turns = scene.rotator("strategy: alternating\nserver: mariadb", name);
    let other = turns.next_identity(Some(&name.into())).unwrap().unwrap();
    apply(&turns, other.as_str()).await.unwrap();
    assert_eq!(probe(&turns, other.as_str(), NEW).await, Probe::Accepted);
    let grants = scene.server.sql(
        "SELECT COUNT(*) FROM mysql.db WHERE Update_priv = 'Y'; SELECT COUNT(*) FROM mysql.columns_priv",
    );
    assert_eq!(grants, "2\n2\n");
}

#[tokio::test]
async fn of_several_hosts_one_must_be_named() {
    let scene = Scene::new();
    scene.server.sql(&format!("CREATE USER app@127.0.0.1 IDENTIFIED BY '{OLD}'"));
    let before = scene.state();
    let error = apply(&scene.rotator("", "app"), "app").await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied));
    assert!(error.message.contains("`app@%`, `app@127.0.0.1`"), "{error}");
    assert_eq!(scene.state(), before);

    for (settings, identity) in [("", "app@127.0.0.1"), ("account-host: 127.0.0.1", "app")] {
        let rotator = scene.rotator(settings, identity);
        apply(&rotator, identity).await.unwrap();
        assert_eq!(probe(&rotator, identity, NEW).await, Probe::Accepted);
        // A store may have recorded the name alone.
        assert_eq!(probe(&rotator, "app", NEW).await, Probe::Accepted);
    }
    // The other account still has the old one; a login from here reaches the first.
    let elsewhere = scene.rotator("", "app@%");
    let error = elsewhere.probe(credential("app@%", NEW).lend()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidConfig);
    assert!(error.message.contains("another account, `app@127.0.0.1`"), "{error}");
}

#[tokio::test]
async fn an_account_with_another_host_is_pointed_out() {
    let scene = Scene::new();
    scene.server.sql("RENAME USER app@'%' TO app@'10.%'");
    let error = apply(&scene.rotator("", "app"), "app").await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::NotFound, Effect::NotApplied));
    assert!(error.message.contains("`app@10.%`"), "{error}");
    let error = apply(&scene.rotator("", "nobody"), "nobody").await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::NotFound, Effect::NotApplied));
}

#[tokio::test]
async fn somebody_elses_account_is_not_touched() {
    let scene = Scene::new();
    scene.server.sql("CREATE USER other@'%' IDENTIFIED BY 'x'");
    let before = scene.state();
    for strategy in ["in-place", "alternating"] {
        let rotator = scene.rotator(&format!("strategy: {strategy}"), "app");
        let error = apply(&rotator, "other").await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied));
        let revoked = rotator.revoke(&context(), credential("other", OLD).lend(), None).await;
        assert_eq!(revoked.unwrap_err().kind, ErrorKind::InvalidConfig);
    }
    assert_eq!(scene.state(), before);
}

#[tokio::test]
async fn a_locked_account_is_left_alone() {
    let scene = Scene::new();
    scene.server.sql("ALTER USER app@'%' ACCOUNT LOCK");
    let before = scene.state();
    let rotator = scene.rotator("", "app");
    let error = apply(&rotator, "app").await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied));
    assert!(error.message.contains("locked"), "{error}");
    assert_eq!(scene.state(), before);
    // Unlocked, the password would work: nobody may take it for dead.
    let error = rotator.probe(credential("app", OLD).lend()).await.unwrap_err();
    assert!(error.message.contains("locked"), "{error}");
    assert_eq!(probe(&rotator, "app", WRONG).await, Probe::Rejected);
    let turns = scene.rotator("strategy: alternating", "app");
    let error = apply(&turns, "app_clone").await.unwrap_err();
    assert!(error.message.contains("locked"), "{error}");
    assert_eq!(scene.state(), before);
}

#[rstest]
#[case::in_a_session("0")]
#[case::at_the_login("1")]
#[tokio::test]
async fn an_expired_password_is_not_dead_and_a_rotation_mends_it(#[case] disconnects: &str) {
    let scene = Scene::with(&[&format!("--disconnect-on-expired-password={disconnects}")]);
    scene.server.sql("ALTER USER app@'%' PASSWORD EXPIRE");
    let rotator = scene.rotator("", "app");
    assert_eq!(probe(&rotator, "app", OLD).await, Probe::Accepted);
    assert_eq!(probe(&rotator, "app", WRONG).await, Probe::Rejected);
    let findings = crate::scene::words(&rotator.examine().await);
    assert!(findings.contains("has expired"), "{findings}");
    apply(&rotator, "app").await.unwrap();
    assert_eq!(rotator.examine().await, []);
    assert_eq!(probe(&rotator, "app", NEW).await, Probe::Accepted);
}

#[rstest]
#[case::native("mysql_native_password")]
#[case::ed25519("ed25519")]
#[case::two_of_which_one_has_no_password("unix_socket OR ed25519")]
#[case::the_other_way_round("mysql_native_password OR unix_socket")]
#[tokio::test]
async fn the_ways_of_logging_in_stay(#[case] methods: &str) {
    let scene = Scene::with(&["--plugin-load-add=auth_ed25519"]);
    let using = |methods: &str| {
        let methods: Vec<_> = methods
            .split(" OR ")
            .map(|method| match method {
                "unix_socket" => method.to_owned(),
                method => format!("{method} USING PASSWORD('{OLD}')"),
            })
            .collect();
        methods.join(" OR ")
    };
    scene
        .server
        .sql(&format!("ALTER USER app@'%' IDENTIFIED VIA {} WITH MAX_USER_CONNECTIONS 7", using(methods)));
    let shown = || {
        let shown = scene.server.sql("SHOW CREATE USER app@'%'");
        shown.split('\'').step_by(2).collect::<Vec<_>>().join("?")
    };
    let before = shown();
    let rotator = scene.rotator("", "app");
    assert_eq!(probe(&rotator, "app", OLD).await, Probe::Accepted);
    apply(&rotator, "app").await.unwrap();
    assert_eq!(probe(&rotator, "app", NEW).await, Probe::Accepted);
    assert_eq!(probe(&rotator, "app", OLD).await, Probe::Rejected);
    assert_eq!(shown(), before);

    let turns = scene.rotator("strategy: alternating", "app");
    apply(&turns, "app_clone").await.unwrap();
    assert_eq!(probe(&turns, "app_clone", NEW).await, Probe::Accepted);
    let (new, old) = (credential("app_clone", NEW), credential("app", NEW));
    turns.revoke(&context(), old.lend(), Some(new.lend())).await.unwrap();
    assert_eq!(probe(&turns, "app", NEW).await, Probe::Rejected);
}

#[tokio::test]
async fn an_account_by_itself_may_have_an_ed25519_key() {
    let scene = Scene::with(&["--plugin-load-add=auth_ed25519"]);
    scene.server.sql(&format!("ALTER USER app@'%' IDENTIFIED VIA ed25519 USING PASSWORD('{OLD}')"));
    let rotator = scene.target(&scene.settings_without_login("")).rotator(Some(&"app".into()));
    apply(&rotator, "app").await.unwrap();
    assert_eq!(probe(&rotator, "app", NEW).await, Probe::Accepted);
    assert_eq!(probe(&rotator, "app", OLD).await, Probe::Rejected);

    scene
        .server
        .sql(&format!("ALTER USER app@'%' IDENTIFIED VIA ed25519 USING PASSWORD('{OLD}') OR unix_socket"));
    let before = scene.state();
    let error = apply(&rotator, "app").await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied));
    assert_eq!(scene.state(), before);
}

#[tokio::test]
async fn an_account_without_a_password_has_none_to_rotate() {
    let scene = Scene::new();
    scene.server.sql("ALTER USER app@'%' IDENTIFIED VIA unix_socket");
    let before = scene.state();
    for strategy in ["in-place", "alternating"] {
        let rotator = scene.rotator(&format!("strategy: {strategy}"), "app");
        let error =
            apply(&rotator, if strategy == "in-place" { "app" } else { "app_clone" }).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied));
        assert!(error.message.contains("unix_socket"), "{error}");
    }
    assert_eq!(scene.state(), before);
}

#[tokio::test]
async fn what_an_account_requires_of_its_client_is_not_taken_for_a_wrong_password() {
    let scene = Scene::new();
    scene.server.sql("ALTER USER app@'%' REQUIRE SSL");
    let rotator = scene.rotator("", "app");
    let before = scene.state();
    for error in [
        apply(&rotator, "app").await.unwrap_err(),
        rotator.probe(credential("app", OLD).lend()).await.unwrap_err(),
    ] {
        assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied));
        assert!(error.message.contains("requires TLS"), "{error}");
    }
    assert_eq!(scene.state(), before);
}

#[tokio::test]
async fn passwords_that_no_login_could_use_are_refused() {
    let scene = Scene::new();
    let before = scene.state();
    let rotator = scene.rotator("", "app");
    for bytes in [b"".as_slice(), b"\xff\xfe-not-text", b"with\0nul"] {
        let value = keywheel_core::SecretValue::copy_from(bytes);
        let new = keywheel_core::rotator::Credential { identity: None, value: &value };
        let error = rotator.apply(&context(), new, None).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::InvalidValue, Effect::NotApplied));
    }
    assert_eq!(scene.state(), before);
    for strange in ["'; DROP DATABASE shop; --", "\\' OR 1=1 \\", "päß wörd 🔑 \"`'"] {
        let rotated = rotator.apply(&context(), credential("app", strange).lend(), None).await;
        rotated.unwrap();
        assert_eq!(probe(&rotator, "app", strange).await, Probe::Accepted);
    }
    assert_ne!(state(&scene.server), before);
}
