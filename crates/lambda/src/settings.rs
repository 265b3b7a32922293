//! What the function's environment says. The variables for passwords are those of the published functions.

use std::{collections::BTreeSet, path::PathBuf};

use keywheel_core::{
    generate::{CharacterClass, PasswordRecipe, Recipe},
    provider::Mistake,
};

/// How many users of the database a secret has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Users {
    /// One, whose password it changes itself: the current one is refused from `setSecret` to `finishSecret`.
    Single,
    /// Two that take turns, changed by an administrator whose secret the field `masterarn` names.
    Alternating,
}

/// What holds for every secret that the function is called for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `ROTATION_USERS`.
    pub users: Users,
    /// What new passwords are like.
    pub recipe: Recipe,
    /// `SECRETS_MANAGER_ENDPOINT`: the address of Secrets Manager where it is not the public one.
    pub endpoint: Option<String>,
    /// `ROOT_CERTIFICATES`: a PEM file with the authorities that vouch for databases; the system's if it is not set. A relative
    /// path starts where the function's code is.
    pub root_certificates: Option<String>,
    /// `MYSQL_ACCOUNT_HOST`: the host part of the accounts of `MySQL` and `MariaDB`; `%` if it is not set.
    pub account_host: Option<String>,
    /// Where relative paths start: `LAMBDA_TASK_ROOT`.
    pub base: PathBuf,
}

impl Settings {
    /// Reads them; `variable` gives the value of a variable of the environment.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Mistake>> {
        let set = |name: &str| variable(name).filter(|text| !text.is_empty());
        let mut mistakes = Vec::new();
        let users = match set("ROTATION_USERS").as_deref() {
            Some("single") => Some(Users::Single),
            Some("alternating") => Some(Users::Alternating),
            Some(_) | None => {
                mistakes.push(Mistake::new(
                    "ROTATION_USERS",
                    "nothing says how many users of the database a secret has",
                    "set it to `single` (one user changes its own password) or `alternating` (two users take turns, changed by \
                     the administrator that `masterarn` names)",
                ));
                None
            }
        };
        let recipe = recipe(&set, &mut mistakes);
        match users {
            Some(users) if mistakes.is_empty() => Ok(Self {
                users,
                recipe,
                endpoint: set("SECRETS_MANAGER_ENDPOINT"),
                root_certificates: set("ROOT_CERTIFICATES"),
                account_host: set("MYSQL_ACCOUNT_HOST"),
                base: set("LAMBDA_TASK_ROOT").map_or_else(|| PathBuf::from("."), PathBuf::from),
            }),
            Some(_) | None => Err(mistakes),
        }
    }
}

fn recipe(set: &impl Fn(&str) -> Option<String>, mistakes: &mut Vec<Mistake>) -> Recipe {
    let mut excluded = |name: &'static str| match set(name).map(|text| text.to_ascii_lowercase()).as_deref() {
        Some("true" | "1" | "y" | "yes") => true,
        None | Some("false" | "0" | "n" | "no") => false,
        Some(_) => {
            mistakes.push(Mistake::new(name, "this is neither yes nor no", "set it to `true` or `false`"));
            false
        }
    };
    let classes: BTreeSet<_> = [
        ("EXCLUDE_LOWERCASE", CharacterClass::Lower),
        ("EXCLUDE_UPPERCASE", CharacterClass::Upper),
        ("EXCLUDE_NUMBERS", CharacterClass::Digit),
        ("EXCLUDE_PUNCTUATION", CharacterClass::Symbol),
    ]
    .into_iter()
    .filter_map(|(name, class)| (!excluded(name)).then_some(class))
    .collect();
    // Taken, and of no consequence: a password has one of each class in any case, which no rule forbids.
    let _each = excluded("REQUIRE_EACH_INCLUDED_TYPE");
    let defaults = PasswordRecipe::default();
    let length = match set("PASSWORD_LENGTH").map(|text| text.parse()) {
        None => defaults.length,
        Some(Ok(length)) => length,
        Some(Err(_)) => {
            mistakes.push(Mistake::new("PASSWORD_LENGTH", "this is no number", "set it to 32, or unset it"));
            defaults.length
        }
    };
    let recipe = Recipe::Password(PasswordRecipe {
        length,
        classes,
        symbols: set("PASSWORD_SYMBOLS").unwrap_or(defaults.symbols),
        exclude: set("EXCLUDE_CHARACTERS").unwrap_or(defaults.exclude),
        allow_short: set("PASSWORD_LENGTH_REASON"),
    });
    mistakes.extend(recipe.validate().into_iter().map(|mistake| {
        let (name, hint) = match mistake.field {
            "length" => ("PASSWORD_LENGTH", "set it to 16 or more, or say why not in PASSWORD_LENGTH_REASON"),
            "allow-short" => ("PASSWORD_LENGTH_REASON", "say in a few words what takes no more"),
            "symbols" => {
                ("PASSWORD_SYMBOLS", "set it to some punctuation of ASCII, or set EXCLUDE_PUNCTUATION")
            }
            "classes" => ("EXCLUDE_LOWERCASE", "leave at least one sort of characters in"),
            _ => (
                "EXCLUDE_CHARACTERS",
                "exclude fewer characters, or the whole sort with one of the other variables",
            ),
        };
        Mistake::new(name, mistake.message, hint)
    }));
    recipe
}

#[cfg(test)]
mod tests {
    use keywheel_core::OsEntropy;
    use rstest::rstest;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, Vec<Mistake>> {
        Settings::read(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_wishes_passwords_are_as_everywhere_in_keywheel() {
        let settings = read(&[("ROTATION_USERS", "single")]).unwrap();
        assert_eq!(settings.recipe, Recipe::Password(PasswordRecipe::default()));
        assert_eq!(settings.users, Users::Single);
    }

    #[test]
    fn the_variables_of_the_published_functions_shape_passwords() {
        let settings = read(&[
            ("ROTATION_USERS", "alternating"),
            ("PASSWORD_LENGTH", "64"),
            ("EXCLUDE_CHARACTERS", "abcXYZ"),
            ("EXCLUDE_NUMBERS", "True"),
            ("EXCLUDE_PUNCTUATION", "yes"),
            ("REQUIRE_EACH_INCLUDED_TYPE", "false"),
        ])
        .unwrap();
        let made = settings.recipe.generate(&OsEntropy).unwrap();
        let text = std::str::from_utf8(made.expose_secret()).unwrap();
        assert_eq!(text.len(), 64);
        assert!(text.chars().all(|letter| letter.is_ascii_alphabetic() && !"abcXYZ".contains(letter)));
    }

    #[rstest]
    #[case(&[], &["ROTATION_USERS"])]
    #[case(&[("ROTATION_USERS", "both"), ("PASSWORD_LENGTH", "many")], &["ROTATION_USERS", "PASSWORD_LENGTH"])]
    #[case(&[("ROTATION_USERS", "single"), ("PASSWORD_LENGTH", "8")], &["PASSWORD_LENGTH"])]
    #[case(&[("ROTATION_USERS", "single"), ("EXCLUDE_NUMBERS", "perhaps")], &["EXCLUDE_NUMBERS"])]
    #[case(&[("ROTATION_USERS", "single"), ("EXCLUDE_CHARACTERS", "0123456789")], &["EXCLUDE_CHARACTERS"])]
    #[case(&[("ROTATION_USERS", "single"), ("PASSWORD_SYMBOLS", "ab")], &["PASSWORD_SYMBOLS", "PASSWORD_SYMBOLS"])]
    fn every_mistake_is_told_at_once(#[case] variables: &[(&str, &str)], #[case] names: &[&str]) {
        let mistakes = read(variables).unwrap_err();
        assert_eq!(mistakes.iter().map(|mistake| &*mistake.field).collect::<Vec<_>>(), names, "{mistakes:?}");
    }

    #[test]
    fn a_short_password_needs_a_reason() {
        let short = [
            ("ROTATION_USERS", "single"),
            ("PASSWORD_LENGTH", "12"),
            ("PASSWORD_LENGTH_REASON", "old client"),
        ];
        assert!(read(&short).is_ok());
    }
}
