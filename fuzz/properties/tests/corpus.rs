//! Every input that is kept, held against its property: what the fuzzer once found stays mended.

use std::{fs, path::Path};

use keywheel_fuzz_properties::{audit, document, dotenv, inventory, journal};
use rstest::rstest;

#[rstest]
#[case::audit("audit", audit::check)]
#[case::document("document", document::check)]
#[case::dotenv("dotenv", dotenv::check)]
#[case::inventory("inventory", inventory::check)]
#[case::journal("journal", journal::check)]
fn the_property_holds_for_every_input_that_is_kept(#[case] target: &str, #[case] check: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target);
    let mut inputs = 0;
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        // Captured unless the test fails, and then the last line names the input.
        println!("{}", path.display());
        check(&fs::read(&path).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0, "{} holds no input", directory.display());
}
