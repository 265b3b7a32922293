//! Logging in, staying logged in, and being refused.

use std::{sync::Arc, time::Duration};

use keywheel_core::{
    Effect, ErrorKind, Fingerprinter,
    provider::{Store, Surroundings},
    secret::Stage,
};
use keywheel_testkit::{ManualClock, declared::configure};
use keywheel_testservers::vault::{Fake, Token, Trouble};
use rstest::rstest;
use serde_json::json;

use crate::scene::{Kept, location, on, rotate, text};

pub(crate) const APP_ROLE: &str = "{ app-role: { role-id: role, secret-id: 'file:secret' } }";

pub(crate) const USERPASS: &str = "{ userpass: { user: ops, password: 'file:secret' } }";

/// A fake on which everybody can log in, for so many seconds.
pub(crate) fn open(ttl: u64) -> Fake {
    let fake = Fake::start();
    fake.state(|state| {
        state.roles.given = Token { root: true, ttl, ..Token::default() };
        state.roles.renewable = true;
        "role".clone_into(&mut state.roles.role_id);
        state.roles.secret_ids.insert("secret-of-the-role".to_owned(), 100);
        state.roles.service_account = Some(("rotator".to_owned(), "secret-of-the-role".to_owned()));
        state.roles.users.insert("ops".to_owned(), "secret-of-the-role".to_owned());
    });
    fake
}

pub(crate) struct Logged {
    pub(crate) secret: Kept,
    clock: ManualClock,
}

pub(crate) fn logged(fake: &Fake, auth: &str, more: &str) -> Logged {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("secret"), "secret-of-the-role\n").unwrap();
    let clock = ManualClock::at(jiff::Timestamp::UNIX_EPOCH);
    let surroundings = Surroundings { base: directory.path().to_owned(), clock: Arc::new(clock.clone()) };
    let kinds = keywheel_provider_vault::stores::kinds();
    let settings = format!("address: '{}'\nauth: {auth}\n{more}", fake.url());
    let store: Arc<dyn Store> = configure(&*kinds[0], &surroundings, &settings).unwrap();
    let secret = store.secret(&location("app/database", false), Fingerprinter::plain());
    Logged { secret: Kept { secret, directory: Arc::new(directory) }, clock }
}

#[rstest]
#[case(APP_ROLE)]
#[case("{ kubernetes: { role: rotator, token: 'file:secret' } }")]
#[case(USERPASS)]
#[tokio::test]
async fn each_method_logs_in_once_and_a_wrong_credential_is_said_to_be_one(#[case] auth: &str) {
    let fake = open(1200);
    let Logged { secret, .. } = logged(&fake, auth, "");
    rotate(&*secret, 1, "one").await;
    rotate(&*secret, 2, "two").await;
    assert_eq!(fake.state(|state| state.logins), 1);

    std::fs::write(secret.directory.path().join("secret"), "hunter2-hunter2").unwrap();
    fake.state(|state| state.tokens.clear());
    let error = secret.read(Stage::Current).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unauthenticated, Effect::NotApplied), "{error}");
    assert!(error.to_string().contains("refused the login"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_replaced_afterwards() {
    let fake = open(1200);
    let Logged { secret, clock, .. } = logged(&fake, APP_ROLE, "");
    rotate(&*secret, 1, "one").await;
    let counts = || fake.state(|state| (state.logins, state.renewals));
    assert_eq!(counts(), (1, 0));
    clock.advance(Duration::from_mins(15));
    assert_eq!(text(&*secret, Stage::Current).await.as_deref(), Some("one"));
    assert_eq!(counts(), (1, 1));
    assert_eq!(text(&*secret, Stage::Current).await.as_deref(), Some("one"));
    assert_eq!(counts(), (1, 1));
    // Its end passed unnoticed.
    clock.advance(Duration::from_secs(5000));
    assert_eq!(text(&*secret, Stage::Current).await.as_deref(), Some("one"));
    assert_eq!(counts(), (2, 1));
    // The server knows it no longer, before its time: revoked, or another server.
    fake.state(|state| state.tokens.clear());
    assert_eq!(text(&*secret, Stage::Current).await.as_deref(), Some("one"));
    assert_eq!(counts(), (3, 1));
}

#[tokio::test]
async fn a_missing_right_is_no_reason_to_log_in_again() {
    let fake = open(1200);
    fake.state(|state| {
        let rules = vec![
            ("secret/data/app/*".to_owned(), vec!["read"]),
            ("secret/data/keywheel/*".to_owned(), vec!["read"]),
        ];
        state.roles.given = Token { rules, ttl: 1200, ..Token::default() };
    });
    let Logged { secret, .. } = logged(&fake, APP_ROLE, "");
    assert!(secret.versions().await.unwrap().0.is_empty());
    let error = secret.stage(&crate::scene::calm(1), &crate::scene::value("one"), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::PermissionDenied, Effect::NotApplied), "{error}");
    assert_eq!(fake.state(|state| state.logins), 1);
}

#[tokio::test]
async fn a_token_from_a_file_is_read_anew_and_its_end_is_said() {
    let fake = Fake::start();
    let scene = on(&fake);
    let secret = scene.at("app/database");
    rotate(&*secret, 1, "one").await;
    std::fs::write(scene.directory.path().join("token"), "s.hunter2-hunter2").unwrap();
    let error = secret.read(Stage::Current).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unauthenticated, Effect::NotApplied), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    std::fs::write(scene.directory.path().join("token"), Fake::ROOT).unwrap();
    assert_eq!(text(&*secret, Stage::Current).await.as_deref(), Some("one"));
}

#[tokio::test]
async fn a_namespace_goes_with_every_request() {
    let fake = open(1200);
    fake.state(|state| state.namespace = Some("admin/payments".to_owned()));
    let Logged { secret, .. } = logged(&fake, APP_ROLE, "namespace: /admin/payments/");
    rotate(&*secret, 1, "one").await;
    assert_eq!(fake.last_header("x-vault-request").as_deref(), Some("true"));
    let error = logged(&fake, APP_ROLE, "").secret.read(Stage::Current).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
}

#[tokio::test]
async fn a_login_is_repeated_only_if_it_was_certainly_not_looked_at() {
    let fake = open(1200);
    let Logged { secret, .. } = logged(&fake, APP_ROLE, "");
    let soon = || vec![("retry-after", "0".to_owned())];
    // A secret id may be good for one login only.
    fake.trouble("POST auth/approle/login", Trouble::Answered(503, soon(), json!({"errors": []})));
    let error = secret.versions().await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error}");
    assert_eq!(fake.seen().len(), 1);
}
