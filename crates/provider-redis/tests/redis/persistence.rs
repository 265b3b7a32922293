//! What a restart leaves.

use keywheel_core::{Effect, ErrorKind, Identity, provider::Target};
use keywheel_testservers::{Redis, RedisSetup, RedisUsers};
use rstest::rstest;
use serde_json::json;

use crate::scene::{NEW, OLD, Scene, User, app, with_app};

async fn both(user: &User) -> (bool, bool) {
    (user.accepts(OLD).await, user.accepts(NEW).await)
}

#[rstest]
#[case::acl_file(RedisUsers::AclFile, "overlap")]
#[case::acl_file_in_place(RedisUsers::AclFile, "in-place")]
#[case::config_file(RedisUsers::ConfigFile, "overlap")]
#[case::config_file_in_place(RedisUsers::ConfigFile, "in-place")]
#[tokio::test]
async fn every_step_survives_a_power_cut(#[case] users_in: RedisUsers, #[case] strategy: &str) {
    let mut server = with_app(users_in);
    let user = Scene::new(server.port()).with("strategy", json!(strategy)).app();
    user.apply(NEW, Some(OLD)).await.unwrap();
    server.survive_a_power_cut();
    assert_eq!(both(&user).await, (strategy == "overlap", true));
    // The connection that was kept is gone, and a new one is made.
    user.revoke(OLD, Some(NEW)).await.unwrap();
    server.survive_a_power_cut();
    assert_eq!(both(&user).await, (false, true));
}

#[rstest]
#[case::overlap("overlap")]
#[case::in_place("in-place")]
#[tokio::test]
async fn a_password_that_requirepass_set_is_rotated(#[case] strategy: &str) {
    let setup = RedisSetup {
        users: vec![format!("default on >{OLD} ~* &* +@all")],
        settings: vec![format!("requirepass {OLD}")],
        users_in: RedisUsers::ConfigFile,
        ..RedisSetup::default()
    };
    let mut server = Redis::start(setup);
    let user = Scene::without_login(server.port()).with("strategy", json!(strategy)).nobody();
    user.rotate().await;
    server.survive_a_power_cut();
    assert_eq!(both(&user).await, (false, true));
    assert_eq!(server.command_as("default", NEW, &["PING"]), "PONG");
}

/// As a server that has never heard of users: `requirepass` alone.
#[tokio::test]
async fn requirepass_alone_is_rotated_in_place_and_right_after_a_restart() {
    let setup = RedisSetup {
        // Nothing is said of it but its password.
        users: vec![format!("default >{OLD}")],
        settings: vec![format!("requirepass {OLD}")],
        users_in: RedisUsers::ConfigFile,
        ..RedisSetup::default()
    };
    let mut server = Redis::start(setup);
    let file = server.directory().join("redis.conf");
    let text = std::fs::read_to_string(&file).unwrap();
    let bare: Vec<_> = text.lines().filter(|line| !line.starts_with("user default")).collect();
    std::fs::write(&file, bare.join("\n") + "\n").unwrap();
    server.survive_a_power_cut();
    let user = Scene::without_login(server.port()).with("strategy", json!("in-place")).nobody();
    assert_eq!(both(&user).await, (true, false));
    user.apply(NEW, Some(OLD)).await.unwrap();
    assert_eq!(both(&user).await, (false, true));
    server.survive_a_power_cut();
    assert_eq!(both(&user).await, (false, true));
    user.revoke(OLD, Some(NEW)).await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains(NEW), "the new password is in the file in clear");
}

/// The directory of the file of users is gone: the server can neither write it nor make it anew.
#[tokio::test]
async fn what_cannot_be_saved_is_taken_back_and_said_to_be_unknown() {
    let server = with_app(RedisUsers::AclFile);
    let user = Scene::new(server.port()).app();
    let in_place = Scene::new(server.port()).with("strategy", json!("in-place")).app();
    let before = server.command(&["ACL", "LIST"]);
    let file = server.directory().join("users.acl");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    for user in [&user, &in_place] {
        let error = user.apply(NEW, Some(OLD)).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::MaybeApplied), "{error}");
        // A probe that said yes now would have the rotation go on with a password that a restart ends.
        assert_eq!(server.command(&["ACL", "LIST"]), before);
    }
    std::fs::remove_dir(&file).unwrap();
    user.apply(NEW, Some(OLD)).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    // The old one is not brought back to life; the next attempt saves it, although it is refused already.
    let error = user.revoke(OLD, Some(NEW)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::MaybeApplied), "{error}");
    assert_eq!(both(&user).await, (false, true));
    let error = user.revoke(OLD, Some(NEW)).await.unwrap_err();
    assert_eq!(error.effect, Effect::MaybeApplied, "{error}");
    std::fs::remove_dir(&file).unwrap();
    user.revoke(OLD, Some(NEW)).await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("user app on"), "{text}");
}

#[tokio::test]
async fn many_at_once_share_a_save_and_each_is_saved() {
    const USERS: usize = 300;
    let users = (0..USERS).map(|number| app().replacen("app", &format!("app-{number}"), 1)).collect();
    let mut server = Redis::start(RedisSetup { users, ..RedisSetup::default() });
    let scene = Scene::new(server.port());
    let target = scene.target();
    let user = |number: usize| {
        let name = Identity::new(format!("app-{number}"));
        User::new(target.rotator(Some(&name)), &scene)
    };
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..USERS {
        let user = user(number);
        tasks.spawn(async move { user.rotate().await });
    }
    tasks.join_all().await;
    let calls = server.command(&["INFO", "commandstats"]);
    let saves = calls.lines().find_map(|line| line.strip_prefix("cmdstat_acl|save:calls=")).unwrap();
    let saves: usize = saves.split(',').next().unwrap().parse().unwrap();
    assert!(saves < USERS / 2, "{saves} saves for {} changes", 2 * USERS);
    server.survive_a_power_cut();
    for number in [0, USERS / 2, USERS - 1] {
        assert_eq!(both(&user(number)).await, (false, true));
    }
}
