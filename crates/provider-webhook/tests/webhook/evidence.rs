//! What a consumer shows.

use keywheel_core::{Fingerprint, Fingerprinter, SecretValue, notifier::Adoption};
use rstest::rstest;

use crate::{
    scene::{consumer, promoted, some_print},
    server::Server,
};

/// A server that uses a value, and that value's fingerprint.
async fn in_use() -> (Server, Fingerprint) {
    let server = Server::start().await;
    let value = SecretValue::copy_from(b"a value");
    let print = Fingerprinter::plain().of(&value);
    server.promote(value);
    server.reload();
    (server, print)
}

async fn seen(server: &Server, evidence: &str, expected: Fingerprint) -> Adoption {
    let text = format!("reload: {{ url: '{}' }}\nevidence: {evidence}\n", server.url("/reload"));
    let consumer = consumer(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    consumer.notifier().adopted(&promoted(expected)).await.unwrap()
}

#[rstest]
#[case::json("/json", "pointer: '/secrets/{secret}'")]
#[case::text("/text", "text: true")]
#[case::header("/header", "header: X-Uses")]
#[tokio::test(flavor = "multi_thread")]
async fn a_fingerprint_is_seen_where_the_settings_say(#[case] path: &str, #[case] place: &str) {
    let (server, print) = in_use().await;
    let evidence = format!("{{ http: {{ url: '{}', {place} }} }}", server.url(path));
    // The secret of the notice is called web/cookie, and a name in a pointer is escaped.
    let secret = if path == "/json" { "pointer: /any" } else { place };
    let found = seen(&server, &evidence.replace(place, secret), print).await;
    assert!(
        matches!(&found, Adoption::Yes { evidence } if evidence.contains(&print.to_string())),
        "{found:?}"
    );
    let other = seen(&server, &evidence.replace(place, secret), some_print()).await;
    assert!(matches!(&other, Adoption::NotYet { why } if why.contains(&print.to_string())), "{other:?}");
}

#[rstest]
#[case::missing("/nowhere", "text: true", "answered 404")]
#[case::too_large("/large", "text: true", "more than 1 MiB")]
#[case::not_json("/text", "pointer: /any", "not complete JSON")]
#[case::no_header("/text", "header: X-Uses", "has no header")]
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_seen_is_a_reason_to_look_again(
    #[case] path: &str,
    #[case] place: &str,
    #[case] why: &str,
) {
    let (server, print) = in_use().await;
    let evidence = format!("{{ http: {{ url: '{}', {place} }} }}", server.url(path));
    let found = seen(&server, &evidence, print).await;
    assert!(matches!(&found, Adoption::NotYet { why: said } if said.contains(why)), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_never_evidence_but_its_absence_holds_a_rotation_up() {
    let (server, print) = in_use().await;
    let evidence = format!(
        "{{ health: {{ url: '{}', trust: it connects anew for each check }} }}",
        server.url("/health")
    );
    let found = seen(&server, &evidence, print).await;
    assert!(
        matches!(&found, Adoption::Unobservable { accepted } if accepted.contains("connects anew") && accepted.contains("/health")),
        "{found:?}"
    );
    server.answer_next(503, &[]);
    let found = seen(&server, &evidence, print).await;
    assert!(matches!(&found, Adoption::NotYet { why } if why.contains("503")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_looks_at_the_evidence() {
    let (server, _) = in_use().await;
    for (path, place, expected) in
        [("/json", "pointer: /any", 0), ("/text", "pointer: /any", 1), ("/nowhere", "text: true", 1)]
    {
        let url = server.url(path);
        let text = format!(
            "reload: {{ url: '{}' }}\nevidence: {{ http: {{ url: '{url}', {place} }} }}\n",
            server.url("/reload")
        );
        let findings =
            consumer(&text).unwrap_or_else(|mistakes| panic!("{mistakes}")).notifier().examine().await;
        assert_eq!(findings.len(), expected, "{path}: {findings:?}");
    }
}
