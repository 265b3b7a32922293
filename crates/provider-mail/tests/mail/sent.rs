//! What arrives, and what a refusal means.

use std::time::Duration;

use keywheel_core::{Effect, ErrorKind};
use keywheel_testservers::{Stopwatch, free_port};
use rstest::rstest;

use crate::scene::{Server, channel, message};

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_arrives_encrypted_and_says_what_happened() {
    let server = Server::start(true);
    server.password("right\n");
    let notice = server.notice("to: [ops@example.org, Second <second@example.org>]\n");
    assert_eq!(
        notice.describe(),
        format!("mail to ops@example.org, second@example.org through localhost:{}", server.port)
    );
    assert_eq!(notice.messenger().examine().await, []);
    assert_eq!(server.mail(1), None, "doctor tells nobody");
    notice.messenger().send(&message(), LIMIT).await.unwrap();
    let mail = server.mail(1).unwrap();
    for line in [
        "login: app",
        "encrypted: yes",
        "to: ops@example.org,second@example.org",
        "Subject: keywheel: db-password parked",
        "Message-ID: <7.parked@keywheel>",
        "Date: Mon, 21 Sep 2026 14:13:20 +0000",
        "environment: production",
    ] {
        assert!(mail.lines().any(|found| found == line), "{line}: {mail}");
    }
    assert!(!mail.contains("right"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_read_by_each_mail() {
    let server = Server::start(true);
    server.password("wrong");
    let messenger = server.notice("to: [ops@example.org]\n").messenger();
    let error = messenger.send(&message(), LIMIT).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unauthenticated, Effect::NotApplied), "{error}");
    assert!(!error.to_string().contains("wrong"), "{error}");
    assert!(messenger.examine().await[0].message.contains("535"));
    server.password("right");
    messenger.send(&message(), LIMIT).await.unwrap();
}

#[rstest]
#[case::nobody("nobody@example.org", ErrorKind::Rejected, "550")]
#[case::later("later@example.org", ErrorKind::Unavailable, "451")]
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_by_its_code_alone(#[case] to: &str, #[case] kind: ErrorKind, #[case] code: &str) {
    let server = Server::start(true);
    server.password("right");
    let error =
        server.notice(&format!("to: [{to}]\n")).messenger().send(&message(), LIMIT).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (kind, Effect::NotApplied), "{error}");
    assert!(error.to_string().contains(code) && !error.to_string().contains("mailbox"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_given_up() {
    let server = Server::start(true);
    server.password("right");
    let watch = Stopwatch::start();
    let messenger = server.notice("to: [slow@example.org]\n").messenger();
    let error = messenger.send(&message(), Duration::from_millis(500)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::MaybeApplied), "{error}");
    assert!(watch.elapsed() < Duration::from_secs(10), "{:?}", watch.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_a_server_that_is_not_believed_or_does_not_encrypt() {
    let server = Server::start(true);
    let unbelieved =
        format!("server: localhost\nport: {}\nfrom: a@example.org\nto: [b@example.org]\n", server.port);
    let messenger =
        channel(&unbelieved, server.directory()).unwrap_or_else(|mistakes| panic!("{mistakes}")).messenger();
    let error = messenger.send(&message(), LIMIT).await.unwrap_err();
    assert!(!error.kind.is_transient(), "{error}");

    let open = Server::start(false);
    open.password("right");
    let error = open.notice("to: [b@example.org]\n").messenger().send(&message(), LIMIT).await.unwrap_err();
    assert!(!error.kind.is_transient(), "{error}");
    assert_eq!((server.mail(1), open.mail(1)), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_this_machine_needs_no_encryption() {
    let server = Server::start(false);
    let text = format!(
        "server: localhost\nport: {}\ntls: none\nfrom: a@example.org\nto: [b@example.org]\n",
        server.port
    );
    let messenger =
        channel(&text, server.directory()).unwrap_or_else(|mistakes| panic!("{mistakes}")).messenger();
    messenger.send(&message(), LIMIT).await.unwrap();
    assert!(server.mail(1).unwrap().contains("encrypted: no"));

    let text = format!(
        "server: 127.0.0.1\nport: {}\ntls: none\nfrom: a@example.org\nto: [b@example.org]\n",
        free_port()
    );
    let nobody =
        channel(&text, server.directory()).unwrap_or_else(|mistakes| panic!("{mistakes}")).messenger();
    let error = nobody.send(&message(), LIMIT).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}
