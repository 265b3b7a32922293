//! What the inventory may say.

use std::path::Path;

use rstest::rstest;

use crate::scene::store;

#[rstest]
#[case("address: 'https://v:8200'\nauth: {}", "no way to log in")]
#[case(
    "address: 'https://v:8200'\nauth: { token: 'file:t', userpass: { user: a, password: 'file:p' } }",
    "several ways"
)]
#[case("address: 'http://vault.example:8200'\nauth: { token: 'file:t' }", "unencrypted")]
#[case(
    "address: 'https://root:hunter2@v:8200'\nauth: { token: 'file:t' }",
    "does not belong into an address"
)]
#[case("address: 'ftp://v'\nauth: { token: 'file:t' }", "https://")]
#[case("address: 'https://v:8200'\nmount: /secret/\nauth: { token: 'file:t' }", "without slashes")]
#[case("address: 'https://v:8200'\nauth: { token: hunter2 }", "named, not written down")]
#[case(
    "address: 'https://v:8200'\nauth: { app-role: { role-id: '', secret-id: 'file:s' } }",
    "no role is named"
)]
#[case(
    "address: 'https://v:8200'\ntls: { client-certificate: c.pem }\nauth: { token: 'file:t' }",
    "private key is not named"
)]
#[case(
    "address: 'http://127.0.0.1:8200'\ntls: { ca-file: c.pem }\nauth: { token: 'file:t' }",
    "does without TLS"
)]
fn a_mistake_is_said_and_no_credential_with_it(#[case] settings: &str, #[case] words: &str) {
    let said = store(Path::new("/nowhere"), settings).err().unwrap();
    assert!(said.contains(words), "{said}");
}

#[test]
fn a_store_says_where_it_is_and_not_with_what() {
    let settings =
        "address: 'https://vault.example:8200'\nnamespace: admin\nauth: { token: '${env:VAULT_TOKEN}' }";
    let store = store(Path::new("/nowhere"), settings).unwrap();
    assert_eq!(store.describe(), "mount secret of Vault at https://vault.example:8200/, namespace admin");
}
