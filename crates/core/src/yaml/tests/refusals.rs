//! What is not read at all, and why.

use super::{check, report};
use crate::yaml::{Diagnostics, Source, Style, parse};
use insta::assert_snapshot;
use rstest::rstest;

#[rstest]
#[case::nothing("", "the file is empty")]
#[case::comments("# nothing here\n", "the file is empty")]
#[case::marker("---\n", "the file is empty")]
#[case::colons(":::", "unknown key `::`")]
#[case::text("hello", "expected a mapping, found text")]
#[case::list("- a\n", "expected a mapping, found a list")]
#[case::tab("version:\t1\n\tx: 2\n", "this is not valid YAML")]
#[case::nul("version: 1\0\n", "this is not valid YAML")]
#[case::bracket("version: [1\n", "this is not valid YAML")]
#[case::quote("version: 'a\n", "this is not valid YAML")]
#[case::unknown_alias("version: *a\n", "this is not valid YAML")]
#[case::alias_in_itself("version: &a [*a]\n", "this alias stands for something that it is itself a part of")]
#[case::merge("version: 1\n<<: {x: 1}\n", "merge keys (`<<`) are not read here")]
#[case::key_list("version: 1\n? [a, b]\n: c\n", "a key must be text, not a list or a mapping")]
#[case::tag("version: !port 1\n", "tags are not read here")]
#[case::documents(
    "version: 1\n---\nversion: 2\n",
    "a second document starts here, but the file may hold only one"
)]
fn what_is_not_an_inventory_is_told_so(#[case] text: &str, #[case] expected: &str) {
    let (_, diagnostics) = check(text);
    let messages: Vec<_> = diagnostics.sorted().iter().map(|one| one.message().to_owned()).collect();
    assert!(messages.iter().any(|message| message.starts_with(expected)), "{messages:?}");
}

#[test]
fn bytes_that_are_not_text_are_refused_with_their_place() {
    let mut diagnostics = Diagnostics::new(Source::from_bytes("x.yaml", b"a: 1\nb: \xff\xfe\x00".to_vec()));
    assert!(parse(&mut diagnostics).is_none());
    assert_snapshot!(diagnostics.render(Style::Plain), @r#"
    error: the file is not UTF-8 text from here on
    --> x.yaml:2:4
    "#);
}

#[test]
fn broken_syntax_shows_a_place_and_no_line() {
    assert_snapshot!(report("version: 1\npassword: hunter2: x\n"), @r#"
    error: this is not valid YAML: mapping values are not allowed in this context
    --> keywheel.yaml:2:18
     = hint: put a value that contains `: ` in quotes
    "#);
}

#[rstest]
#[case::flow("[".repeat(5000))]
#[case::block((0..200).map(|depth| " ".repeat(depth) + "a:\n").collect())]
#[case::mixed(format!("{}{}", "- ".repeat(50), "[".repeat(50) + &"]".repeat(50)))]
fn deep_nesting_is_refused(#[case] text: String) {
    let report = report(&text);
    assert!(report.contains("values are nested more than 64 levels deep"), "{report}");
}

#[test]
fn aliases_that_deepen_without_end_are_refused() {
    let deeper = (1..100).map(|n| {
        format!(
            "a{n}: &a{n} [*a{}]
",
            n - 1
        )
    });
    let text = format!(
        "a0: &a0 [x]
{}",
        deeper.collect::<Vec<_>>().concat()
    );
    assert!(report(&text).contains("nested more than 64"));
}

#[test]
fn aliases_that_multiply_are_refused() {
    let tenfold = (1..12).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", ")));
    let text = format!("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n{}", tenfold.collect::<Vec<_>>().concat());
    assert_snapshot!(report(&text), @r#"
    error: the aliases up to here stand for too many values
    --> keywheel.yaml:7:45
    "#);
}
