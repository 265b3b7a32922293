//! Help says what there is, shortly.

use insta::assert_snapshot;
use rstest::rstest;

use crate::world::{World, redacted};

#[test]
fn the_command_explains_itself() {
    let _redacted = redacted();
    assert_snapshot!("help", World::empty().succeeds("-h"));
}

#[rstest]
#[case("plan")]
#[case("rotate")]
fn the_main_commands_have_examples(#[case] command: &str) {
    let _redacted = redacted();
    assert_snapshot!(format!("help-{command}"), World::empty().succeeds(&format!("{command} -h")));
}

#[test]
fn the_version_needs_no_inventory() {
    assert_eq!(World::empty().succeeds("--version"), concat!("keywheel ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[rstest]
#[case("bash")]
#[case("fish")]
#[case("zsh")]
fn shells_get_completions(#[case] shell: &str) {
    assert!(World::empty().succeeds(&format!("completions {shell}")).contains("keywheel"));
}
