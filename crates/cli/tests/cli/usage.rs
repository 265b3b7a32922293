//! What cannot be is refused with 2, and says what can.

use insta::assert_snapshot;
use rstest::rstest;

use crate::world::{World, redacted};

#[rstest]
#[case::nothing_selected("rotate --yes")]
#[case::nobody_to_ask("rotate --due")]
#[case::a_slip_of_the_finger("rotate db-pasword --yes")]
#[case::an_unknown_tier("rotate --tier critcal --yes")]
#[case::an_unknown_tag("plan --tag nothing-like-it")]
#[case::value_for_a_generated_secret("rotate session --value-from-stdin --yes")]
#[case::value_for_two("rotate session api-key --value-from-stdin --yes")]
#[case::short_password("generate password --length 8")]
fn the_message_says_what_to_type(#[case] arguments: &str) {
    let _redacted = redacted();
    assert_snapshot!(format!("usage-{}", arguments.replace(' ', "_")), World::new().shows(arguments));
}

#[rstest]
#[case("")]
#[case("rotate --due --all")]
#[case("rotate --plan p.json --due")]
#[case("rotate --due --patience soon")]
#[case("generate password --classes lower,uper")]
#[case("generate key-pair")]
#[case("vouch db-password")]
#[case("fingerprint")]
#[case("fingerprint db-password --stdin")]
#[case("audit show --since soon")]
#[case("rollback db-password")]
#[case("resume db-password")]
#[case("resume")]
fn usage_errors_exit_with_2_and_write_nothing(#[case] arguments: &str) {
    let world = World::new();
    assert_eq!(world.exit(arguments), 2);
    assert!(!world.path("secrets").exists());
    assert!(!world.path(".keywheel").exists());
}
