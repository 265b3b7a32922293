//! What `doctor` finds.

use keywheel_core::{
    Identity,
    provider::{Finding, Severity},
};
use rstest::rstest;

use crate::scene::{Scene, words};

async fn examine(scene: &Scene, more: &str, rights: &str) -> Vec<Finding> {
    scene.server.sql(&format!("CREATE USER small@'%' IDENTIFIED BY 'small-password'; {rights}"));
    std::fs::write(scene.directory.path().join("small"), "small-password\n").unwrap();
    let settings =
        scene.settings_without_login(&format!("{more}\nlogin: {{ user: small, password: file:small }}"));
    let before = scene.state();
    let findings = scene.target(&settings).rotator(Some(&Identity::from("app"))).examine().await;
    assert_eq!(scene.state(), before);
    findings
}

#[rstest]
#[case::nothing("", "", &["GRANT CREATE USER ON *.* TO 'small'@'%';", "GRANT SELECT ON mysql.* TO 'small'@'%';"])]
#[case::no_look("", "GRANT CREATE USER ON *.* TO small@'%'", &["GRANT SELECT ON mysql.* TO 'small'@'%';"])]
#[case::enough("", "GRANT CREATE USER ON *.* TO small@'%'; GRANT SELECT ON mysql.* TO small@'%'", &[])]
#[case::the_tables_themselves("", "GRANT SELECT, UPDATE ON mysql.* TO small@'%'", &[])]
#[case::no_option(
    "strategy: alternating",
    "GRANT CREATE USER ON *.* TO small@'%'; GRANT SELECT ON mysql.* TO small@'%'",
    &["WITH GRANT OPTION"]
)]
#[tokio::test]
async fn a_right_that_is_missing_is_named_with_what_grants_it(
    #[case] more: &str,
    #[case] rights: &str,
    #[case] hints: &[&str],
) {
    let findings = examine(&Scene::new(), more, rights).await;
    assert_eq!(findings.len(), hints.len(), "{}", words(&findings));
    for (finding, hint) in findings.iter().zip(hints) {
        assert!(finding.hint.as_deref().unwrap_or_default().contains(hint), "{}", words(&findings));
    }
}

#[tokio::test]
async fn what_the_findings_ask_for_is_enough() {
    let scene = Scene::new();
    let findings = examine(&scene, "", "").await;
    for finding in &findings {
        scene.server.sql(finding.hint.as_deref().unwrap());
    }
    let settings = scene.settings_without_login("login: { user: small, password: file:small }");
    let rotator = scene.target(&settings).rotator(Some(&Identity::from("app")));
    assert_eq!(rotator.examine().await, []);
    crate::scene::apply(&rotator, "app").await.unwrap();
}

#[rstest]
#[case::no_account("DROP USER app@'%'", "no such account")]
#[case::locked("ALTER USER app@'%' ACCOUNT LOCK", "locked")]
#[case::no_password("ALTER USER app@'%' IDENTIFIED VIA unix_socket", "unix_socket")]
#[case::tls("ALTER USER app@'%' REQUIRE SSL", "requires TLS")]
#[case::a_certificate("ALTER USER app@'%' REQUIRE X509", "certificate")]
#[case::two_hosts("CREATE USER app@localhost", "`app@localhost`")]
#[tokio::test]
async fn an_account_that_could_not_be_rotated_is_an_error(#[case] change: &str, #[case] expected: &str) {
    let scene = Scene::new();
    scene.server.sql(change);
    let findings = scene.rotator("", "app").examine().await;
    assert_eq!(findings.len(), 1, "{}", words(&findings));
    assert_eq!(findings[0].severity, Severity::Error);
    assert!(findings[0].message.contains(expected), "{}", words(&findings));
}

#[tokio::test]
async fn a_wrong_login_and_a_wrong_server_are_told_apart() {
    let scene = Scene::new();
    let findings = words(&scene.rotator("server: mysql", "app").examine().await);
    assert!(findings.contains("write `server: mariadb`"), "{findings}");
    std::fs::write(scene.directory.path().join("admin"), "not-the-password").unwrap();
    let findings = words(&scene.rotator("", "app").examine().await);
    assert!(findings.contains("refused the login") && findings.contains("file:"), "{findings}");
    assert!(!findings.contains("not-the-password"), "{findings}");
    std::fs::remove_file(scene.directory.path().join("admin")).unwrap();
    let findings = words(&scene.rotator("", "app").examine().await);
    assert!(findings.contains("does not exist"), "{findings}");
}
