//! What the store makes of the words of an `OpenBao`: each recorded answer (`openbao.jsonl`, compared with a server of today
//! by the test `openbao`) is given to the request that would get it.

use std::collections::BTreeMap;

use keywheel_core::{Effect, Error, ErrorKind, secret::Stage};
use keywheel_testservers::vault::{Fake, Trouble};
use serde_json::Value;

use crate::{
    auth::{APP_ROLE, USERPASS, logged, open},
    scene::{calm, on, rotate, value},
};

const RECORDED: &str = include_str!("openbao.jsonl");

/// Which request gets the answer.
#[derive(Clone, Copy)]
enum To {
    Read,
    Write,
    /// A read, and the token of it is not known either.
    ReadOfAStranger,
    Login(&'static str),
}

/// Each answer, to what it is given, and what the store says then; nothing is applied by any of them.
const MEANINGS: [(&str, To, Option<ErrorKind>); 20] = [
    ("a path that was never written", To::Read, Some(ErrorKind::NotFound)),
    ("a version that never was", To::Read, Some(ErrorKind::NotFound)),
    ("a deleted version", To::Read, Some(ErrorKind::NotFound)),
    ("a destroyed version", To::Read, Some(ErrorKind::NotFound)),
    // It looks again, and writes behind the other.
    ("a write behind another", To::Write, None),
    ("a write without the check", To::Write, Some(ErrorKind::Internal)),
    ("a write without data", To::Write, Some(ErrorKind::InvalidConfig)),
    ("an unknown mount", To::Read, Some(ErrorKind::InvalidConfig)),
    ("an unknown namespace", To::Read, Some(ErrorKind::InvalidConfig)),
    ("no token", To::ReadOfAStranger, Some(ErrorKind::Unauthenticated)),
    ("an unknown token", To::ReadOfAStranger, Some(ErrorKind::Unauthenticated)),
    ("a missing right", To::Write, Some(ErrorKind::PermissionDenied)),
    ("an unknown role", To::Login(APP_ROLE), Some(ErrorKind::Unauthenticated)),
    ("a wrong secret id", To::Login(APP_ROLE), Some(ErrorKind::Unauthenticated)),
    ("a wrong password", To::Login(USERPASS), Some(ErrorKind::Unauthenticated)),
    ("a user who is locked out", To::Login(USERPASS), Some(ErrorKind::Unauthenticated)),
    ("too many requests", To::Write, Some(ErrorKind::RateLimited)),
    ("too many requests, and when to come back", To::Write, Some(ErrorKind::RateLimited)),
    ("a read while it is sealed", To::Read, Some(ErrorKind::Unavailable)),
    ("a login while it is sealed", To::Login(APP_ROLE), Some(ErrorKind::Unavailable)),
];

/// The answer to whoever is asked about a token that nobody has.
const STRANGER: &str = "an unknown token that asks who it is";

fn answer(recorded: &Value) -> Trouble {
    let response = &recorded["response"];
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    // Longer than a call takes.
    let later = response["retry-after"].is_string().then(|| ("retry-after", "70".to_owned()));
    Trouble::Answered(status, later.into_iter().collect(), response["body"].clone())
}

async fn outcome(to: To, recorded: &BTreeMap<String, Value>, name: &str) -> Result<(), Error> {
    let fake = if let To::Login(_) = to { open(1200) } else { Fake::start() };
    let secret = match to {
        To::Login(auth) => logged(&fake, auth, "").secret,
        To::Read | To::Write | To::ReadOfAStranger => {
            let secret = on(&fake).at("app/database");
            rotate(&*secret, 1, "one").await;
            secret
        }
    };
    let (words, write) = match to {
        To::Read => ("GET secret/data/app", false),
        To::ReadOfAStranger => {
            fake.trouble("GET auth/token/lookup-self", answer(&recorded[STRANGER]));
            ("GET secret/data/app", false)
        }
        To::Write => ("POST secret/data/keywheel", true),
        To::Login(_) => ("POST auth/", false),
    };
    fake.trouble(words, answer(&recorded[name]));
    let outcome = if write {
        secret.stage(&calm(2), &value("two"), None).await.map(drop)
    } else {
        secret.read(Stage::Current).await.map(drop)
    };
    assert!(fake.is_calm(), "{name}: nobody got the answer");
    outcome
}

#[tokio::test]
async fn every_recorded_answer_means_what_it_says() {
    let recorded = RECORDED.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let recorded: BTreeMap<_, _> =
        recorded.map(|exchange| (exchange["name"].as_str().unwrap().to_owned(), exchange)).collect();
    let mut known: Vec<_> = MEANINGS.iter().map(|(name, ..)| *name).chain([STRANGER]).collect();
    known.sort_unstable();
    assert_eq!(recorded.keys().collect::<Vec<_>>(), known, "each has a meaning");
    for (name, to, meaning) in MEANINGS {
        let error = outcome(to, &recorded, name).await.err();
        assert_eq!(error.as_ref().map(|error| error.kind), meaning, "{name}: {error:?}");
        assert!(error.is_none_or(|error| error.effect == Effect::NotApplied), "{name}");
    }
}
