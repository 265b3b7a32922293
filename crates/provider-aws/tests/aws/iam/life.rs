//! Keys made, lost, found again and ended.

use keywheel_core::{
    Effect, ErrorKind, Identity, SecretValue,
    rotator::{Credential, Probe},
};
use keywheel_testservers::{Mishap, Proxy, Weather};

use super::ground::Ground;
use crate::scene::rotation;

struct Owned(Identity, SecretValue);

impl Owned {
    fn of(id: &str, secret: &str) -> Self {
        Self(id.into(), SecretValue::copy_from(secret.as_bytes()))
    }

    fn lend(&self) -> Credential<'_> {
        Credential { identity: Some(&self.0), value: &self.1 }
    }
}

fn ids(keys: &[(String, String)]) -> Vec<&str> {
    keys.iter().map(|(id, _)| id.as_str()).collect()
}

#[tokio::test]
async fn a_key_takes_the_place_of_another() {
    let ground = Ground::shared().await;
    let (user, id, secret) = ground.user().await;
    let (rotator, old) = (ground.rotator(&user), Owned::of(&id, &secret));
    let minted = rotator.mint(&rotation(1)).await.unwrap();
    let new = Owned(minted.identity, minted.value);
    assert_eq!(rotator.probe(new.lend()).await.unwrap(), Probe::Accepted);
    let listed = rotator.list().await.unwrap();
    let made_for = |id: &Identity| listed.iter().find(|key| key.identity == *id).unwrap().rotation;
    assert_eq!((made_for(&new.0), made_for(&old.0)), (Some(rotation(1).rotation), None));

    rotator.revoke(&rotation(1), old.lend(), Some(new.lend())).await.unwrap();
    assert_eq!(ids(&ground.keys(&user).await), [new.0.as_str()]);
    assert_eq!(rotator.probe(old.lend()).await.unwrap(), Probe::Rejected);
    // The next one finds room.
    let next = rotator.mint(&rotation(2)).await.unwrap();
    rotator.revoke(&rotation(2), new.lend(), Some(Owned(next.identity, next.value).lend())).await.unwrap();
    assert_eq!(ground.keys(&user).await.len(), 1);
}

#[tokio::test]
async fn a_second_key_that_nobody_knows_is_named_and_left_alone() {
    let ground = Ground::shared().await;
    let (user, id, _) = ground.user().await;
    let (second, secret) = ground.key(&user).await;
    ground.use_key(&second, &secret).await;
    let rotator = ground.rotator(&user);
    let before = ground.keys(&user).await;
    let refused = rotator.mint(&rotation(1)).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Conflict, Effect::NotApplied), "{refused}");
    let text = refused.to_string();
    for part in [&*id, &second, "not made by keywheel", "last used at", "never used", "delete-access-key"] {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }
    for id in [&id, &second] {
        let refused = rotator.revoke_orphan(&rotation(1), &id.as_str().into()).await.unwrap_err();
        assert_eq!((refused.kind, refused.effect), (ErrorKind::Conflict, Effect::NotApplied), "{refused}");
    }
    assert_eq!(ground.keys(&user).await, before);
    let findings = rotator.examine().await;
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(findings.iter().any(|finding| finding.message.contains(&second)), "{findings:?}");
}

/// Each request of a mint is lost, or its reply is; what was made then is found by its listing, as the engine does.
#[tokio::test]
async fn a_key_whose_answer_was_lost_is_found_and_ended() {
    let ground = Ground::shared().await;
    let mut orphans = 0;
    for mishap in [Mishap::ReplyLost, Mishap::RequestLost] {
        for let_through in 0.. {
            assert!(let_through < 12, "it comes to an end");
            let (user, id, _) = ground.user().await;
            let proxy = Proxy::to(ground.port());
            let rotator = ground.rotator_through(proxy.port(), &user, "").unwrap();
            proxy.set(Weather::Once(let_through, mishap));
            let outcome = rotator.mint(&rotation(1)).await;
            let struck = proxy.has_struck();
            proxy.set(Weather::Fair);
            if let Err(error) = &outcome {
                assert!(struck && error.kind.is_transient(), "{mishap:?} {let_through}: {error}");
                let keys = ground.keys(&user).await;
                assert!(error.effect == Effect::MaybeApplied || keys.len() == 1, "{error}");
                let listed = rotator.list().await.unwrap();
                for key in &listed {
                    assert_eq!(key.rotation.is_some(), key.identity.as_str() != id, "{listed:?}");
                    if key.rotation == Some(rotation(1).rotation) {
                        orphans += 1;
                        rotator.revoke_orphan(&rotation(1), &key.identity).await.unwrap();
                    }
                }
                assert_eq!(ids(&ground.keys(&user).await), [id.as_str()]);
                rotator.mint(&rotation(1)).await.unwrap();
            }
            assert_eq!(ground.keys(&user).await.len(), 2);
            if outcome.is_ok() {
                break;
            }
        }
    }
    assert!(orphans >= 3, "the making, and both ways to lose what follows it: {orphans}");
}

#[tokio::test]
async fn a_key_that_somebody_made_and_uses_meanwhile_is_nobodys_orphan() {
    let ground = Ground::shared().await;
    let (user, id, _) = ground.user().await;
    let proxy = Proxy::to(ground.port());
    let rotator = ground.rotator_through(proxy.port(), &user, "").unwrap();
    // Two looks, the tag, and then the making, which does not arrive.
    proxy.set(Weather::Once(3, Mishap::RequestLost));
    rotator.mint(&rotation(1)).await.unwrap_err();
    proxy.set(Weather::Fair);
    assert_eq!(ground.keys(&user).await.len(), 1);
    let (theirs, secret) = ground.key(&user).await;
    ground.use_key(&theirs, &secret).await;
    let listed = rotator.list().await.unwrap();
    assert!(listed.iter().all(|key| key.rotation.is_none()), "{listed:?}");
    let refused = rotator.revoke_orphan(&rotation(1), &theirs.as_str().into()).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict, "{refused}");
    let mut both = [id, theirs];
    both.sort();
    assert_eq!(ids(&ground.keys(&user).await), both);
}

/// Each request of an end is lost, or its reply is; then it is asked for again.
#[tokio::test]
async fn an_end_that_was_cut_off_comes_to_its_end() {
    let ground = Ground::shared().await;
    for mishap in [Mishap::ReplyLost, Mishap::RequestLost] {
        for let_through in 0.. {
            assert!(let_through < 12, "it comes to an end");
            let (user, id, secret) = ground.user().await;
            let old = Owned::of(&id, &secret);
            let minted = ground.rotator(&user).mint(&rotation(1)).await.unwrap();
            let new = Owned(minted.identity, minted.value);
            let proxy = Proxy::to(ground.port());
            let rotator = ground.rotator_through(proxy.port(), &user, "").unwrap();
            let before = ground.keys(&user).await;
            proxy.set(Weather::Once(let_through, mishap));
            let outcome = rotator.revoke(&rotation(1), old.lend(), Some(new.lend())).await;
            proxy.set(Weather::Fair);
            if let Err(error) = &outcome {
                assert!(error.kind.is_transient(), "{mishap:?} {let_through}: {error}");
                let same = ground.keys(&user).await == before;
                assert!(error.effect == Effect::MaybeApplied || same, "{mishap:?} {let_through}: {error}");
                rotator.revoke(&rotation(1), old.lend(), Some(new.lend())).await.unwrap();
            }
            assert_eq!(ids(&ground.keys(&user).await), [new.0.as_str()]);
            assert_eq!(rotator.probe(new.lend()).await.unwrap(), Probe::Accepted);
            if outcome.is_ok() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn an_old_key_that_is_in_use_stays_for_as_long_as_the_settings_say() {
    let ground = Ground::shared().await;
    let (user, id, secret) = ground.user().await;
    let rotator = ground.rotator_through(ground.port(), &user, "unused-for: 1h\n").unwrap();
    let old = Owned::of(&id, &secret);
    ground.use_key(&id, &secret).await;
    let minted = rotator.mint(&rotation(1)).await.unwrap();
    let new = Owned(minted.identity, minted.value);
    let before = ground.keys(&user).await;
    let refused = rotator.revoke(&rotation(1), old.lend(), Some(new.lend())).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{refused}");
    assert!(refused.to_string().contains("for iam in"), "{refused}");
    assert_eq!(ground.keys(&user).await, before);
    // The way back ends the new one all the same, though a login tried it a moment ago.
    rotator.probe(new.lend()).await.unwrap();
    rotator.revoke(&rotation(1), new.lend(), Some(old.lend())).await.unwrap();
    assert_eq!(ids(&ground.keys(&user).await), [id.as_str()]);
}

#[tokio::test]
async fn the_last_key_that_works_is_not_ended() {
    let ground = Ground::shared().await;
    let (user, id, secret) = ground.user().await;
    let rotator = ground.rotator(&user);
    let old = Owned::of(&id, &secret);
    let minted = rotator.mint(&rotation(1)).await.unwrap();
    let new = Owned(minted.identity, minted.value);
    let off = ground.admin.update_access_key().user_name(&user).access_key_id(new.0.as_str());
    off.status(aws_sdk_iam::types::StatusType::Inactive).send().await.unwrap();
    for remaining in [new.lend(), old.lend()] {
        let refused = rotator.revoke(&rotation(1), old.lend(), Some(remaining)).await.unwrap_err();
        assert_eq!((refused.kind, refused.effect), (ErrorKind::Conflict, Effect::NotApplied), "{refused}");
    }
    assert_eq!(rotator.probe(old.lend()).await.unwrap(), Probe::Accepted);
}

#[tokio::test]
async fn a_key_of_somebody_else_and_a_value_without_its_key_are_errors() {
    let ground = Ground::shared().await;
    let (user, id, secret) = ground.user().await;
    let (other, _, _) = ground.user().await;
    let key = Owned::of(&id, &secret);
    let error = ground.rotator(&other).probe(key.lend()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
    assert!(error.to_string().contains("somebody else"), "{error}");
    let nameless = Credential { identity: None, value: &key.1 };
    let error = ground.rotator(&user).probe(nameless).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
    let error = ground.rotator("nobody").mint(&rotation(1)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::NotFound, Effect::NotApplied), "{error}");
}

#[tokio::test]
async fn doctor_names_the_rights_that_are_missing_and_changes_nothing() {
    let ground = Ground::shared().await;
    let (user, id, _) = ground.user().await;
    assert!(ground.rotator(&user).examine().await.is_empty());
    let (clerk, clerk_id, clerk_secret) = ground.user().await;
    let may = super::ground::policy(&["iam:ListAccessKeys", "iam:DeleteAccessKey"]);
    let policy = ground.admin.put_user_policy().user_name(&clerk).policy_name("some");
    policy.policy_document(may).send().await.unwrap();
    let rotator = super::ground::declared(ground.port(), &user, &clerk_id, &clerk_secret, "").unwrap();
    let found: Vec<_> = rotator.examine().await.into_iter().map(|finding| finding.message).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("`iam:ListUserTags` is missing"), "{found:?}");
    assert!(found[1].contains("`iam:UpdateAccessKey` is missing"), "{found:?}");
    assert_eq!(ids(&ground.keys(&user).await), [id.as_str()]);
}

#[tokio::test]
async fn a_rotation_makes_so_many_requests() {
    let ground = Ground::shared().await;
    let (user, id, secret) = ground.user().await;
    let rotator = ground.rotator(&user);
    let old = Owned::of(&id, &secret);
    // The log is everybody's: what a proxy carries is this test's alone.
    let proxy = Proxy::to(ground.port());
    let counted = ground.rotator_through(proxy.port(), &user, "").unwrap();
    let minted = counted.mint(&rotation(1)).await.unwrap();
    let mint = proxy.sent();
    let new = Owned(minted.identity, minted.value);
    counted.revoke(&rotation(1), old.lend(), Some(new.lend())).await.unwrap();
    println!("IAM: {mint} pieces to mint, {} to end", proxy.sent() - mint);
    assert_eq!(rotator.probe(new.lend()).await.unwrap(), Probe::Accepted);
    assert!(!ground.log().contains(&secret), "the service has logged no value");
}
