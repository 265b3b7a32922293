//! Servers that show who they are.

use std::fs;

use keywheel_core::{ErrorKind, rotator::Probe};
use keywheel_testservers::Authority;
use rstest::rstest;
use tempfile::TempDir;

use crate::scene::{NEW, OLD, Scene, apply, credential, probe, words};

/// Files `ca.pem`, `other.pem`, `server.pem` and `server.key`; the server's certificate is for `db.test`.
fn certificates() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| fs::write(directory.path().join(name), text).unwrap();
    let authority = Authority::called("ours");
    write("ca.pem", authority.pem());
    write("other.pem", Authority::called("another").pem());
    let [certificate, key] = authority.issue("db.test");
    write("server.pem", certificate);
    write("server.key", key);
    directory
}

/// A server with such a certificate, whose account requires TLS.
fn scene() -> Scene {
    let files = certificates();
    let option = |name: &str, file: &str| format!("--ssl-{name}={}", files.path().join(file).display());
    let options = [option("ca", "ca.pem"), option("cert", "server.pem"), option("key", "server.key")];
    let mut scene = Scene::with(&options.each_ref().map(String::as_str));
    scene.server.sql("ALTER USER app@'%' REQUIRE SSL");
    for name in ["ca.pem", "other.pem"] {
        fs::copy(files.path().join(name), scene.directory.path().join(name)).unwrap();
    }
    scene.kept.push(files);
    scene
}

#[rstest]
#[case::verified("{ root-certificate: ca.pem, server-name: db.test }", "in-place", "app")]
#[case::taking_turns("{ root-certificate: ca.pem, server-name: db.test }", "alternating", "app_clone")]
#[case::whoever_answers("{ mode: require }", "in-place", "app")]
#[tokio::test]
async fn a_rotation_over_tls(#[case] tls: &str, #[case] strategy: &str, #[case] whom: &str) {
    let scene = scene();
    let rotator = scene.rotator(&format!("tls: {tls}\nstrategy: {strategy}"), "app");
    assert_eq!(words(&rotator.examine().await), "");
    apply(&rotator, whom).await.unwrap();
    assert_eq!(probe(&rotator, whom, NEW).await, Probe::Accepted);
    // What the first requires, the second requires.
    let error = scene.rotator("", whom).probe(credential(whom, NEW).lend()).await.unwrap_err();
    assert!(error.message.contains("requires TLS"), "{error}");
}

#[rstest]
#[case::another_authority("{ root-certificate: other.pem, server-name: db.test }", "not trusted")]
#[case::the_built_in_ones("{ server-name: db.test }", "not trusted")]
#[case::another_name("{ root-certificate: ca.pem, server-name: other.test }", "not trusted")]
#[case::the_address("{ root-certificate: ca.pem }", "not trusted")]
#[case::no_file("{ root-certificate: nothing.pem }", "is not there")]
#[tokio::test]
async fn a_server_that_does_not_show_who_it_is_gets_no_password(#[case] tls: &str, #[case] expected: &str) {
    let scene = scene();
    let before = scene.state();
    let rotator = scene.rotator(&format!("tls: {tls}"), "app");
    let probed = rotator.probe(credential("app", OLD).lend()).await.unwrap_err();
    let applied = apply(&rotator, "app").await.unwrap_err();
    for error in [probed, applied] {
        assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
        assert!(error.message.contains(expected), "{error}");
    }
    assert_eq!(scene.state(), before);
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to_in_the_clear() {
    let scene = Scene::new();
    for tls in ["{}", "{ mode: require }"] {
        let rotator = scene.rotator(&format!("tls: {tls}"), "app");
        let error = rotator.probe(credential("app", OLD).lend()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
        assert!(error.message.contains("offers no TLS"), "{error}");
    }
}
