//! What happens to a user, and what does not.

use keywheel_core::ErrorKind;
use keywheel_testservers::{Redis, RedisSetup, RedisUsers};
use rstest::rstest;
use serde_json::json;

use crate::scene::{NEW, OLD, Scene, app, with_app};

/// `ACL LIST` without passwords.
fn rules(server: &Redis) -> String {
    let users = server.command(&["ACL", "LIST"]);
    let words = users.split(' ').filter(|word| !word.starts_with('#'));
    words.collect::<Vec<_>>().join(" ")
}

/// As it is read from outside.
fn passwords(server: &Redis, user: &str) -> usize {
    let users = server.command(&["ACL", "LIST"]);
    let line = users.lines().find(|line| line.split(' ').nth(1) == Some(user)).unwrap();
    line.split(' ').filter(|word| word.starts_with('#')).count()
}

#[rstest]
#[case::overlap("overlap")]
#[case::in_place("in-place")]
#[tokio::test]
async fn nothing_but_the_password_changes(#[case] strategy: &str) {
    let intricate = format!(
        "app on sanitize-payload >{OLD} ~cache:* %R~read:* %W~write:* &news.* &alerts -@all +@read +set +config|get \
         -debug (~other:* +get) (%R~third:* +@hash -hset)"
    );
    let bystander = "bystander on skip-sanitize-payload >theirs-and-nobody-elses ~* &* +@all".to_owned();
    let server = Redis::start(RedisSetup { users: vec![intricate, bystander], ..RedisSetup::default() });
    let before = rules(&server);
    let user = Scene::new(server.port()).with("strategy", json!(strategy)).app();
    user.apply(NEW, Some(OLD)).await.unwrap();
    assert_eq!(rules(&server), before);
    assert_eq!(passwords(&server, "app"), if strategy == "overlap" { 2 } else { 1 });
    assert_eq!(user.accepts(OLD).await, strategy == "overlap");
    user.revoke(OLD, Some(NEW)).await.unwrap();
    assert_eq!(rules(&server), before);
    assert_eq!((passwords(&server, "app"), passwords(&server, "bystander")), (1, 1));
    assert_eq!(server.command_as("bystander", "theirs-and-nobody-elses", &["PING"]), "PONG");
}

#[rstest]
#[case::unicode("приложение-🔑")]
#[case::punctuation("a>b#c!d~e&f+g-h@i|j(k)*%")]
#[case::a_rule("nopass")]
#[case::quotes(r#"quote"d\'name"#)]
#[tokio::test]
async fn a_name_is_only_a_name(#[case] name: &str) {
    let server = Redis::start(RedisSetup::default());
    let made = server.command(&["ACL", "SETUSER", name, "on", &format!(">{OLD}"), "+ping"]);
    assert_eq!(made, "OK");
    Scene::new(server.port()).user(name).rotate().await;
    assert_eq!(passwords(&server, "admin"), 1);
}

#[rstest]
#[case::missing("nobody-here")]
#[case::no_name_of_redis("two words")]
#[case::empty("")]
#[tokio::test]
async fn a_user_that_is_missing_is_never_made(#[case] name: &str) {
    let server = with_app(RedisUsers::AclFile);
    let before = server.command(&["ACL", "LIST"]);
    let user = Scene::new(server.port()).user(name);
    for error in [user.apply(NEW, Some(OLD)).await, user.revoke(OLD, Some(NEW)).await] {
        let error = error.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
    }
    // Whom nobody can log in as is refused already.
    user.revoke(OLD, None).await.unwrap();
    assert!(!user.accepts(OLD).await);
    assert_eq!(server.command(&["ACL", "LIST"]), before);
    assert!(user.findings().await.contains("the server has no user"), "{}", user.findings().await);
}

#[tokio::test]
async fn a_password_of_somebody_else_is_left_and_reported() {
    let server = with_app(RedisUsers::AclFile);
    server.command(&["ACL", "SETUSER", "app", ">put-there-by-hand-long-ago"]);
    let user = Scene::new(server.port()).app();
    assert_eq!(user.findings().await, "");
    user.apply(NEW, Some(OLD)).await.unwrap();
    assert!(
        user.findings().await.starts_with("Warning: the user app accepts 3 passwords"),
        "{}",
        user.findings().await
    );
    user.revoke(OLD, Some(NEW)).await.unwrap();
    assert!(user.accepts("put-there-by-hand-long-ago").await);
    assert!(!user.accepts(OLD).await);
}

#[tokio::test]
async fn the_old_credential_stays_when_the_one_that_should_remain_is_refused() {
    let server = with_app(RedisUsers::AclFile);
    let user = Scene::new(server.port()).app();
    let error = user.revoke(OLD, Some(NEW)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    let error = user.revoke(OLD, Some(OLD)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    assert!(user.accepts(OLD).await);
    // Nothing is to remain: that is what an undo of the first credential asks for.
    user.revoke(OLD, None).await.unwrap();
    assert!(!user.accepts(OLD).await);
}

#[tokio::test]
async fn a_user_without_the_right_to_ping_logs_in_all_the_same() {
    let user = format!("app on >{OLD} -@all");
    let server = Redis::start(RedisSetup { users: vec![user], ..RedisSetup::default() });
    Scene::new(server.port()).app().rotate().await;
}

#[tokio::test]
async fn a_user_that_is_off_is_refused_and_nothing_is_applied() {
    let off = app().replace(" on ", " off ");
    let server = Redis::start(RedisSetup { users: vec![off], ..RedisSetup::default() });
    let before = server.command(&["ACL", "LIST"]);
    let user = Scene::new(server.port()).app();
    assert!(!user.accepts(OLD).await);
    let error = user.apply(NEW, Some(OLD)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
    assert_eq!(server.command(&["ACL", "LIST"]), before);
    assert!(user.findings().await.contains("the user app is off"));
}

#[tokio::test]
async fn open_connections_end_with_the_old_password_only_where_that_is_asked_for() {
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };
    for flush in [false, true] {
        let server = with_app(RedisUsers::AclFile);
        let mut open = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        let mut reply = [0; 64];
        open.write_all(format!("AUTH app {OLD}\r\n").as_bytes()).unwrap();
        let length = open.read(&mut reply).unwrap();
        assert_eq!(&reply[..length], b"+OK\r\n");
        let user = Scene::new(server.port()).with("flush-sessions", json!(flush)).app();
        user.rotate().await;
        let _broken = open.write_all(b"PING\r\n");
        assert_eq!(open.read(&mut reply).unwrap_or(0) == 0, flush);
        // Nobody is connected any more: that is fine too.
        user.revoke(OLD, Some(NEW)).await.unwrap();
    }
}

#[tokio::test]
async fn no_password_is_in_what_the_server_writes_down() {
    use std::process::{Command, Stdio};
    let settings =
        ["slowlog-log-slower-than 0", "slowlog-max-len 10000", "acllog-max-len 1000", "loglevel debug"];
    let settings = settings.map(str::to_owned).to_vec();
    let server = Redis::start(RedisSetup { users: vec![app()], settings, ..RedisSetup::default() });
    let monitored = server.directory().join("monitored");
    let mut monitor = Command::new("redis-cli")
        .args(["-p", &server.port().to_string(), "--user", "admin", "--no-auth-warning", "MONITOR"])
        .env("REDISCLI_AUTH", Redis::PASSWORD)
        .stdout(std::fs::File::create(&monitored).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let read = || std::fs::read_to_string(&monitored).unwrap();
    keywheel_testservers::until("the monitor", || read().contains("OK").then_some(()));
    Scene::new(server.port()).app().rotate().await;
    Scene::new(server.port()).with("strategy", json!("in-place")).app().apply(OLD, Some(NEW)).await.unwrap();
    keywheel_testservers::until("what was done", || read().contains("PING").then_some(()));
    monitor.kill().unwrap();
    monitor.wait().unwrap();
    let slow = server.command(&["SLOWLOG", "GET", "-1"]);
    let refused = server.command(&["ACL", "LOG", "1000"]);
    assert!(slow.contains("SETUSER") && refused.contains("app"), "{slow}\n{refused}");
    for text in [slow, refused, read(), server.log()] {
        for password in [OLD, NEW, Redis::PASSWORD] {
            assert!(!text.contains(password), "{text}");
        }
    }
}
