//! How a recipe is written: a bare name, or a map of one name to its settings.

use std::fmt;

use schemars::Schema;
use serde::{
    Deserialize, Deserializer,
    de::{
        Error, IgnoredAny, MapAccess, Visitor,
        value::{self, StrDeserializer},
    },
};
use serde_json::json;

use super::{BytesRecipe, CookieKeyRecipe, PasswordRecipe, Recipe};

/// The names of [`Recipe`]'s variants.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Name {
    Password,
    Bytes,
    CookieKey,
    KeyPair,
}

/// The names that may stand alone. `key-pair` may not: which algorithm the consumers understand cannot be guessed.
const SHORTHANDS: [&str; 3] = ["password", "bytes", "cookie-key"];

/// Adds the bare names to the schema that is derived for the maps.
pub(super) fn add_shorthands(schema: &mut Schema) {
    let shorthand = json!({
        "description": "A generator with its default settings.",
        "type": "string",
        "enum": SHORTHANDS,
    });
    if let Some(shapes) = schema.get_mut("oneOf").and_then(serde_json::Value::as_array_mut) {
        shapes.insert(0, shorthand);
    }
}

impl<'de> Deserialize<'de> for Recipe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `deserialize_enum`: it does not tell whether a variant comes with content before one of the two is
        // read. Not an untagged enum either: that buffers the map and loses the line and column of what is wrong in it.
        deserializer.deserialize_any(RecipeVisitor)
    }
}

struct RecipeVisitor;

impl<'de> Visitor<'de> for RecipeVisitor {
    type Value = Recipe;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`password`, `bytes`, `cookie-key`, or a map of one generator to its settings such as `{password: {length: 48}}`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Recipe, E> {
        // The text is not repeated in the message: somebody may have put a value where the recipe belongs.
        let name = Name::deserialize(StrDeserializer::<value::Error>::new(text)).map_err(|_| {
            E::custom("there is no such generator; `password`, `bytes` and `cookie-key` may stand alone")
        })?;
        match name {
            Name::Password => Ok(Recipe::Password(PasswordRecipe::default())),
            Name::Bytes => Ok(Recipe::Bytes(BytesRecipe::default())),
            Name::CookieKey => Ok(Recipe::CookieKey(CookieKeyRecipe::default())),
            Name::KeyPair => {
                Err(E::custom("`key-pair` needs an algorithm: `{key-pair: {algorithm: ed25519}}`"))
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Recipe, A::Error> {
        let Some(name) = map.next_key::<Name>()? else {
            return Err(A::Error::invalid_length(0, &self));
        };
        let recipe = match name {
            Name::Password => Recipe::Password(map.next_value()?),
            Name::Bytes => Recipe::Bytes(map.next_value()?),
            Name::CookieKey => Recipe::CookieKey(map.next_value()?),
            Name::KeyPair => Recipe::KeyPair(map.next_value()?),
        };
        if map.next_key::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom("a secret has one generator; take out the others"));
        }
        Ok(recipe)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::generate::{CharacterClass, Encoding, KeyAlgorithm, KeyPairRecipe};

    #[derive(Debug, Deserialize)]
    struct Entry {
        generate: Recipe,
    }

    fn read(yaml: &str) -> Result<Recipe, serde_saphyr::Error> {
        serde_saphyr::from_str::<Entry>(&format!("generate: {yaml}\n")).map(|entry| entry.generate)
    }

    fn bytes(length: usize, encoding: Encoding) -> Recipe {
        Recipe::Bytes(BytesRecipe { length, encoding, allow_short: None })
    }

    #[rstest]
    #[case("password", Recipe::Password(PasswordRecipe::default()))]
    #[case("{password: {}}", Recipe::Password(PasswordRecipe::default()))]
    #[case("{password: {length: 12, classes: [lower, digit, lower], exclude: \"\\\"'\", allow-short: legacy}}",
        Recipe::Password(PasswordRecipe {
            length: 12,
            classes: [CharacterClass::Lower, CharacterClass::Digit].into(),
            exclude: "\"'".into(),
            allow_short: Some("legacy".into()),
            ..PasswordRecipe::default()
        }))]
    #[case("bytes", bytes(32, Encoding::Base64))]
    #[case("{bytes: {length: 64, encoding: base64url}}", bytes(64, Encoding::Base64Url))]
    #[case("{bytes: {encoding: raw}}", bytes(32, Encoding::Raw))]
    #[case("cookie-key", Recipe::CookieKey(CookieKeyRecipe { encoding: Encoding::Base64 }))]
    #[case("{cookie-key: {encoding: hex}}", Recipe::CookieKey(CookieKeyRecipe { encoding: Encoding::Hex }))]
    #[case("{key-pair: {algorithm: ec-p384}}",
        Recipe::KeyPair(KeyPairRecipe { algorithm: KeyAlgorithm::EcP384 }))]
    fn a_recipe_reads_and_survives_json(#[case] yaml: &str, #[case] recipe: Recipe) {
        assert_eq!(read(yaml).unwrap(), recipe);
        let json = serde_json::to_string(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe);
    }

    #[rstest]
    #[case::unknown_name("pasword", "no such generator", 11)]
    #[case::unknown_name_in_map("{pasword: {}}", "unknown variant `pasword`", 12)]
    #[case::unknown_field("{password: {lenght: 3}}", "unknown field `lenght`", 23)]
    #[case::unknown_class("{password: {classes: [lower, uper]}}", "unknown variant `uper`", 40)]
    #[case::wrong_type("{password: {length: long}}", "", 31)]
    #[case::two("{password: {}, bytes: {}}", "one generator", 11)]
    #[case::none("{}", "invalid length 0", 11)]
    #[case::no_algorithm("key-pair", "needs an algorithm", 11)]
    #[case::no_algorithm_in_map("{key-pair: {}}", "missing field `algorithm`", 22)]
    fn a_refusal_says_what_and_where(#[case] yaml: &str, #[case] text: &str, #[case] column: u64) {
        let error = read(yaml).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        let location = error.location().unwrap();
        assert_eq!((location.line(), location.column()), (1, column), "{error}");
    }

    #[rstest]
    #[case("32")]
    #[case("true")]
    #[case("[password]")]
    #[case("")]
    #[case("{password: 32}")]
    fn other_shapes_are_refused(#[case] yaml: &str) {
        assert!(read(yaml).is_err());
    }

    #[test]
    fn a_refused_name_is_not_repeated() {
        // The snippet is the parser's, and the inventory turns it off.
        assert!(!read("hunter2").unwrap_err().without_snippet().to_string().contains("hunter2"));
    }

    #[test]
    fn the_schema_has_the_bare_names_and_one_map_for_each_generator() {
        let schema = schemars::schema_for!(Recipe).to_value();
        let shapes = schema["oneOf"].as_array().unwrap();
        assert_eq!(shapes[0]["enum"], json!(SHORTHANDS));
        let maps: Vec<&str> =
            shapes[1..].iter().map(|shape| shape["required"][0].as_str().unwrap()).collect();
        assert_eq!(maps, ["password", "bytes", "cookie-key", "key-pair"]);
        for shape in &shapes[1..] {
            assert_eq!(shape["additionalProperties"], json!(false));
        }
        for name in SHORTHANDS {
            assert!(read(name).is_ok(), "{name}");
        }
    }
}
