//! What `doctor` finds, and that it changes nothing.

use keywheel_core::provider::{Finding, Severity};
use keywheel_testservers::Postgres;

use crate::scene::{ADMINISTRATOR, Scene};

fn hints(findings: &[Finding]) -> Vec<&str> {
    findings.iter().filter_map(|finding| finding.hint.as_deref()).collect()
}

#[tokio::test]
async fn a_server_that_is_ready_has_no_findings_and_is_not_changed() {
    let server = Postgres::prepare().sql("CREATE ROLE app LOGIN PASSWORD 'value-one'").start();
    let scene = Scene::new();
    let roles = "SELECT rolname, rolpassword, rolcanlogin FROM pg_authid ORDER BY 1";
    let before = server.sql(roles);
    for strategy in ["in-place", "alternating"] {
        assert_eq!(scene.rotator(server.port(), strategy, "app").examine().await, []);
    }
    assert_eq!(scene.own(server.port(), "app").examine().await, []);
    assert_eq!(server.sql(roles), before);
    assert!(!server.log().contains("value-one-"), "nothing is logged");
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_role_is_found_at_once() {
    let server = Postgres::prepare()
        .sql("CREATE ROLE app NOLOGIN PASSWORD 'value-one' VALID UNTIL 'yesterday'; CREATE ROLE app_clone NOLOGIN")
        .start();
    let scene = Scene::new();
    let findings = scene.rotator(server.port(), "alternating", "app").examine().await;
    let hints = hints(&findings);
    assert_eq!(
        hints,
        [
            "ALTER ROLE \"app\" VALID UNTIL 'infinity'",
            "drop or rename the role if nobody needs it",
            "ALTER ROLE \"app\" LOGIN"
        ],
        "{findings:?}"
    );
    let findings = scene.rotator(server.port(), "in-place", "nobody").examine().await;
    assert!(findings[0].message.contains("`nobody` does not exist"), "{findings:?}");
}

#[tokio::test]
async fn a_server_that_asks_for_no_password_is_found() {
    let server = Postgres::prepare()
        .sql("CREATE ROLE app LOGIN PASSWORD 'value-one'")
        .rules(
            "local all all trust\nhost all app 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
        )
        .start();
    let scene = Scene::new();
    let findings = scene.rotator(server.port(), "in-place", "app").examine().await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].message.contains("lets `app` in with a wrong password"), "{findings:?}");
}

/// The clone has a name of its own, which rules may not know.
#[tokio::test]
async fn rules_that_do_not_know_the_clone_are_found() {
    let server = Postgres::prepare()
        .sql("CREATE ROLE app LOGIN PASSWORD 'value-one'")
        .rules("local all all trust\nhost all app,postgres 127.0.0.1/32 scram-sha-256\n")
        .start();
    let scene = Scene::new();
    let findings = scene.rotator(server.port(), "alternating", "app").examine().await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    let message = &findings[0].message;
    assert!(message.contains("pg_hba.conf") && message.contains("role: app_clone"), "{findings:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_one_finding() {
    let scene = Scene::new();
    let port = keywheel_testservers::free_port();
    let findings = scene.rotator(port, "alternating", "app").examine().await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].severity, Severity::Warning, "{findings:?}");
}

#[tokio::test]
async fn a_login_that_cannot_be_read_or_is_refused_is_found() {
    let server = Postgres::prepare().sql("CREATE ROLE app LOGIN PASSWORD 'value-one'").start();
    let scene = Scene::new();
    let file = scene.path().join("administrator");
    let target = scene.target(&format!("port: {}\n{ADMINISTRATOR}", server.port())).unwrap();
    let rotator = target.rotator(Some(&"app".into()));
    std::fs::write(&file, "wrong").unwrap();
    let findings = rotator.examine().await;
    assert!(findings.len() == 1 && findings[0].message.contains("login: postgres"), "{findings:?}");
    std::fs::remove_file(&file).unwrap();
    let findings = rotator.examine().await;
    assert!(findings.len() == 1 && findings[0].message.contains("the file does not exist"), "{findings:?}");
    let findings = target.rotator(None).examine().await;
    assert!(findings.len() == 1 && findings[0].message.contains("`identity: ROLE`"), "{findings:?}");
}
