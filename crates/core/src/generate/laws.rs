//! What holds for every recipe, and how evenly passwords spread.

use std::collections::BTreeMap;

use proptest::{collection, prelude::*, sample};

use super::{BytesRecipe, CharacterClass, Encoding, MAX_BYTES, PasswordRecipe, Recipe, seeded::Seeded};
use crate::value::SecretValue;

fn make(recipe: &Recipe, seed: u64) -> SecretValue {
    recipe.generate(&Seeded::new(seed)).unwrap()
}

fn valid_passwords() -> impl Strategy<Value = PasswordRecipe> {
    let classes = sample::subsequence(CharacterClass::ALL.to_vec(), 1..=4);
    (1usize..80, classes, "[!-/:-@\\[-`{-~]{0,12}", "[ -~]{0,24}", proptest::option::of("[a-z]{1,8}"))
        .prop_map(|(length, classes, symbols, exclude, allow_short)| PasswordRecipe {
            length,
            classes: classes.into_iter().collect(),
            symbols,
            exclude,
            allow_short,
        })
        .prop_filter("the recipe must be valid", |recipe| recipe.mistakes().is_empty())
}

proptest! {
    #[test]
    fn a_password_satisfies_its_recipe(recipe in valid_passwords(), seed: u64) {
        let value = make(&Recipe::Password(recipe.clone()), seed);
        let password = value.expose_secret();
        prop_assert_eq!(password.len(), recipe.length);
        for class in CharacterClass::ALL {
            let present = password.iter().any(|byte| class.holds(*byte));
            prop_assert_eq!(present, recipe.classes.contains(&class), "{}", class);
        }
        for byte in password {
            prop_assert!(!recipe.exclude.as_bytes().contains(byte));
            prop_assert!(byte.is_ascii_alphanumeric() || recipe.symbols.as_bytes().contains(byte));
        }
    }

    #[test]
    fn a_made_value_shows_no_weakness(recipe in valid_passwords(), seed: u64) {
        // Shorter ones may repeat by chance.
        prop_assume!(recipe.length >= 16);
        let recipe = Recipe::Password(recipe);
        prop_assert_eq!(recipe.examine(&make(&recipe, seed)), []);
    }

    #[test]
    fn bytes_decode_to_their_length(
        length in prop_oneof![16usize..200, Just(MAX_BYTES)],
        encoding in sample::select(vec![Encoding::Raw, Encoding::Hex, Encoding::Base64, Encoding::Base64Url]),
        seed: u64,
    ) {
        let recipe = Recipe::Bytes(BytesRecipe { length, encoding, allow_short: None });
        let value = make(&recipe, seed);
        prop_assert_eq!(encoding.decode(value.expose_secret()).unwrap().len(), length);
        prop_assert_eq!(recipe.examine(&value), []);
    }

    #[test]
    fn any_bytes_survive_every_encoding(bytes in collection::vec(any::<u8>(), 0..300)) {
        for encoding in [Encoding::Raw, Encoding::Hex, Encoding::Base64, Encoding::Base64Url] {
            let text = encoding.encode(&bytes);
            let back = encoding.decode(text.expose_secret()).unwrap();
            prop_assert_eq!(back.expose_secret(), bytes.as_slice());
        }
    }
}

/// The chi-square statistic of `counts` against `cells` equally likely outcomes.
fn chi_square<K>(counts: &BTreeMap<K, u32>, cells: u32) -> f64 {
    let drawn: u32 = counts.values().sum();
    let expected = f64::from(drawn) / f64::from(cells);
    let seen: f64 = counts.values().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    let unseen = f64::from(cells) - f64::from(u32::try_from(counts.len()).unwrap());
    seen + unseen * expected
}

/// 36 characters do not divide 256: taking remainders would make `a` to `d` a seventh likelier, and the statistic of
/// these 64,000 draws about 125 larger. The seed is fixed, so the outcome is too.
#[test]
fn no_character_is_likelier_than_another() {
    let recipe = Recipe::Password(PasswordRecipe {
        length: 64,
        classes: [CharacterClass::Lower, CharacterClass::Digit].into(),
        ..PasswordRecipe::default()
    });
    let entropy = Seeded::new(36);
    let mut counts = BTreeMap::new();
    for _ in 0..1000 {
        for byte in recipe.generate(&entropy).unwrap().expose_secret() {
            *counts.entry(*byte).or_insert(0) += 1;
        }
    }
    // 35 degrees of freedom: 66.6 is passed once in a thousand seeds.
    let statistic = chi_square(&counts, 36);
    assert!(statistic < 66.6, "{statistic}");
}

/// Four letters and four digits, four places: 8⁴ − 2·4⁴ = 3584 strings hold both classes. Placing one of each class
/// first reaches a string with two of each by four ways and one with three and one by three: the statistic would be
/// about 750 larger.
#[test]
fn no_password_is_likelier_than_another() {
    let recipe = Recipe::Password(PasswordRecipe {
        length: 4,
        classes: [CharacterClass::Lower, CharacterClass::Digit].into(),
        exclude: "efghijklmnopqrstuvwxyz456789".to_owned(),
        allow_short: Some("few enough to count".to_owned()),
        ..PasswordRecipe::default()
    });
    let entropy = Seeded::new(3584);
    let mut counts = BTreeMap::new();
    for _ in 0..35_840 {
        *counts.entry(recipe.generate(&entropy).unwrap().expose_secret().to_vec()).or_insert(0) += 1;
    }
    // 3583 degrees of freedom: 3851 is passed once in a thousand seeds.
    let statistic = chi_square(&counts, 3584);
    assert!(statistic < 3851.0, "{statistic}");
}
