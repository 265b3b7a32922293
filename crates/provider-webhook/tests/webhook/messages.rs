//! Messages to people: what arrives, who can tell that it is ours, and what a refusal means.

use std::{fmt::Write as _, path::Path, sync::Arc, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use keywheel_core::{
    Effect, ErrorKind, RotationId,
    message::{Message, Occasion},
    provider::Channel,
};
use keywheel_provider_webhook::channels::kinds;
use keywheel_testkit::declared::{self, surroundings};
use keywheel_testservers::Stopwatch;
use sha2::Sha256;

use crate::server::{Got, Server};

const LIMIT: Duration = Duration::from_secs(10);
const KEY: &str = "0123456789abcdef0123456789abcdef";

fn channel(name: &str, text: &str, base: &Path) -> Result<Arc<dyn Channel>, String> {
    let kind = kinds().into_iter().find(|kind| kind.name() == name).unwrap();
    declared::configure(&*kind, &surroundings(base), text)
}

fn made(name: &str, text: &str, base: &Path) -> Arc<dyn Channel> {
    channel(name, text, base).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn message(words: &str) -> Message {
    Message {
        id: "7/parked".to_owned(),
        occasion: Occasion::Parked,
        secret: "db-password".into(),
        rotation: Some(RotationId::from_random([7; 16])),
        environment: Some("production".into()),
        owner: None,
        at: "2026-09-21T14:13:20Z".parse().unwrap(),
        words: words.to_owned(),
    }
}

/// What a receiver does, as the guide has it.
fn is_ours(got: &Got, key: &str) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(got.header("x-keywheel-timestamp").as_bytes());
    mac.update(b".");
    mac.update(&got.body);
    let mut expected = "v1=".to_owned();
    for byte in mac.finalize().into_bytes() {
        write!(expected, "{byte:02x}").unwrap();
    }
    got.header("x-keywheel-signature") == expected
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_gets_the_message_signed() {
    let server = Server::start().await;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("key"), KEY).unwrap();
    let text = format!("url: '{}'\nkey: file:key\n", server.url("/message"));
    let messenger = made("webhook", &text, directory.path()).messenger();
    assert_eq!(messenger.examine().await, []);
    messenger.send(&message("it waits"), LIMIT).await.unwrap();
    let got = &server.got()[0];
    assert!(is_ours(got, KEY));
    assert!(!is_ours(got, "another key"));
    let mut altered = got.clone();
    altered.body.push(b' ');
    assert!(!is_ours(&altered, KEY));
    assert_eq!(got.header("x-keywheel-notice"), "7/parked");
    assert_eq!(got.header("x-keywheel-timestamp"), "0", "the clock of this test stands still");
    assert_eq!(got.json()["occasion"], "parked");
    assert_eq!(got.json()["secret"], "db-password");
    assert_eq!(got.json()["words"], "it waits");
    assert_eq!(got.json()["environment"], "production");

    std::fs::write(directory.path().join("key"), "short").unwrap();
    let error = messenger.send(&message("it waits"), LIMIT).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
    assert_eq!(messenger.examine().await.len(), 1);
    assert_eq!(server.got().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_gets_the_words_and_nobody_gets_the_url() {
    let server = Server::start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("url");
    std::fs::write(&file, format!("{}\n", server.url("/message"))).unwrap();
    let channel = made("slack", "url: file:url\n", directory.path());
    assert!(channel.describe().ends_with("/url"), "{}", channel.describe());
    let messenger = channel.messenger();
    messenger.send(&message("<!everyone> a & b"), LIMIT).await.unwrap();
    assert_eq!(server.got()[0].json(), serde_json::json!({ "text": "&lt;!everyone&gt; a &amp; b" }));

    std::fs::write(&file, server.url("/services/T0/B0/hunter2")).unwrap();
    let error = messenger.send(&message("x"), LIMIT).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Rejected, Effect::NotApplied), "{error}");
    assert!(error.to_string().contains("404") && !error.to_string().contains("hunter2"), "{error}");
    std::fs::write(&file, "http://198.51.100.7/hunter2").unwrap();
    let error = messenger.send(&message("x"), LIMIT).await.unwrap_err();
    assert!(error.to_string().contains("unencrypted") && !error.to_string().contains("hunter2"), "{error}");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(messenger.examine().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_overloaded_is_asked_again_and_one_that_hangs_is_given_up() {
    let server = Server::start().await;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("key"), KEY).unwrap();
    let messenger = |path: &str| {
        let text = format!("url: '{}'\nkey: file:key\n", server.url(path));
        made("webhook", &text, directory.path()).messenger()
    };
    server.answer_next(503, &[("retry-after", "7")]);
    let error = messenger("/message").send(&message("x"), LIMIT).await.unwrap_err();
    assert!(error.kind.is_transient() && error.to_string().contains("7 s"), "{error}");
    messenger("/message").send(&message("x"), LIMIT).await.unwrap();
    assert_eq!(server.got()[0].header("x-keywheel-notice"), server.got()[1].header("x-keywheel-notice"));
    let watch = Stopwatch::start();
    let error = messenger("/hangs").send(&message("x"), Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TimedOut, "{error}");
    assert!(watch.elapsed() < Duration::from_secs(5), "{:?}", watch.elapsed());
}

#[test]
fn mistakes_are_shown_and_credentials_are_not() {
    let base = Path::new(".");
    let mistakes =
        channel("slack", "url: https://hooks.slack.com/services/T0/B0/hunter2\n", base).err().unwrap();
    assert!(mistakes.contains("named, not written down") && !mistakes.contains("hunter2"), "{mistakes}");
    let mistakes = channel("webhook", "url: nowhere\nkey: file:key\n", base).err().unwrap();
    assert!(mistakes.contains("keywheel.yaml:1:6") && mistakes.contains("this is not a URL"), "{mistakes}");
    assert!(channel("webhook", "url: 'https://x/'\n", base).err().unwrap().contains("key"));
}
