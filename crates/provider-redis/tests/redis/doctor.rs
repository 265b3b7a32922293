//! What `doctor` says where the administrator is not declared, or nobody answers.

use keywheel_testservers::{RedisUsers, free_port};

use crate::scene::{Scene, with_app};

#[tokio::test]
async fn a_server_that_nobody_reaches_is_an_error() {
    for scene in [Scene::new(free_port()), Scene::without_login(free_port())] {
        let findings = scene.app().findings().await;
        assert!(findings.starts_with("Error: connect: no connection to the server"), "{findings}");
    }
}

#[tokio::test]
async fn without_an_administrator_it_says_what_it_cannot_see() {
    let server = with_app(RedisUsers::AclFile);
    let findings = Scene::without_login(server.port()).app().findings().await;
    assert!(findings.starts_with("Warning: the user changes its own password"), "{findings}");
}

#[tokio::test]
async fn an_administrator_who_may_not_ask_is_told_so_and_looked_at_all_the_same() {
    let server = with_app(RedisUsers::AclFile);
    server.command(&["ACL", "SETUSER", "admin", "-acl|dryrun"]);
    let findings = Scene::new(server.port()).app().findings().await;
    assert!(findings.starts_with("Warning: whether the administrator may do"), "{findings}");
    assert_eq!(findings.lines().count(), 1, "{findings}");
    let findings = Scene::new(server.port()).user("nobody").findings().await;
    assert!(findings.contains("Error: the server has no user nobody"), "{findings}");
}
