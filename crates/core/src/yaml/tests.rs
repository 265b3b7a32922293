//! An inventory in small, and what the tests do with it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, de};

use super::{Checked, Diagnostics, Located, Raw, Source, Style, parse, read};

mod laws;
mod mistakes;
mod output;
mod refusals;
mod values;

#[derive(Debug, Deserialize, JsonSchema)]
struct Inventory {
    version: u16,
    #[serde(default)]
    stores: BTreeMap<String, Store>,
    #[serde(default)]
    secrets: BTreeMap<Located<String>, Checked<Secret>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Store {
    kind: Kind,
    #[serde(default)]
    settings: Option<Raw>,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    File,
    Vault,
    Custom { path: String, depth: u8 },
}

#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "read only to see what is reported")]
struct Secret {
    store: Located<String>,
    every: Every,
    #[serde(default)]
    password: Option<u32>,
    #[serde(default)]
    ports: Vec<u16>,
    #[serde(default)]
    weight: Option<f64>,
    #[serde(default)]
    paused: bool,
}

/// Stands for any type with a form of its own.
#[derive(Debug, JsonSchema)]
#[schemars(with = "String")]
struct Every;

impl<'de> Deserialize<'de> for Every {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.strip_suffix(['h', 'd']).map(str::parse::<u32>);
        match number {
            Some(Ok(_)) => Ok(Self),
            Some(Err(_)) | None => {
                Err(de::Error::custom(format!("`{text}` is not a duration such as `30d`")))
            }
        }
    }
}

fn check(text: &str) -> (Option<Inventory>, Diagnostics) {
    let mut diagnostics = Diagnostics::new(Source::new("keywheel.yaml", text));
    let document = parse(&mut diagnostics);
    let inventory = document.and_then(|document| read(document.root(), &mut diagnostics));
    (inventory, diagnostics)
}

fn report(text: &str) -> String {
    check(text).1.render(Style::Plain)
}
