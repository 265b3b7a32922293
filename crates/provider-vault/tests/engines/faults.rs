//! Answers that are lost, late or wrong.

use keywheel_core::{
    Effect, ErrorKind, Identity,
    rotator::{Credential, Rotator},
};
use keywheel_testservers::vault::{Fake, Trouble};
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scene::{rotation, target, value};

/// A fake with the role, the connection and the key `app`.
struct Stage {
    fake: Fake,
    directory: TempDir,
}

impl Stage {
    fn set() -> Self {
        let fake = Fake::start();
        fake.state(|state| {
            state.mount("database", "database", "");
            state.mount("transit", "transit", "");
            state.make_credentials();
        });
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("token"), Fake::ROOT).unwrap();
        Self { fake, directory }
    }

    fn rotator(&self, kind: &str) -> std::sync::Arc<dyn Rotator> {
        let settings = format!("address: '{}'\nauth: {{ token: 'file:token' }}", self.fake.url());
        target(self.directory.path(), kind, &settings).unwrap().rotator(Some(&Identity::from("app")))
    }

    fn asked(&self, words: &str) -> usize {
        self.fake.seen().iter().filter(|seen| seen.contains(words)).count()
    }
}

const REISSUING: [(&str, &str); 2] = [("vault-static-role", "rotate-role"), ("vault-transit-key", "/rotate")];

#[rstest]
#[tokio::test]
async fn a_failure_of_the_server_may_have_happened_and_is_not_asked_for_twice(
    #[values(0, 1)] kind: usize,
    #[values(500, 502, 503, 504)] status: u16,
) {
    let (kind, words) = REISSUING[kind];
    let stage = Stage::set();
    let rotator = stage.rotator(kind);
    let seen = rotator.generation().await.unwrap();
    // With `Retry-After`, too: whoever was put off may have been served all the same.
    let headers = vec![("retry-after", "0".to_owned())];
    stage.fake.trouble(words, Trouble::CarriedOutAndAnswered(status, headers));
    let error = rotator.reissue(&rotation(1), seen.as_ref()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::MaybeApplied), "{error}");
    assert_eq!(stage.asked(words), 1);
    let made = rotator.reissue(&rotation(1), seen.as_ref()).await.unwrap();
    assert_eq!(stage.asked(words), 0, "it had moved on");
    let credential = Credential { identity: None, value: &made.value };
    assert_eq!(rotator.probe(credential).await.unwrap(), keywheel_core::rotator::Probe::Accepted);
}

#[rstest]
#[tokio::test]
async fn a_look_that_fails_after_the_rotation_may_have_changed_something(#[values(0, 1)] kind: usize) {
    let (kind, words) = REISSUING[kind];
    let stage = Stage::set();
    let rotator = stage.rotator(kind);
    let seen = rotator.generation().await.unwrap();
    let look = if kind == "vault-static-role" { "GET database/static-creds" } else { "GET transit/keys" };
    // The first look is answered, the second one is not allowed any more.
    stage.fake.trouble(look, Trouble::Meanwhile(Box::new(|_| ())));
    stage.fake.trouble(look, Trouble::Answered(403, Vec::new(), Value::Null));
    let error = rotator.reissue(&rotation(1), seen.as_ref()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::PermissionDenied, Effect::MaybeApplied), "{error}");
    assert_eq!(stage.asked(words), 1);
}

#[rstest]
#[tokio::test]
async fn yes_without_a_change_is_not_believed(#[values(0, 1)] kind: usize) {
    let (kind, words) = REISSUING[kind];
    let stage = Stage::set();
    let rotator = stage.rotator(kind);
    let seen = rotator.generation().await.unwrap();
    stage.fake.trouble(words, Trouble::Answered(204, Vec::new(), Value::Null));
    let error = rotator.reissue(&rotation(1), seen.as_ref()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::MaybeApplied), "{error}");
}

#[rstest]
#[case::role("vault-static-role", "rotate-role")]
#[case::root("vault-root-credential", "rotate-root")]
#[case::key("vault-transit-key", "/rotate")]
#[tokio::test]
async fn what_is_refused_was_not_done(#[case] kind: &str, #[case] words: &str) {
    let stage = Stage::set();
    let rotator = stage.rotator(kind);
    let seen = rotator.generation().await.unwrap();
    for (status, expected) in [(403, ErrorKind::PermissionDenied), (429, ErrorKind::RateLimited)] {
        let body = json!({ "errors": ["permission denied"] });
        stage.fake.trouble(words, Trouble::Answered(status, Vec::new(), body));
        let error = rotator.reissue(&rotation(1), seen.as_ref()).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (expected, Effect::NotApplied), "{error}");
    }
    assert_eq!(rotator.generation().await.unwrap(), seen);
}

#[tokio::test]
async fn an_answer_of_something_else_is_named() {
    let stage = Stage::set();
    let rotator = stage.rotator("vault-static-role");
    stage.fake.trouble(
        "static-creds",
        Trouble::Answered(200, Vec::new(), json!({ "data": { "password": "p-4711" } })),
    );
    let error = rotator.generation().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("check `address` and `mount`") && !error.to_string().contains("p-4711"),
        "{error}"
    );
}

#[tokio::test]
async fn nobody_tells_it_a_value() {
    let stage = Stage::set();
    let mine = value("a-value-of-my-own");
    for kind in ["vault-static-role", "vault-root-credential", "vault-transit-key"] {
        let rotator = stage.rotator(kind);
        let error =
            rotator.apply(&rotation(1), Credential { identity: None, value: &mine }, None).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Unsupported, Effect::NotApplied), "{error}");
    }
    let changes: Vec<_> = stage.fake.seen().into_iter().filter(|seen| !seen.starts_with("GET")).collect();
    assert_eq!(changes, Vec::<String>::new());
}
