use keywheel_core::SecretValue;
use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn secret(text: &str) -> SecretValue {
    SecretValue::copy_from(text.as_bytes())
}

fn get(file: &str, name: &str) -> Option<String> {
    let value = Dotenv::parse(file.as_bytes()).unwrap().get(name).unwrap()?;
    Some(String::from_utf8(value.expose_secret().to_vec()).unwrap())
}

fn set(file: &str, name: &str, value: &str) -> String {
    let edited = Dotenv::parse(file.as_bytes()).unwrap().set(name, &secret(value)).unwrap();
    String::from_utf8(edited.to_vec()).unwrap()
}

#[rstest]
#[case::bare("K=v\n", "v")]
#[case::bare_without_final_newline("K=v", "v")]
#[case::bare_with_trailing_blanks("K=v \t \nB=2", "v")]
#[case::bare_with_inner_blank("K=a b\n", "a b")]
#[case::bare_with_inline_comment("K=v # note\n", "v")]
#[case::hash_without_blank_belongs_to_the_value("K=v#1\n", "v#1")]
#[case::empty("K=\n", "")]
#[case::empty_with_comment("K= # note\n", "")]
#[case::crlf("K=v\r\nB=2\r\n", "v")]
#[case::export("export K=v\n", "v")]
#[case::indented("\t  export\tK =  v\n", "v")]
#[case::byte_order_mark("\u{feff}K=v\n", "v")]
#[case::single("K='a $b \\n # \"x\"' # note\n", "a $b \\n # \"x\"")]
#[case::single_over_lines("K='a\nb'\n", "a\nb")]
#[case::double(r#"K="a\n\r\t\\\"\$ # b" # note"#, "a\n\r\t\\\"$ # b")]
#[case::double_over_lines("K=\"a\nB=1\n\"\n", "a\nB=1\n")]
#[case::last_definition_wins("K=1\nK=2\n", "2")]
#[case::not_a_comment_line("#K=0\nK=1\n#K=2\n", "1")]
#[case::not_inside_another_value("A='\nK=0\n'\nK=1\n", "1")]
#[case::apostrophe_of_another_line("A=it's\nK=1\n", "1")]
fn get_decodes(#[case] file: &str, #[case] expected: &str) {
    assert_eq!(get(file, "K").as_deref(), Some(expected));
}

#[rstest]
#[case::prefix_of_another("KK=1\n")]
#[case::comment("# K=1\n")]
#[case::name_only("export K\nK\n")]
#[case::empty("")]
fn get_finds_nothing(#[case] file: &str) {
    assert_eq!(get(file, "K"), None);
}

#[rstest]
#[case::bare_reference("A=1\nK=a$B\n")]
#[case::double_reference("A=1\nK=\"${B}\"\n")]
#[case::bare_backslash("A=1\nK=a\\b\n")]
#[case::bare_quote("A=1\nK=a\"b\"\n")]
#[case::escaped_single_quote("A=1\nK='a\\'b'\n")]
#[case::uncommon_escape("A=1\nK=\"\\x41\"\n")]
#[case::glued_segments("A=1\nK='a'b\n")]
#[case::comment_glued_to_a_quote("A=1\nK='a'#b\n")]
#[case::no_break_space_at_the_end("A=1\nK=a\u{a0}\n")]
#[case::no_break_space_at_the_beginning("A=1\nK=\u{a0}a\n")]
#[case::no_break_space_before_a_comment("A=1\nK=a\u{a0}# b\n")]
#[case::carriage_return_within("A=1\nK=a\rB=2\n")]
#[case::form_feed("A=1\nK=\u{c}a\n")]
#[case::form_feed_before_a_comment("A=1\nK=a\u{c} # b\n")]
#[case::form_feed_at_the_end("A=1\nK=a\u{c}")]
#[case::form_feed_after_the_closing_quote("A=1\nK='a'\u{c}")]
#[case::control_character("A=1\nK=a\u{1}b\n")]
fn get_refuses_what_readers_read_differently(#[case] file: &str) {
    let error = Dotenv::parse(file.as_bytes()).unwrap().get("K").unwrap_err();
    assert!(matches!(error, DotenvError::Ambiguous { line: 2, .. }), "{error}");
}

/// `dotenvy` skips it and has a variable; set a second time further down, the first would still count.
#[rstest]
#[case::before_the_name("A=1\n\u{a0}K=1\n")]
#[case::after_the_name("A=1\nK\u{2009}=1\n")]
#[case::after_export("A=1\nexport\u{c}K=1\n")]
#[case::carriage_return("A=1\n\rK=1\n")]
#[case::byte_order_mark_of_a_joined_file("A=1\n\u{feff}K=1\n")]
fn an_assignment_that_only_some_readers_see_is_refused(#[case] file: &str) {
    let parsed = Dotenv::parse(file.as_bytes()).unwrap();
    let expected = DotenvError::OddSpace { line: 2 };
    assert_eq!(parsed.get("K").unwrap_err(), expected);
    assert_eq!(parsed.set("K", &secret("x")).unwrap_err(), expected);
    assert_eq!(get(file, "A").as_deref(), Some("1"));
}

#[rstest]
#[case::keeps_bare("A=1\nK=old\nB=2\n", "new", "A=1\nK=new\nB=2\n")]
#[case::keeps_single("K='old'\n", "new", "K='new'\n")]
#[case::keeps_double("K=\"old\"\n", "new x", "K=\"new x\"\n")]
#[case::keeps_export_indent_blanks_and_comment(
    "  export  K =  old \t# it's\r\nB=1\n",
    "new",
    "  export  K =  new \t# it's\r\nB=1\n"
)]
#[case::keeps_missing_final_newline("A=1\nK=old", "new", "A=1\nK=new")]
#[case::bare_needs_quotes("K=old # n\n", "a b", "K='a b' # n\n")]
#[case::dollar_moves_to_single("K=\"old\"\n", "a$b", "K='a$b'\n")]
#[case::apostrophe_needs_double("K='old'\n", "it's $5 \"x\"", "K=\"it's \\$5 \\\"x\\\"\"\n")]
#[case::newline_is_escaped("K=old\n", "a\nb", "K=\"a\\nb\"\n")]
#[case::lone_backslash_stays_literal("K=old\n", "a\\b", "K='a\\b'\n")]
#[case::final_backslash_is_escaped("K=old\n", "a\\", "K=\"a\\\\\"\n")]
#[case::empty_before_a_comment("K=old # n\n", "", "K='' # n\n")]
#[case::empty("K=old\n", "", "K=\n")]
#[case::value_before_a_lone_comment("K= # n\n", "new", "K=new # n\n")]
#[case::value_before_a_glued_comment("K=#n\n", "new", "K=new #n\n")]
#[case::over_lines("K='a\nb' # n\nB=1\n", "c", "K='c' # n\nB=1\n")]
#[case::keeps_half_a_line_end("A=1\r\nK=old\r", "new", "A=1\r\nK=new\r")]
#[case::appends_after_half_a_line_end("A=1\r", "new", "A=1\r\nK=new")]
#[case::appends_after_half_a_line_end_among_whole_ones("A=1\r\nB=2\r", "new", "A=1\r\nB=2\r\nK=new")]
#[case::appends("A=1\n", "new", "A=1\nK=new\n")]
#[case::appends_crlf("A=1\r\nB=2\r\nC=3\n", "new", "A=1\r\nB=2\r\nC=3\nK=new\r\n")]
#[case::appends_without_final_newline("A=1", "new", "A=1\nK=new")]
#[case::appends_to_nothing("", "new", "K=new\n")]
#[case::appends_to_a_byte_order_mark("\u{feff}", "new", "\u{feff}K=new\n")]
fn set_changes_one_value(#[case] file: &str, #[case] value: &str, #[case] expected: &str) {
    assert_eq!(set(file, "K", value), expected);
}

#[rstest]
#[case::nul(b"a\0b", "a NUL byte")]
#[case::carriage_return(b"a\r\nb", "a carriage return")]
#[case::not_utf8(b"\xff\xfe", "bytes that are not UTF-8")]
fn set_refuses_what_the_format_cannot_hold(#[case] value: &[u8], #[case] expected: &str) {
    let error = Dotenv::parse(b"K=v").unwrap().set("K", &SecretValue::copy_from(value)).unwrap_err();
    assert!(matches!(error, DotenvError::Unrepresentable { what } if what == expected), "{error}");
}

#[test]
fn an_edit_of_a_duplicate_names_both_lines() {
    let file = Dotenv::parse(b"A='\n'\nK=1\n\nexport K=2\n").unwrap();
    let expected = DotenvError::Duplicate { name: "K".into(), first: 3, second: 5 };
    assert_eq!(file.set("K", &secret("x")).unwrap_err(), expected);
    assert_eq!(file.remove("K").unwrap_err(), expected);
}

#[test]
fn a_quote_that_never_closes_is_refused() {
    let error = Dotenv::parse(b"A=1\nB=\"x\nK=1\n").unwrap_err();
    assert_eq!(error, DotenvError::Unterminated { line: 2 });
}

#[rstest]
#[case("1A")]
#[case("A B")]
#[case("")]
#[case("A=B")]
fn set_refuses_a_name_that_readers_refuse(#[case] name: &str) {
    let error = Dotenv::parse(b"").unwrap().set(name, &secret("x")).unwrap_err();
    assert!(matches!(error, DotenvError::InvalidName { .. }), "{error}");
}

#[test]
fn remove_takes_the_whole_statement_and_nothing_else() {
    let remove = |file: &str| Dotenv::parse(file.as_bytes()).unwrap().remove("K").unwrap().to_vec();
    assert_eq!(remove("A=1\nexport K='x\ny' # n\r\nB=2"), b"A=1\nB=2");
    assert_eq!(remove("A=1\n"), b"A=1\n");
}

#[test]
fn remove_does_not_bring_a_byte_order_mark_to_the_beginning() {
    let file = Dotenv::parse("K='x\ny'\n\u{feff}A=1\n".as_bytes()).unwrap();
    assert_eq!(file.remove("K").unwrap_err(), DotenvError::OddSpace { line: 3 });
}

#[test]
fn neither_debug_nor_an_error_shows_a_value() {
    let file = Dotenv::parse(b"K=hunter$2").unwrap();
    assert!(!format!("{file:?}").contains("hunter"));
    assert!(!format!("{:?}", file.get("K").unwrap_err()).contains("hunter"));
}

/// Lines that hold no `K`, some of them odd.
fn other_lines() -> impl Strategy<Value = Vec<&'static [u8]>> {
    let line = prop::sample::select(vec![
        &b"# a comment, it's \"odd\""[..],
        b"",
        b"   ",
        b"A=1",
        b"  export B = 'two words'  # note",
        b"C=\"x\\ny\"",
        b"D='over\nlines K=1'",
        b"E=\"over\nK=1\nlines\"",
        b"# caf\xe9",
        b"KK=3",
        b"not an assignment",
        b"F=",
    ]);
    prop::collection::vec(line, 0..6)
}

fn own_line() -> impl Strategy<Value = (&'static str, &'static str, &'static str)> {
    (
        prop::sample::select(vec!["K=", "export K=", "\tK = "]),
        prop::sample::select(vec!["old", "'old one'", "\"old\\none\"", "''", "'a\nb'", ""]),
        prop::sample::select(vec!["", " # note", "\t# it's \"x\""]),
    )
}

fn value() -> impl Strategy<Value = String> {
    let awkward = prop::sample::select(vec!['\'', '"', '\\', '$', '`', '#', ' ', '\n', '\t', '=', 'n', 'é']);
    let letter = prop_oneof![3 => awkward, 1 => any::<char>(), 1 => prop::char::range('a', 'z')];
    prop::collection::vec(letter, 0..12).prop_map(|letters| letters.into_iter().collect())
}

/// What `dotenvy` reads, skipping the lines it cannot.
fn dotenvy_reads(file: &[u8]) -> Option<String> {
    let pairs = dotenvy::from_read_iter(file).filter_map(Result::ok);
    pairs.filter(|(name, _)| name == "K").last().map(|(_, value)| value)
}

proptest! {
    #[test]
    fn set_changes_only_that_value_and_readers_agree(
        (before, own, after) in (other_lines(), prop::option::of(own_line()), other_lines()),
        (crlf, final_end, mark) in any::<(bool, bool, bool)>(),
        value in value(),
    ) {
        let end: &[u8] = if crlf { b"\r\n" } else { b"\n" };
        let mut head = if mark { lexer::BYTE_ORDER_MARK.to_vec() } else { Vec::new() };
        for line in before {
            head.extend_from_slice(line);
            head.extend_from_slice(end);
        }
        let mut tail = Vec::new();
        for line in after {
            tail.extend_from_slice(end);
            tail.extend_from_slice(line);
        }
        if final_end {
            tail.extend_from_slice(end);
        }
        let mut file = head.clone();
        if let Some((left, old, note)) = own {
            for part in [left, old, note] {
                file.extend_from_slice(part.as_bytes());
            }
            head.extend_from_slice(left.trim_end_matches(' ').as_bytes());
            tail.splice(0..0, note.bytes());
        }
        file.extend_from_slice(&tail[own.map_or(0, |(_, _, note)| note.len())..]);

        let parsed = Dotenv::parse(&file).unwrap();
        match parsed.set("K", &secret(&value)) {
            Err(DotenvError::Unrepresentable { .. }) => {
                prop_assert!(value.contains(['\0', '\r']));
            }
            Err(other) => prop_assert!(false, "{other}"),
            Ok(edited) => {
                if own.is_some() {
                    prop_assert!(edited.starts_with(&head), "the head changed");
                    prop_assert!(edited.ends_with(&tail), "the tail changed");
                } else {
                    prop_assert!(edited.starts_with(&file), "an append changed what was there");
                }
                let read = Dotenv::parse(&edited).unwrap().get("K").unwrap().unwrap();
                prop_assert_eq!(read.expose_secret(), value.as_bytes());
                let text = edited.strip_prefix(lexer::BYTE_ORDER_MARK).unwrap_or(&edited);
                // `dotenvy` 0.15 takes a `#` after two blanks for part of the value; it must have read the line before.
                let before = file.strip_prefix(lexer::BYTE_ORDER_MARK).unwrap_or(&file);
                let readable = own.is_none() || dotenvy_reads(before).is_some();
                if readable && std::str::from_utf8(text).is_ok() {
                    prop_assert_eq!(dotenvy_reads(text), Some(value));
                }
                let removed = Dotenv::parse(&edited).unwrap().remove("K").unwrap();
                prop_assert!(Dotenv::parse(&removed).unwrap().get("K").unwrap().is_none());
            }
        }
    }

    #[test]
    fn no_bytes_make_the_lexer_panic(bytes in prop::collection::vec(prop::sample::select(b"K=\\'\"# \t\r\n$e\xff".to_vec()), 0..24)) {
        if let Ok(file) = Dotenv::parse(&bytes) {
            let _ = file.get("K");
            if let Ok(edited) = file.set("K", &secret("a b")) {
                let read = Dotenv::parse(&edited).unwrap().get("K").unwrap().unwrap();
                prop_assert_eq!(read.expose_secret(), b"a b");
            }
        }
    }
}
