//! What the inventory may say.

use std::path::Path;

use rstest::rstest;

use crate::scene::channel;

#[rstest]
#[case::server("server: https://mail\nfrom: a@b.c\nto: [a@b.c]\n", "not the name of a server")]
#[case::open("server: mail\ntls: none\nfrom: a@b.c\nto: [a@b.c]\n", "cross the network unencrypted")]
#[case::from("server: mail\nfrom: nobody\nto: [a@b.c]\n", "not a mail address")]
#[case::to("server: mail\nfrom: a@b.c\nto: [nobody]\n", "not a mail address")]
#[case::nobody("server: mail\nfrom: a@b.c\nto: []\n", "nobody gets the mail")]
#[case::user("server: mail\nfrom: a@b.c\nto: [a@b.c]\nusername: app\n", "a user without a password")]
#[case::password(
    "server: mail\nfrom: a@b.c\nto: [a@b.c]\npassword: '${env:P}'\n",
    "a password without a user"
)]
#[case::literal(
    "server: mail\nfrom: a@b.c\nto: [a@b.c]\nusername: app\npassword: hunter2\n",
    "named, not written down"
)]
fn a_mistake_is_shown(#[case] text: &str, #[case] expected: &str) {
    let mistakes = channel(text, Path::new(".")).err().unwrap();
    assert!(mistakes.contains(expected), "{mistakes}");
    assert!(!mistakes.contains("hunter2"), "{mistakes}");
}
