//! Encrypted connections, and servers that are not who they should be.

use std::fs;

use keywheel_core::{ErrorKind, rotator::Probe};
use keywheel_testservers::{Authority, Postgres};
use rstest::rstest;

use crate::scene::{ADMINISTRATOR, Scene, owned};

/// A server that takes encrypted connections alone, known as `name` to `authority`.
fn server(authority: &Authority, name: &str, rule: &str) -> Postgres {
    let [certificate, key] = authority.issue(name);
    Postgres::prepare()
        .sql("CREATE ROLE app LOGIN PASSWORD 'value-one'")
        .setting("ssl", "on")
        .file("server.crt", &certificate)
        .file("server.key", &key)
        .setting("ssl_ca_file", "ca.crt")
        .file("ca.crt", &authority.pem())
        .rules(&format!("local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256 {rule}\n"))
        .start()
}

#[rstest]
#[case::full("127.0.0.1", "verify-full", "right", None)]
#[case::name("localhost", "verify-full", "right", None)]
#[case::other_name("elsewhere", "verify-full", "right", Some(ErrorKind::InvalidConfig))]
#[case::other_authority("127.0.0.1", "verify-full", "wrong", Some(ErrorKind::InvalidConfig))]
#[case::any_name("elsewhere", "verify-ca", "right", None)]
#[case::any_name_of_another("elsewhere", "verify-ca", "wrong", Some(ErrorKind::InvalidConfig))]
#[case::require_with_authority("elsewhere", "require", "wrong", Some(ErrorKind::InvalidConfig))]
#[case::require("elsewhere", "require", "", None)]
#[case::prefer("elsewhere", "prefer", "", None)]
#[case::system("127.0.0.1", "verify-full", "", Some(ErrorKind::InvalidConfig))]
#[case::plain("127.0.0.1", "disable", "", Some(ErrorKind::PermissionDenied))]
#[tokio::test]
async fn a_server_is_who_sslmode_says(
    #[case] name: &str,
    #[case] sslmode: &str,
    #[case] authority: &str,
    #[case] refused: Option<ErrorKind>,
) {
    let (right, wrong) = (Authority::called("right"), Authority::called("wrong"));
    let server = server(&right, name, "");
    let scene = Scene::new();
    fs::write(scene.path().join("right.pem"), right.pem()).unwrap();
    fs::write(scene.path().join("wrong.pem"), wrong.pem()).unwrap();
    let host = if name == "localhost" { "localhost" } else { "127.0.0.1" };
    let mut text = format!("host: {host}\nport: {}\nsslmode: {sslmode}\n{ADMINISTRATOR}", server.port());
    if !authority.is_empty() {
        text = format!("{text}root-certificate: {authority}.pem\n");
    }
    let rotator = scene.target(&text).unwrap().rotator(Some(&"app".into()));
    let one = owned("app", "value-one");
    let two = owned("app_clone", "value-two");
    match refused {
        None => {
            assert_eq!(rotator.probe(one.lend()).await.unwrap(), Probe::Accepted);
            rotator.apply(&scene.unhurried(), two.lend(), Some(one.lend())).await.unwrap();
            assert_eq!(rotator.probe(two.lend()).await.unwrap(), Probe::Accepted);
            let wrong = owned("app", "wrong");
            assert_eq!(rotator.probe(wrong.lend()).await.unwrap(), Probe::Rejected);
        }
        Some(kind) => {
            let error = rotator.probe(one.lend()).await.unwrap_err();
            assert_eq!(error.kind, kind, "{error}");
            let error = rotator.apply(&scene.unhurried(), two.lend(), Some(one.lend())).await.unwrap_err();
            assert_eq!(error.kind, kind, "{error}");
        }
    }
}

#[tokio::test]
async fn a_server_that_cannot_encrypt_gets_no_password_where_that_is_required() {
    let server = Postgres::prepare().sql("CREATE ROLE app LOGIN PASSWORD 'value-one'").start();
    let scene = Scene::new();
    for (sslmode, accepted) in [("prefer", true), ("require", false)] {
        let text = format!("port: {}\nsslmode: {sslmode}\nstrategy: in-place\n", server.port());
        let rotator = scene.target(&text).unwrap().rotator(Some(&"app".into()));
        let probed = rotator.probe(owned("app", "value-one").lend()).await;
        assert_eq!(probed.is_ok(), accepted, "{probed:?}");
        assert!(probed.is_ok_and(|probe| probe == Probe::Accepted) || !accepted);
    }
}

#[tokio::test]
async fn an_authority_that_was_replaced_is_read_again() {
    // Of one name, as when an authority renews its key.
    let (old, new) = (Authority::called("ours"), Authority::called("ours"));
    let server = server(&new, "127.0.0.1", "");
    let scene = Scene::new();
    fs::write(scene.path().join("ca.pem"), old.pem()).unwrap();
    let text =
        format!("port: {}\nsslmode: verify-full\nroot-certificate: ca.pem\n{ADMINISTRATOR}", server.port());
    let rotator = scene.target(&text).unwrap().rotator(Some(&"app".into()));
    let one = owned("app", "value-one");
    assert_eq!(rotator.probe(one.lend()).await.unwrap_err().kind, ErrorKind::InvalidConfig);
    fs::write(scene.path().join("ca.pem"), new.pem()).unwrap();
    assert_eq!(rotator.probe(one.lend()).await.unwrap(), Probe::Accepted);
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_the_server_wants_one() {
    let authority = Authority::called("ours");
    let server = server(&authority, "127.0.0.1", "clientcert=verify-ca");
    let scene = Scene::new();
    let [certificate, key] = authority.issue("keywheel");
    fs::write(scene.path().join("ca.pem"), authority.pem()).unwrap();
    fs::write(scene.path().join("client.pem"), certificate).unwrap();
    fs::write(scene.path().join("client.key"), key).unwrap();
    let text =
        format!("port: {}\nsslmode: verify-full\nroot-certificate: ca.pem\n{ADMINISTRATOR}", server.port());
    let one = owned("app", "value-one");
    let without = scene.target(&text).unwrap().rotator(Some(&"app".into()));
    let error = without.probe(one.lend()).await.unwrap_err();
    assert_ne!(error.kind, ErrorKind::Rejected, "{error}");
    let text = format!("{text}client-certificate: {{certificate: client.pem, key: 'file:client.key'}}\n");
    let with = scene.target(&text).unwrap().rotator(Some(&"app".into()));
    assert_eq!(with.probe(one.lend()).await.unwrap(), Probe::Accepted);
    assert_eq!(with.examine().await, []);
}
