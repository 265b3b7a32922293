//! How mistakes are drawn and written.

use super::{check, report};
use crate::yaml::{Diagnostics, Source, Style, parse, read};
use insta::assert_snapshot;
use serde::Deserialize;

#[test]
fn columns_count_characters_and_crlf_ends_a_line() {
    let text = "version: 1\r\nstores:\r\n  \"größe→\": {kind: fil, knid: ü}\r\n";
    assert_snapshot!(report(text), @r#"
    error: `fil` is none of the possible values
     --> keywheel.yaml:3:20
      |
    3 |   "größe→": {kind: fil, knid: ü}
      |                    ^^^
      |
      = hint: did you mean `file`?

    error: unknown key `knid`
     --> keywheel.yaml:3:25
      |
    3 |   "größe→": {kind: fil, knid: ü}
      |                         ^^^^
      |
      = hint: did you mean `kind`?
    "#);
    let (_, diagnostics) = check(text);
    let json = serde_json::to_value(&diagnostics).unwrap();
    assert_eq!((&json[0]["line"], &json[0]["column"]), (&3.into(), &20.into()));
}

#[test]
fn credentials_are_not_shown() {
    let text = "version: 1\nsecrets:\n  db: {password: hunter2, every: 1d, stor: b}\n  api:\n    \
                password: hunter3 # was hunter4\n    passwrod: hunter5\n    every: 6 # hunter7\n    \
                api_token: [hunter8]\n    store: postgres://u:hunter9@db/x\n    store: a\n    ports: ghp_hunter10hunter10\n";
    let report = report(text);
    assert!(!report.contains("hunter"), "{report}");
    assert_snapshot!(report, @r#"
    error: missing key `store`
     --> keywheel.yaml:3:3
      |
    3 |   db: {password: …, every: 1d, stor: b}
      |   ^^

    error: expected a whole number, found text
     --> keywheel.yaml:3:18
      |
    3 |   db: {password: …, every: 1d, stor: b}
      |                  ^

    error: unknown key `stor`
    --> keywheel.yaml:3:38
     = hint: did you mean `store`?

    error: expected a whole number, found text
     --> keywheel.yaml:5:15
      |
    5 |     password: … # …
      |               ^

    error: unknown key `passwrod`
     --> keywheel.yaml:6:5
      |
    6 |     passwrod: …
      |     ^^^^^^^^
      |
      = hint: did you mean `password`?

    error: expected text, found `6` without quotes
     --> keywheel.yaml:7:12
      |
    7 |     every: 6 # …
      |            ^
      |
      = hint: put it in quotes

    error: unknown key `api_token`
     --> keywheel.yaml:8:5
      |
    8 |     api_token: […]
      |     ^^^^^^^^^
      |
      = hint: the keys here are `store`, `every`, `password`, `ports`, `weight`, `paused`

    error: key `store` is written twice
      --> keywheel.yaml:10:5
       |
    10 |     store: a
       |     ^^^^^ written again here
       |
      ::: keywheel.yaml:9:5
       |
     9 |     store: …
       |     ----- first written here
       |
       = hint: remove or rename one of them

    error: expected a list, found text
      --> keywheel.yaml:11:12
       |
    11 |     ports: …
       |            ^
    "#);
}

#[test]
fn only_the_first_hundred_are_shown() {
    let text: String = (0..250).map(|n| format!("x{n}: 1\n")).collect::<Vec<_>>().concat();
    let report = report(&format!("version: 1\n{text}"));
    assert_eq!(report.matches("unknown key").count(), 100);
    assert!(report.ends_with("and 150 more\n"), "{report}");
}

#[test]
fn the_machine_readable_form_has_place_message_and_hint() {
    let (_, diagnostics) = check("version: 1\nverison: 2\nversion: 3\n");
    assert_snapshot!(serde_json::to_string_pretty(&diagnostics).unwrap(), @r#"
    [
      {
        "severity": "error",
        "file": "keywheel.yaml",
        "line": 2,
        "column": 1,
        "message": "unknown key `verison`",
        "hint": "did you mean `version`?",
        "related": []
      },
      {
        "severity": "error",
        "file": "keywheel.yaml",
        "line": 3,
        "column": 1,
        "message": "key `version` is written twice",
        "hint": "remove or rename one of them",
        "related": [
          {
            "line": 1,
            "column": 1,
            "label": "first written here"
          }
        ]
      }
    ]
    "#);
}

#[test]
fn colours_only_where_asked_for() {
    let (_, diagnostics) = check("version: x\n");
    assert!(!diagnostics.render(Style::Plain).contains('\u{1b}'));
    assert!(diagnostics.render(Style::Coloured).contains('\u{1b}'));
}

#[test]
fn text_of_the_file_cannot_steer_the_terminal() {
    assert!(!report("version: \"\\e[31mred\"\n\"\\e[2J\": 1\n").contains('\u{1b}'));
    // Also one of the control characters beyond ASCII, and its place in the line stays.
    let said = report("version: 1\nnext\u{85}line: 1\n");
    assert!(
        !said.contains('\u{85}') && said.contains("| next·line: 1\n") && said.contains("| ^^^^^^^^^\n"),
        "{said}"
    );
}

#[test]
fn what_a_type_says_of_a_buffered_value_is_not_repeated_if_it_holds_a_credential() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read only to see what is reported")]
    struct Outer {
        #[serde(flatten)]
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read only to see what is reported")]
    struct Inner {
        password: Picky,
    }

    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Picky;

    impl TryFrom<String> for Picky {
        type Error = String;

        fn try_from(text: String) -> Result<Self, String> {
            Err(format!("`{text}` will not do"))
        }
    }

    let mut diagnostics = Diagnostics::new(Source::new("x.yaml", "password: hunter2\n"));
    let document = parse(&mut diagnostics).unwrap();
    assert!(read::<Outer>(document.root(), &mut diagnostics).is_none());
    assert_snapshot!(diagnostics.render(Style::Plain), @r#"
    error: this value is not valid here
     --> x.yaml:1:1
      |
    1 | password: …
      | ^^^^^^^^^^^
    "#);
}

#[test]
fn a_file_that_is_a_secret_itself_is_not_repeated() {
    let report = report("correct horse battery staple\n");
    assert!(!report.contains("horse"), "{report}");
}
