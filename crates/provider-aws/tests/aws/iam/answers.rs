//! Answers of AWS, as its documentation has them, that the stand-in does not give.

use keywheel_core::{
    Clock, Effect, ErrorKind, Identity, SecretValue,
    rotator::{Credential, Probe},
};

use super::query::{Answer, Service, done, keys, known, last_used, refused, tags};
use crate::{
    scene::rotation,
    service::{TRIES, puts_off},
};

const OLD: &str = "AKIAOLD0000000000000";
const NEW: &str = "AKIANEW0000000000000";
const AGES_AGO: &str = "2020-01-01T00:00:00Z";

fn now() -> String {
    super::ground::Real::new().now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn who(code: &str) -> Answer {
    refused("GetCallerIdentity", 403, code)
}

async fn probe(answers: Vec<Answer>) -> Result<Probe, keywheel_core::Error> {
    let service = Service::giving(answers).await;
    let (id, value) = (Identity::from(OLD), SecretValue::copy_from(b"the-value"));
    let outcome = service.rotator().probe(Credential { identity: Some(&id), value: &value }).await;
    assert!(service.is_done(), "not everything was asked");
    if let Err(error) = &outcome {
        assert!(!format!("{error} {error:?}").contains("the-value"), "{error:?}");
    }
    outcome
}

#[tokio::test]
async fn an_inactive_key_and_one_that_is_gone_are_refused() {
    // The stand-in lets inactive keys in.
    for listed in [keys(&[(OLD, "Inactive", AGES_AGO)]), keys(&[(NEW, "Active", AGES_AGO)]), keys(&[])] {
        assert_eq!(probe(vec![who("InvalidClientTokenId"), listed]).await.unwrap(), Probe::Rejected);
    }
    let listed = keys(&[(OLD, "Active", AGES_AGO)]);
    assert_eq!(probe(vec![who("SignatureDoesNotMatch"), listed]).await.unwrap(), Probe::Rejected);
}

#[tokio::test]
async fn a_new_key_is_waited_for() {
    let listed = || keys(&[(OLD, "Active", &now())]);
    let answers = vec![who("InvalidClientTokenId"), listed(), who("InvalidClientTokenId"), listed(), known()];
    assert_eq!(probe(answers).await.unwrap(), Probe::Accepted);
}

#[tokio::test]
async fn what_says_nothing_about_the_key_is_an_error_and_no_refusal() {
    // STS of a region that the account has not enabled, or of another partition.
    let error =
        probe(vec![who("InvalidClientTokenId"), keys(&[(OLD, "Active", AGES_AGO)])]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
    // A clock that is off: IAM does not take keywheel's own signature either.
    let refusal = refused("ListAccessKeys", 403, "SignatureDoesNotMatch");
    let error = probe(vec![who("SignatureDoesNotMatch"), refusal]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthenticated, "{error}");
    for (status, code, kind) in [
        (400, "Throttling", ErrorKind::RateLimited),
        (503, "ServiceUnavailable", ErrorKind::Unavailable),
        (403, "AccessDenied", ErrorKind::PermissionDenied),
        (403, "ExpiredToken", ErrorKind::Unauthenticated),
        (403, "RequestExpired", ErrorKind::Unauthenticated),
    ] {
        let times = if puts_off(code) { TRIES } else { 1 };
        let error = probe(vec![refused("GetCallerIdentity", status, code); times]).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
    }
}

#[tokio::test]
async fn the_end_of_a_key_is_waited_for() {
    let service = Service::giving(vec![
        keys(&[(OLD, "Active", AGES_AGO), (NEW, "Active", AGES_AGO)]),
        tags(None),
        last_used(Some(AGES_AGO)),
        done("UpdateAccessKey", ""),
        done("DeleteAccessKey", ""),
        known(),
        known(),
        who("InvalidClientTokenId"),
    ])
    .await;
    let (old, new, value) = (OLD.into(), NEW.into(), SecretValue::copy_from(b"the-value"));
    let lend = |identity| Credential { identity: Some(identity), value: &value };
    service.rotator().revoke(&rotation(1), lend(&old), Some(lend(&new))).await.unwrap();
    assert!(service.is_done());
}

#[tokio::test]
async fn a_key_is_an_orphan_only_if_it_appeared_at_the_time_alone_and_was_never_used() {
    let ours = rotation(1).rotation;
    let at = |shift: i64| {
        let when = jiff::Timestamp::from_second(1_577_836_800 + shift).unwrap();
        format!("minting={ours}/{}:{OLD}=-", when.as_second())
    };
    let listed = || keys(&[(OLD, "Active", AGES_AGO), (NEW, "Active", AGES_AGO)]);
    let found = async |answers: Vec<Answer>| {
        let service = Service::giving(answers).await;
        let found = service.rotator().list().await.unwrap();
        assert!(service.is_done());
        found.into_iter().find(|key| key.identity.as_str() == NEW).unwrap().rotation
    };
    assert_eq!(found(vec![listed(), tags(Some(&at(20))), last_used(None)]).await, Some(ours));
    assert_eq!(found(vec![listed(), tags(Some(&at(20))), last_used(Some(AGES_AGO))]).await, None);
    assert_eq!(found(vec![listed(), tags(Some(&at(3600)))]).await, None, "it was there long before");
    assert_eq!(found(vec![listed(), tags(Some(&at(-3600)))]).await, None, "it came long afterwards");
    assert_eq!(found(vec![listed(), tags(None)]).await, None);
    let two = format!("minting={ours}/1577836800");
    assert_eq!(found(vec![listed(), tags(Some(&two))]).await, None, "one of two, and nobody knows which");
}

#[tokio::test]
async fn a_limit_that_is_reached_meanwhile_changes_nothing_but_the_note() {
    let service = Service::giving(vec![
        keys(&[(OLD, "Active", AGES_AGO)]),
        tags(None),
        done("TagUser", ""),
        refused("CreateAccessKey", 409, "LimitExceeded"),
        last_used(None),
    ])
    .await;
    let error = service.rotator().mint(&rotation(1)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::MaybeApplied), "{error}");
    assert!(service.is_done());
}
