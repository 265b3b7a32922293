//! What an operator sees when a well-formed file says the wrong thing.

use super::{check, report};
use crate::yaml::{Checked, Diagnostic, Diagnostics, Source, Style, parse, read};
use insta::assert_snapshot;
use serde::Deserialize;

#[test]
fn every_mistake_is_reported_at_once() {
    assert_snapshot!(report(
        "version: one\nverison: 2\nstores:\n  a:\n    kind: valut\n  b: {}\n  c: 3\nsecrets:\n  db:\n    stroe: a\n    \
         ports: [1, 70000, x]\n    paused: yes\n  api:\n    store: 08\n    every: often\n"
    ), @r#"
    error: expected a whole number, found text `one`
     --> keywheel.yaml:1:10
      |
    1 | version: one
      |          ^^^

    error: unknown key `verison`
     --> keywheel.yaml:2:1
      |
    2 | verison: 2
      | ^^^^^^^
      |
      = hint: did you mean `version`?

    error: `valut` is none of the possible values
     --> keywheel.yaml:5:11
      |
    5 |     kind: valut
      |           ^^^^^
      |
      = hint: did you mean `vault`?

    error: missing key `kind`
     --> keywheel.yaml:6:3
      |
    6 |   b: {}
      |   ^

    error: expected a mapping, found number `3`
     --> keywheel.yaml:7:6
      |
    7 |   c: 3
      |      ^

    error: missing key `store`
     --> keywheel.yaml:9:3
      |
    9 |   db:
      |   ^^

    error: missing key `every`
     --> keywheel.yaml:9:3
      |
    9 |   db:
      |   ^^

    error: unknown key `stroe`
      --> keywheel.yaml:10:5
       |
    10 |     stroe: a
       |     ^^^^^
       |
       = hint: did you mean `store`?

    error: expected a whole number from 0 to 65535, found number `70000`
      --> keywheel.yaml:11:16
       |
    11 |     ports: [1, 70000, x]
       |                ^^^^^

    error: expected a whole number, found text `x`
      --> keywheel.yaml:11:23
       |
    11 |     ports: [1, 70000, x]
       |                       ^

    error: expected `true` or `false`, found text `yes`
      --> keywheel.yaml:12:13
       |
    12 |     paused: yes
       |             ^^^
       |
       = hint: write `true`

    error: expected text, found `08` without quotes
      --> keywheel.yaml:14:12
       |
    14 |     store: 08
       |            ^^
       |
       = hint: put it in quotes

    error: `often` is not a duration such as `30d`
      --> keywheel.yaml:15:12
       |
    15 |     every: often
       |            ^^^^^
    "#);
}

#[test]
fn a_key_written_twice_is_shown_with_both_places_and_the_rest_is_still_checked() {
    assert_snapshot!(report("version: 1\nstores:\n  a: {kind: file}\n  a: {kind: vault}\nversion: 2\nx: 1\n"), @r#"
    error: key `a` is written twice
     --> keywheel.yaml:4:3
      |
    4 |   a: {kind: vault}
      |   ^ written again here
      |
     ::: keywheel.yaml:3:3
      |
    3 |   a: {kind: file}
      |   - first written here
      |
      = hint: remove or rename one of them

    error: key `version` is written twice
     --> keywheel.yaml:5:1
      |
    5 | version: 2
      | ^^^^^^^ written again here
      |
     ::: keywheel.yaml:1:1
      |
    1 | version: 1
      | ------- first written here
      |
      = hint: remove or rename one of them

    error: unknown key `x`
     --> keywheel.yaml:6:1
      |
    6 | x: 1
      | ^
      |
      = hint: the keys here are `version`, `stores`, `secrets`
    "#);
}

#[test]
fn the_first_of_two_is_the_one_that_is_read() {
    assert_eq!(check("version: 1\nversion: 2\n").0.unwrap().version, 1);
}

#[test]
fn duplicates_are_found_in_long_mappings_too() {
    let stores: String = (0..50)
        .map(|n| {
            format!(
                "  s{}: {{kind: file}}
",
                n % 49
            )
        })
        .collect::<Vec<_>>()
        .concat();
    let text = format!(
        "version: 1
stores:
{stores}"
    );
    let (_, diagnostics) = check(&text);
    assert_eq!(diagnostics.len(), 1, "{}", diagnostics.render(Style::Plain));
}

#[test]
fn a_value_left_out_is_shown_at_its_key() {
    assert_snapshot!(report("version: 1\nstores:\nsecrets:\n  db:\n"), @r#"
    error: expected a mapping, found nothing
     --> keywheel.yaml:2:1
      |
    2 | stores:
      | ^^^^^^

    error: expected a mapping, found nothing
     --> keywheel.yaml:4:3
      |
    4 |   db:
      |   ^^
    "#);
}

#[test]
fn every_missing_key_is_reported() {
    assert_snapshot!(report("secrets:\n  db: {}\nstores:\n  a:\n    kind: {custom: {}}\n"), @r#"
    error: missing key `version`
     --> keywheel.yaml:1:1
      |
    1 | secrets:
      | ^^^^^^^^

    error: missing key `store`
     --> keywheel.yaml:2:3
      |
    2 |   db: {}
      |   ^^

    error: missing key `every`
     --> keywheel.yaml:2:3
      |
    2 |   db: {}
      |   ^^

    error: missing key `path`
     --> keywheel.yaml:5:12
      |
    5 |     kind: {custom: {}}
      |            ^^^^^^

    error: missing key `depth`
     --> keywheel.yaml:5:12
      |
    5 |     kind: {custom: {}}
      |            ^^^^^^
    "#);
}

#[test]
fn a_choice_may_be_wrong_in_several_ways() {
    assert_snapshot!(report(
        "version: 1\nstores:\n  a: {kind: custom}\n  b: {kind: {file: 1}}\n  c: {kind: {custm: 1}}\n  \
         d: {kind: {file: , vault: }}\n  e: {kind: [file]}\n  f: {kind: zebra}\n"
    ), @r#"
    error: this choice needs more than its name
     --> keywheel.yaml:3:13
      |
    3 |   a: {kind: custom}
      |             ^^^^^^
      |
      = hint: put a colon after it, and what belongs to it in the lines below

    error: expected nothing, found number `1`
     --> keywheel.yaml:4:20
      |
    4 |   b: {kind: {file: 1}}
      |                    ^

    error: `custm` is none of the possible values
     --> keywheel.yaml:5:14
      |
    5 |   c: {kind: {custm: 1}}
      |              ^^^^^
      |
      = hint: did you mean `custom`?

    error: expected exactly one of the keys `file`, `vault`, `custom`
     --> keywheel.yaml:6:13
      |
    6 |   d: {kind: {file: , vault: }}
      |             ^^^^^^^^^^^^^^^^^

    error: expected one of file, vault, custom, found a list
     --> keywheel.yaml:7:13
      |
    7 |   e: {kind: [file]}
      |             ^^^^^^

    error: `zebra` is none of the possible values
     --> keywheel.yaml:8:13
      |
    8 |   f: {kind: zebra}
      |             ^^^^^
      |
      = hint: the possible values are `file`, `vault`, `custom`
    "#);
}

#[test]
fn a_wrong_entry_leaves_the_others_usable() {
    let (inventory, diagnostics) =
        check("version: 1\nsecrets:\n  a: {store: s, every: x}\n  b: {store: s, every: 1d}\n");
    let usable: Vec<_> = inventory.unwrap().secrets.values().map(|secret| secret.get().is_some()).collect();
    assert_eq!((usable, diagnostics.len()), (vec![false, true], 1));
}

#[test]
fn settings_kept_for_later_report_at_their_own_place() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read only to see what is reported")]
    struct Settings {
        address: String,
        retries: u8,
    }

    let (inventory, mut diagnostics) = check(
        "version: 1\nstores:\n  a:\n    kind: file\n    settings:\n      retries: 300\n      adress: x\n",
    );
    let settings = inventory.unwrap().stores["a"].settings.clone().unwrap();
    assert!(settings.read::<Settings>(&mut diagnostics).is_none());
    assert_snapshot!(diagnostics.render(Style::Plain), @r#"
    error: missing key `address`
     --> keywheel.yaml:5:5
      |
    5 |     settings:
      |     ^^^^^^^^

    error: expected a whole number from 0 to 255, found number `300`
     --> keywheel.yaml:6:16
      |
    6 |       retries: 300
      |                ^^^

    error: unknown key `adress`
     --> keywheel.yaml:7:7
      |
    7 |       adress: x
      |       ^^^^^^
      |
      = hint: did you mean `address`?
    "#);
}

#[test]
fn a_mistake_of_meaning_is_reported_beside_the_others() {
    let (inventory, mut diagnostics) =
        check("version: 1\nextra: 1\nsecrets:\n  db: {store: nope, every: 1d}\n");
    let inventory = inventory.unwrap();
    let secret = inventory.secrets.values().next().and_then(Checked::get).unwrap();
    let message = format!("there is no store `{}`", &*secret.store);
    diagnostics.push(Diagnostic::error(message).at(secret.store.span()).hint("declare it under `stores`"));
    assert_snapshot!(diagnostics.render(Style::Plain), @r#"
    error: unknown key `extra`
     --> keywheel.yaml:2:1
      |
    2 | extra: 1
      | ^^^^^
      |
      = hint: the keys here are `version`, `stores`, `secrets`

    error: there is no store `nope`
     --> keywheel.yaml:4:15
      |
    4 |   db: {store: nope, every: 1d}
      |               ^^^^
      |
      = hint: declare it under `stores`
    "#);
}

#[test]
fn what_cannot_be_stood_in_for_does_not_hide_what_is_beside_it() {
    // No stand-in is a `Never`, so the mapping that lacks one is given up, and only that.
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read only to see what is reported")]
    struct Outer {
        first: Inner,
        second: u8,
        third: Option<Endless>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read only to see what is reported")]
    struct Inner {
        never: Never,
    }

    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Never;

    impl TryFrom<String> for Never {
        type Error = &'static str;

        fn try_from(_: String) -> Result<Self, Self::Error> {
            Err("nothing is right")
        }
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    #[expect(dead_code, reason = "read only to see what is reported")]
    enum Endless {
        Again(Box<Endless>),
        End,
    }

    let mut diagnostics =
        Diagnostics::new(Source::new("x.yaml", "first: {}\nsecond: x\nthird: {again: {again: 3}}\n"));
    let document = parse(&mut diagnostics).unwrap();
    assert!(read::<Outer>(document.root(), &mut diagnostics).is_none());
    let messages: Vec<_> = diagnostics.sorted().iter().map(|one| one.message().to_owned()).collect();
    assert_eq!(
        messages,
        [
            "missing key `never`",
            "expected a whole number, found text `x`",
            "`3` is none of the possible values"
        ]
    );
}

#[test]
fn flattened_and_internally_tagged_types_are_read_though_with_coarser_places() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read only to see what is reported")]
    struct Outer {
        name: String,
        #[serde(flatten)]
        tagged: Tagged,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    enum Tagged {
        A { size: u8 },
        B,
    }

    let outer = |text: &str| {
        let mut diagnostics = Diagnostics::new(Source::new("x.yaml", text));
        let document = parse(&mut diagnostics).unwrap();
        let outer = read::<Outer>(document.root(), &mut diagnostics);
        let messages: Vec<_> = diagnostics.sorted().iter().map(|one| one.message().to_owned()).collect();
        (outer.map(|outer| outer.tagged), messages)
    };
    assert_eq!(outer("name: x\nkind: a\nsize: 3\n"), (Some(Tagged::A { size: 3 }), vec![]));
    assert_eq!(outer("kind: b\n"), (None, vec!["missing key `name`".to_owned()]));
    assert_eq!(outer("name: x\nkind: a\n"), (None, vec!["missing key `size`".to_owned()]));
    assert_eq!(outer("name: x\nkind: c\n"), (None, vec!["`c` is none of the possible values".to_owned()]));
    let (_, messages) = outer("name: x\nkind: a\nsize: 3\npassword: hunter2\n");
    assert!(messages.is_empty());
    let (_, messages) = outer("name: x\nkind: a\nsize: [hunter2]\n");
    assert_eq!(messages, ["expected a whole number in one of the values here"]);
}
