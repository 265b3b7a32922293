//! A contract without a case is a wish: each numbered sentence has exactly one, which quotes it and which every
//! implementation runs.

use rstest::rstest;

const MACROS: &str = include_str!("../src/conformance/macros.rs");

/// The numbered sentences of the `# Contract` above `pub trait NAME`.
fn contract(source: &str, name: &str) -> Vec<(usize, String)> {
    let documented = source.split(&format!("\npub trait {name}:")).next().expect("the trait is there");
    let contract = documented.rsplit("/// # Contract\n").next().expect("it has a contract");
    sentences(contract.lines())
}

/// Numbered sentences in doc comments; the lines after the first are indented.
fn sentences<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(usize, String)> {
    let mut sentences: Vec<(usize, String)> = Vec::new();
    for line in lines {
        let Some(text) = line.strip_prefix("/// ") else { continue };
        let numbered = text.split_once(". ").and_then(|(number, rest)| Some((number.parse().ok()?, rest)));
        match (numbered, sentences.last_mut()) {
            (Some((number, rest)), _) => sentences.push((number, rest.to_owned())),
            (None, Some((_, sentence))) if text.starts_with("   ") => {
                sentence.push(' ');
                sentence.push_str(text.trim_start());
            }
            (None, _) => {}
        }
    }
    sentences
}

/// The numbers of the cases in a suite: of its functions, or of those that its macro lists.
fn numbers(names: impl Iterator<Item = String>) -> Vec<usize> {
    names.filter_map(|name| name.strip_prefix('c')?.get(..2)?.parse().ok()).collect()
}

fn functions(suite: &str) -> impl Iterator<Item = String> {
    suite.lines().filter_map(|line| {
        let name = line.strip_prefix("pub async fn ")?;
        Some(name.split('(').next().unwrap_or_default().to_owned())
    })
}

fn listed(suite: &str) -> impl Iterator<Item = String> {
    let list = MACROS.split(&format!("\n            {suite},\n")).nth(1).expect("the suite has a macro");
    let list = list.split_once('[').expect("it lists its cases").1.split(']').next().unwrap_or_default();
    list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[rstest]
#[case(
    "Secret",
    "secret",
    include_str!("../../core/src/secret.rs"),
    include_str!("../src/conformance/secret.rs")
)]
#[case(
    "Rotator",
    "rotator",
    include_str!("../../core/src/rotator.rs"),
    include_str!("../src/conformance/rotator.rs")
)]
#[case(
    "Notifier",
    "notifier",
    include_str!("../../core/src/notifier.rs"),
    include_str!("../src/conformance/notifier.rs")
)]
#[case(
    "Journal",
    "journal",
    include_str!("../../core/src/journal.rs"),
    include_str!("../src/conformance/journal.rs")
)]
fn every_sentence_of_a_contract_has_one_case(
    #[case] name: &str,
    #[case] suite: &str,
    #[case] traits: &str,
    #[case] cases: &str,
) {
    let contract = contract(traits, name);
    let expected: Vec<usize> = (1..=contract.len()).collect();
    assert!(contract.len() >= 6, "{contract:?}");
    assert_eq!(contract.iter().map(|(number, _)| *number).collect::<Vec<_>>(), expected);
    assert_eq!(numbers(functions(cases)), expected, "the cases of {name}");
    assert_eq!(
        listed(suite).collect::<Vec<_>>(),
        functions(cases).collect::<Vec<_>>(),
        "the macro of {name}"
    );
    let quoted = sentences(cases.lines());
    assert_eq!(quoted.len(), contract.len(), "every case of {name} quotes its sentence");
    for ((number, sentence), (of, quoted)) in contract.iter().zip(quoted) {
        // A case may say in brackets what of the sentence a suite cannot see.
        assert!(
            of == *number && quoted.starts_with(sentence.as_str()),
            "{name} {number}: {sentence} / {quoted}"
        );
    }
}
