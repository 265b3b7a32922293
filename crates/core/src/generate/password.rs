//! Passwords: uniform over every string that satisfies the recipe.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CharacterClass, GenerateError, RecipeMistake, SAFE_SYMBOLS, draw::Draw, mistake::LengthRule};
use crate::{entropy::Entropy, value::SecretValue};

/// Characters below which a password needs a reason.
pub const MIN_PASSWORD: usize = 16;

/// Characters above which no recipe may go.
pub const MAX_PASSWORD: usize = 4096;

/// Fewer characters than this to choose from make a password that its length no longer describes.
const MIN_ALPHABET: usize = 8;

/// How many whole passwords may be thrown away. The recipe that is hardest to satisfy (four characters, four classes,
/// three of them with one member each) takes a candidate in two thousand; a sound source then fails here with a
/// probability below e^-50.
const MAX_CANDIDATES: usize = 100_000;

/// What a password must look like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct PasswordRecipe {
    /// Characters: 16 to 4096, or fewer with `allow-short`. Default 32.
    #[schemars(range(min = 1, max = 4096))]
    pub length: usize,
    /// The classes to draw from; at least one character of each is present. Default: all four.
    #[schemars(length(min = 1))]
    pub classes: BTreeSet<CharacterClass>,
    /// The characters of the class `symbol`: ASCII punctuation. Default `-._~`, which need no escaping in a URL, a
    /// shell word, a dotenv file or a connection string.
    pub symbols: String,
    /// Characters that never appear. Default: none.
    pub exclude: String,
    /// Why the length may be below 16, for example `the appliance takes 12`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub allow_short: Option<String>,
}

impl Default for PasswordRecipe {
    fn default() -> Self {
        Self {
            length: 32,
            classes: CharacterClass::ALL.into(),
            symbols: SAFE_SYMBOLS.to_owned(),
            exclude: String::new(),
            allow_short: None,
        }
    }
}

impl PasswordRecipe {
    pub(super) fn mistakes(&self) -> Vec<RecipeMistake> {
        let mut mistakes = Vec::new();
        let rule = LengthRule { least: MIN_PASSWORD, most: MAX_PASSWORD, unit: "characters" };
        rule.check(self.length, self.allow_short.as_deref(), &mut mistakes);
        if self.length > 0 && self.length < self.classes.len() {
            let message =
                format!("{} cannot hold one of each of {} classes", self.length, self.classes.len());
            mistakes.push(RecipeMistake::new("length", message, "ask for more characters or fewer classes"));
        }
        if self.classes.is_empty() {
            let hint = "name some of lower, upper, digit, symbol, or leave the field out for all four";
            mistakes.push(RecipeMistake::new("classes", "is empty", hint));
            return mistakes;
        }
        self.check_characters(&mut mistakes);
        mistakes
    }

    fn check_characters(&self, mistakes: &mut Vec<RecipeMistake>) {
        if let Some(other) = self.symbols.chars().find(|symbol| !symbol.is_ascii_punctuation()) {
            let message = format!("{other:?} is not an ASCII punctuation character");
            let hint =
                "letters and digits are classes of their own; spaces and control characters are never drawn";
            mistakes.push(RecipeMistake::new("symbols", message, hint));
        }
        let mut every_class_has_members = true;
        for class in &self.classes {
            if !class.members(&self.symbols, &self.exclude).is_empty() {
                continue;
            }
            every_class_has_members = false;
            let hint = format!("exclude fewer characters, or leave {class} out of `classes`");
            let field = if class.members(&self.symbols, "").is_empty() { "symbols" } else { "exclude" };
            mistakes.push(RecipeMistake::new(
                field,
                format!("leaves no character in the class {class}"),
                hint,
            ));
        }
        let left = self.alphabet().len();
        if every_class_has_members && left < MIN_ALPHABET {
            let message = format!("leaves {left} characters to choose from; the least is {MIN_ALPHABET}");
            mistakes.push(RecipeMistake::new("exclude", message, "exclude fewer characters or add a class"));
        }
    }

    fn alphabet(&self) -> Vec<u8> {
        self.classes.iter().flat_map(|class| class.members(&self.symbols, &self.exclude)).collect()
    }

    /// Draws whole candidates until one holds every class. Putting one character of each class in place first and
    /// filling up the rest would be quicker, and would make some passwords likelier than others.
    pub(super) fn generate(&self, entropy: &dyn Entropy) -> Result<SecretValue, GenerateError> {
        let alphabet = self.alphabet();
        let mut draw = Draw::from(entropy);
        SecretValue::build(self.length, |password| {
            for _ in 0..MAX_CANDIDATES {
                for place in &mut *password {
                    *place = draw.one_of(&alphabet)?;
                }
                if self.classes.iter().all(|class| password.iter().any(|byte| class.holds(*byte))) {
                    return Ok(());
                }
            }
            Err(GenerateError::Stuck)
        })
    }
}
