//! What a reload sends, and what its failures mean.

use std::time::Duration;

use keywheel_core::{Effect, ErrorKind};
use keywheel_testservers::{Proxy, Stopwatch, Weather};
use rstest::rstest;

use crate::{
    scene::{called_at, context, promoted, some_print, unhurried},
    server::Server,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_carries_the_notice_and_its_id_and_no_more() {
    let server = Server::start().await;
    let consumer = called_at(&server.url("/reload"), "");
    assert_eq!(consumer.describe(), format!("POST {}", server.url("/reload")));
    let notice = promoted(some_print());
    for _ in 0..2 {
        consumer.notifier().notify(&unhurried(), &notice).await.unwrap();
    }
    let got = server.got();
    assert_eq!(got.len(), 2);
    for call in &got {
        assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/reload"));
        assert_eq!(call.header("idempotency-key"), notice.id());
        assert_eq!(call.header("x-keywheel-notice"), notice.id());
        assert_eq!(call.header("content-type"), "application/json");
        let body = call.json();
        assert_eq!(body["id"], notice.id());
        assert_eq!(body["secret"], "web/cookie");
        assert_eq!(body["phase"], "promoted");
        assert_eq!(body["expected"], some_print().to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_body_says_nothing_about_the_secret() {
    let server = Server::start().await;
    let consumer = called_at(&server.url("/reload"), ", method: PUT, body: none");
    consumer.notifier().notify(&unhurried(), &promoted(some_print())).await.unwrap();
    let call = &server.got()[0];
    assert_eq!(call.method.as_str(), "PUT");
    assert!(call.body.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_read_by_each_call() {
    let server = Server::start().await;
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, "first\n").unwrap();
    let more = format!(", token: 'file:{0}', headers: {{ X-Token: 'file:{0}' }}", token.display());
    let notifier = called_at(&server.url("/reload"), &more).notifier();
    notifier.notify(&unhurried(), &promoted(some_print())).await.unwrap();
    std::fs::write(&token, "second\n").unwrap();
    notifier.notify(&unhurried(), &promoted(some_print())).await.unwrap();
    let got = server.got();
    assert_eq!((got[0].header("authorization"), got[0].header("x-token")), ("Bearer first", "first"));
    assert_eq!((got[1].header("authorization"), got[1].header("x-token")), ("Bearer second", "second"));
    std::fs::write(&token, "two\nlines\n").unwrap();
    let error = notifier.notify(&unhurried(), &promoted(some_print())).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{error}");
    assert!(!error.to_string().contains("lines\n"), "{error}");
    assert_eq!(server.got().len(), 2);
}

#[rstest]
#[case::unauthenticated(401, ErrorKind::Unauthenticated, Effect::NotApplied)]
#[case::forbidden(403, ErrorKind::PermissionDenied, Effect::NotApplied)]
#[case::missing(404, ErrorKind::Rejected, Effect::NotApplied)]
#[case::gone(410, ErrorKind::Rejected, Effect::NotApplied)]
#[case::too_many(429, ErrorKind::RateLimited, Effect::NotApplied)]
#[case::failing(500, ErrorKind::Unavailable, Effect::MaybeApplied)]
#[case::bad_gateway(502, ErrorKind::Unavailable, Effect::MaybeApplied)]
#[case::overloaded(503, ErrorKind::Unavailable, Effect::MaybeApplied)]
#[case::moved(307, ErrorKind::InvalidConfig, Effect::NotApplied)]
#[tokio::test(flavor = "multi_thread")]
async fn a_status_says_what_became_of_it(
    #[case] status: u16,
    #[case] kind: ErrorKind,
    #[case] effect: Effect,
) {
    let server = Server::start().await;
    server.answer_next(status, &[("retry-after", "120"), ("location", "/reload")]);
    let notifier = called_at(&server.url("/reload"), "").notifier();
    let error = notifier.notify(&unhurried(), &promoted(some_print())).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (kind, effect), "{error}");
    assert!(error.to_string().contains("120 s"), "{error}");
    assert_eq!(server.got().len(), 1, "a redirect was followed, or the call repeated");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_say_which_statuses_are_fine() {
    let server = Server::start().await;
    server.answer_next(409, &[]);
    let notifier = called_at(&server.url("/reload"), ", ok: [200, 409]").notifier();
    notifier.notify(&unhurried(), &promoted(some_print())).await.unwrap();
    let error = notifier.notify(&unhurried(), &promoted(some_print())).await.unwrap_err();
    assert!(error.to_string().contains("answered 204"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listening_is_unavailable_and_certainly_not_applied() {
    let port = keywheel_testservers::free_port();
    let notifier = called_at(&format!("http://127.0.0.1:{port}/reload?token=abc"), "").notifier();
    let error = notifier.notify(&unhurried(), &promoted(some_print())).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error}");
    assert!(error.to_string().contains("refused") && !error.to_string().contains("abc"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_may_have_been_applied() {
    let server = Server::start().await;
    let proxy = Proxy::to(server.port());
    let url = format!("http://127.0.0.1:{}/reload", proxy.port());
    let notifier = called_at(&url, ", timeout: 1s").notifier();
    proxy.set(Weather::RepliesLost);
    let error = notifier.notify(&unhurried(), &promoted(some_print())).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::MaybeApplied), "{error}");
    assert_eq!(server.got().len(), 1, "the call arrived, or this case shows nothing");
    proxy.set(Weather::Fair);
    notifier.notify(&unhurried(), &promoted(some_print())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_after_the_deadline_and_no_answer_is_waited_for_beyond_it() {
    let server = Server::start().await;
    let notifier = called_at(&server.url("/hangs"), "").notifier();
    let watch = Stopwatch::start();
    let error =
        notifier.notify(&context(Duration::from_millis(200)), &promoted(some_print())).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::MaybeApplied), "{error}");
    assert!(watch.elapsed() < Duration::from_secs(5), "{:?}", watch.elapsed());
    let error = notifier.notify(&context(Duration::ZERO), &promoted(some_print())).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::NotApplied), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_nobody() {
    let server = Server::start().await;
    let consumer = called_at(&server.url("/reload"), "");
    assert_eq!(consumer.notifier().examine().await, []);
    assert!(server.got().is_empty());
    server.stop();
    let consumer = called_at(
        &format!("http://127.0.0.1:{}/", keywheel_testservers::free_port()),
        ", token: '${env:KEYWHEEL_NOT_SET}'",
    );
    let findings = consumer.notifier().examine().await;
    assert!(findings.iter().any(|finding| finding.message.contains("KEYWHEEL_NOT_SET")), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.message.contains("cannot be reached")), "{findings:?}");
}
