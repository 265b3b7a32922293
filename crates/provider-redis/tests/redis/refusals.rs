//! Servers that are refused, in words, before anything has changed.

use keywheel_core::{Effect, ErrorKind};
use keywheel_testservers::{Redis, RedisSetup, RedisUsers, until};
use serde_json::json;

use crate::scene::{NEW, OLD, Scene, User, app, with_app};

/// Neither apply nor revoke does anything, and both say why.
async fn refused(server: &Redis, user: &User, kind: ErrorKind, why: &str) {
    let before = server.command(&["ACL", "LIST"]);
    for error in [user.apply(NEW, Some(OLD)).await, user.revoke(OLD, None).await] {
        let error = error.unwrap_err();
        assert_eq!((error.kind, error.effect), (kind, Effect::NotApplied), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
    assert_eq!(server.command(&["ACL", "LIST"]), before);
    let findings = user.findings().await;
    assert!(findings.starts_with("Error: ") && findings.contains(why), "{findings}");
}

#[tokio::test]
async fn a_replica_is_refused_also_when_it_became_one_later() {
    let (master, server) = (with_app(RedisUsers::AclFile), with_app(RedisUsers::AclFile));
    let user = Scene::new(server.port()).app();
    user.rotate().await;
    user.apply(OLD, Some(NEW)).await.unwrap();
    server.command(&["REPLICAOF", "127.0.0.1", &master.port().to_string()]);
    refused(&server, &user, ErrorKind::InvalidConfig, "this is a replica").await;
    server.command(&["REPLICAOF", "NO", "ONE"]);
    user.revoke(NEW, Some(OLD)).await.unwrap();
}

#[tokio::test]
async fn a_sentinel_is_refused() {
    let settings = vec!["sentinel monitor main 127.0.0.1 1 1".to_owned()];
    let setup = RedisSetup {
        users: vec![app()],
        settings,
        sentinel: true,
        users_in: RedisUsers::ConfigFile,
        tls: None,
    };
    let server = Redis::start(setup);
    refused(&server, &Scene::new(server.port()).app(), ErrorKind::Unsupported, "this is a Sentinel").await;
}

#[tokio::test]
async fn a_node_of_a_cluster_is_refused() {
    let settings = vec!["cluster-enabled yes".to_owned()];
    let server = Redis::start(RedisSetup { users: vec![app()], settings, ..RedisSetup::default() });
    refused(&server, &Scene::new(server.port()).app(), ErrorKind::Unsupported, "a node of a cluster").await;
}

#[tokio::test]
async fn a_server_that_would_forget_is_refused_unless_that_is_accepted() {
    let server = with_app(RedisUsers::Nowhere);
    let why = "neither an ACL file nor a configuration file";
    refused(&server, &Scene::new(server.port()).app(), ErrorKind::InvalidConfig, why).await;
    let accepted = json!({"none": "another tool writes the users"});
    let user = Scene::new(server.port()).with("persist", accepted).app();
    assert_eq!(user.findings().await, "");
    user.rotate().await;
}

#[tokio::test]
async fn a_user_that_needs_no_password_is_refused() {
    let settings = RedisSetup { users: vec!["app on nopass +ping".to_owned()], ..RedisSetup::default() };
    let server = Redis::start(settings);
    let user = Scene::new(server.port()).app();
    refused(&server, &user, ErrorKind::InvalidConfig, "nopass").await;
    assert!(user.accepts("anything at all").await);
}

#[tokio::test]
async fn a_server_without_any_password_is_refused() {
    let setup =
        RedisSetup { users: vec!["default on nopass ~* &* +@all".to_owned()], ..RedisSetup::default() };
    let server = Redis::start(setup);
    refused(&server, &Scene::new(server.port()).nobody(), ErrorKind::InvalidConfig, "nopass").await;
}

#[tokio::test]
async fn missing_rights_are_named_one_by_one() {
    let server = with_app(RedisUsers::AclFile);
    let rules = "+acl|dryrun +info +multi +acl|getuser +config|get";
    server.command(&["ACL", "SETUSER", "limited", "on", ">limited-password"]);
    for rule in rules.split(' ') {
        server.command(&["ACL", "SETUSER", "limited", rule]);
    }
    let scene = Scene::new(server.port())
        .with("login", json!({"user": "limited", "password": "file:limited"}))
        .with("flush-sessions", json!(true));
    scene.write("limited", "limited-password\n");
    let user = scene.app();
    let findings = user.findings().await;
    for (request, rule) in
        [("ACL SETUSER", "+acl|setuser"), ("EXEC", "+exec"), ("CLIENT KILL USER", "+client|kill")]
    {
        let expected =
            format!("the administrator limited may not run `{request}` (run `ACL SETUSER limited {rule}`");
        assert!(findings.contains(&expected), "{findings}");
    }
    assert_eq!(findings.lines().count(), 3, "{findings}");
    let error = user.apply(NEW, Some(OLD)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::PermissionDenied, Effect::NotApplied), "{error}");
    for rule in ["+acl|setuser", "+exec", "+client|kill"] {
        server.command(&["ACL", "SETUSER", "limited", rule]);
    }
    let findings = user.findings().await;
    assert!(findings.contains("may not run `ACL SAVE`") && findings.lines().count() == 1, "{findings}");
    let error = user.apply(NEW, Some(OLD)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::PermissionDenied, Effect::NotApplied), "{error}");
    assert!(!user.accepts(NEW).await);
    server.command(&["ACL", "SETUSER", "limited", "+acl|save"]);
    assert_eq!(user.findings().await, "");
    user.rotate().await;
}

#[tokio::test]
async fn an_administrator_whose_password_is_wrong_is_told() {
    let server = with_app(RedisUsers::AclFile);
    let scene = Scene::new(server.port());
    scene.write("admin", "not-this-one");
    let user = scene.app();
    refused(&server, &user, ErrorKind::Unauthenticated, "the server refused the administrator's login").await;
    // It is read anew: whoever mends it need not restart anything.
    scene.write("admin", Redis::PASSWORD);
    user.rotate().await;
}

#[tokio::test]
async fn a_server_that_is_full_is_not_one_that_refuses_the_password() {
    let server = with_app(RedisUsers::AclFile);
    let user = Scene::new(server.port()).app();
    let taken: Vec<_> =
        (0..3).map(|_| std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap()).collect();
    assert_eq!(server.command(&["CONFIG", "SET", "maxclients", "3"]), "OK");
    for password in [OLD, NEW] {
        let error = user.try_probe(password).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    }
    let error = user.apply(NEW, Some(OLD)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error}");
    drop(taken);
    until("room", || {
        let reply = server.command(&["PING"]);
        (reply == "PONG").then_some(())
    });
    user.rotate().await;
}

#[tokio::test]
async fn a_server_that_is_loading_is_not_one_that_accepts() {
    let settings =
        ["enable-debug-command yes", "key-load-delay 2000", "loading-process-events-interval-bytes 1024"];
    let settings = settings.map(str::to_owned).to_vec();
    let mut server = Redis::start(RedisSetup { users: vec![app()], settings, ..RedisSetup::default() });
    assert_eq!(server.command(&["DEBUG", "POPULATE", "500", "key", "2000"]), "OK");
    assert_eq!(server.command(&["SAVE"]), "OK");
    let user = Scene::new(server.port()).app();
    server.survive_a_power_cut();
    // A password that is wrong is known to be so from the start; one that is right could not be used yet.
    assert!(!user.accepts(NEW).await);
    let mut loading = 0;
    while let Err(error) = user.try_probe(OLD).await {
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
        loading += 1;
    }
    assert!(loading > 0, "it was not seen loading");
    assert!(user.accepts(OLD).await);
}

/// Such a server quotes what it was sent.
#[tokio::test]
async fn a_login_that_fails_for_another_reason_is_not_a_refused_password() {
    let settings = vec!["rename-command AUTH \"\"".to_owned()];
    let setup = RedisSetup {
        users: vec![app()],
        settings,
        users_in: RedisUsers::ConfigFile,
        ..RedisSetup::default()
    };
    let server = Redis::start(setup);
    let user = Scene::new(server.port()).app();
    let errors = [user.try_probe(OLD).await.unwrap_err(), user.apply(NEW, Some(OLD)).await.unwrap_err()];
    for error in errors {
        assert_eq!((error.kind, error.effect), (ErrorKind::Unsupported, Effect::NotApplied), "{error}");
        let text = format!("{error} {error:?}");
        assert!([OLD, NEW, Redis::PASSWORD].iter().all(|password| !text.contains(password)), "{text}");
    }
}
