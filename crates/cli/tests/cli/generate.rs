//! Values without an inventory.

use std::os::unix::fs::PermissionsExt;

use rstest::rstest;

use crate::world::World;

#[rstest]
#[case("generate password", 33)]
#[case("generate password --length 64", 65)]
#[case("generate bytes --encoding hex", 65)]
#[case("generate bytes --length 16 --encoding base64url", 23)]
#[case("generate cookie-key --encoding hex", 129)]
#[case("generate bytes --length 8 --encoding hex --allow-short 'the appliance takes 8'", 17)]
fn a_value_is_one_line(#[case] arguments: &str, #[case] bytes: usize) {
    let value = World::empty().succeeds(arguments);
    assert_eq!((value.len(), value.lines().count()), (bytes, 1));
}

#[test]
fn raw_bytes_stay_as_they_are() {
    let output = World::empty().run("generate bytes --length 4096 --encoding raw");
    assert_eq!(output.stdout.len(), 4096);
}

#[test]
fn a_key_pair_goes_to_a_private_file_and_its_public_half_to_stdout() {
    let world = World::empty();
    let public = world.succeeds("generate key-pair --algorithm ed25519 --out key.pem --public");
    assert!(public.starts_with("-----BEGIN PUBLIC KEY-----"));
    assert!(world.read("key.pem").starts_with("-----BEGIN PRIVATE KEY-----"));
    assert_eq!(std::fs::metadata(world.path("key.pem")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(world.exit("generate key-pair --algorithm ed25519 --out key.pem"), 1);
    let jwk = world.succeeds("generate key-pair --algorithm ec-p256 --out other.pem --jwk");
    assert!(serde_json::from_str::<serde_json::Value>(&jwk).unwrap().get("kid").is_some());
}

#[test]
fn a_fingerprint_is_that_of_the_bytes_without_the_line_end() {
    let world = World::empty();
    world.write("value", "abc\n");
    // `printf abc | sha256sum`
    assert_eq!(world.succeeds("fingerprint --file value"), "ba7816bf8f01cfea\n");
}
