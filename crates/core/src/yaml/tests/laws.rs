//! What holds for every text.

use proptest::prelude::*;

use super::{check, report};

/// A block has no quotes to look between: its first byte may be a part of a letter.
#[test]
fn a_block_that_begins_with_a_byte_order_mark_is_read() {
    report("|\n\u{feff}\n");
}

proptest! {
    #[test]
    fn reading_never_panics(text in r##"([a-z:\-\[\]{}&*!|>'"#~ \n\t,?<0-9é→]|secrets:\n|  |password: |&a |\*a|stores:\n|- |: ){0,60}"##) {
        report(&text);
    }

    #[test]
    fn reading_never_panics_on_any_text(text in any::<String>()) {
        report(&text);
    }

    #[test]
    fn reading_never_panics_on_blocks_of_any_letter(text in "[|>][\\n é→\u{feff}\u{85}\u{2028}]{0,8}") {
        report(&text);
        report(&format!("version: 1\nsecrets: {text}"));
    }

    #[test]
    fn reading_never_panics_on_near_inventories(
        entries in prop::collection::vec(("[a-z]{1,6}", "(store|every|ports|password|x)", "[ -~]{0,12}"), 0..12),
    ) {
        let entries = entries.iter().map(|(name, key, value)| format!("  {name}:\n    {key}: {value}\n"));
        let text = format!("version: 1\nsecrets:\n{}", entries.collect::<Vec<_>>().concat());
        report(&text);
    }

    #[test]
    fn a_password_is_never_shown(
        before in "(store: a, |every: x, |zz: 1, |paused: 3, )?",
        key in "(password|db_token|apiKey|dsn|secret)",
        after in "(, store: 3|, every: x|, zz: 1)?",
        quote in "['\"]?",
    ) {
        let text = format!("version: 1\nsecrets:\n  db: {{{before}{key}: {quote}Tr0ub4dor{quote}{after}}}\nx: 1\n");
        let report = report(&text);
        prop_assert!(!report.contains("Tr0ub4dor"), "{}", report);
        prop_assert!(check(&text).1.has_errors());
    }
}
