//! `keywheel list`.

use keywheel::core::{
    ConsumerName, RotatorName, SecretName,
    inventory::{Automation, Period, SecretEntry},
    rotation::{Source, StoreRef},
};
use serde::Serialize;

use crate::{
    args::{Global, Names},
    commands::Outcome,
    exit,
    look::{self, Table, Urgency},
    session,
};

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Entry<'a> {
    secret: &'a SecretName,
    owner: Option<&'a str>,
    environment: Option<&'a str>,
    tier: Option<&'a str>,
    tags: Vec<&'a str>,
    automation: Automation,
    source: &'a Source,
    stores: &'a [StoreRef],
    rotator: Option<&'a RotatorName>,
    consumers: &'a [ConsumerName],
    every: Option<Period>,
    overlap: Period,
    depends_on: &'a [SecretName],
    line: u32,
}

impl<'a> From<&'a SecretEntry> for Entry<'a> {
    fn from(entry: &'a SecretEntry) -> Self {
        Self {
            secret: &entry.name,
            owner: entry.owner.as_deref(),
            environment: entry.environment.as_ref().map(|environment| &*environment.name),
            tier: entry.tier.as_ref().map(|tier| &*tier.name),
            tags: entry.tags.iter().map(|tag| &**tag).collect(),
            automation: entry.automation,
            source: &entry.source,
            stores: &entry.stores,
            rotator: entry.target.as_ref(),
            consumers: &entry.consumers,
            every: entry.every,
            overlap: entry.overlap,
            depends_on: &entry.depends_on,
            line: entry.line,
        }
    }
}

/// What the inventory lists.
pub(super) fn run(global: &Global, args: &Names) -> Outcome {
    let inventory = session::inventory(global)?;
    let names = session::names_or_all(&inventory, &args.names)?;
    let entries: Vec<_> = names.iter().filter_map(|name| inventory.secret(name)).map(Entry::from).collect();
    look::show(global.output, &entries, || in_words(&entries))?;
    Ok(exit::DONE)
}

fn in_words(entries: &[Entry<'_>]) -> String {
    let mut table = Table::new(&["SECRET", "STORES", "ROTATOR", "CONSUMERS", "TIER", "EVERY", "OWNER"]);
    for entry in entries {
        let stores = entry.stores.iter().map(|place| place.store.as_str());
        let cells = [
            entry.secret.to_string(),
            joined(stores),
            or_dash(entry.rotator.map(RotatorName::as_str)),
            joined(entry.consumers.iter().map(ConsumerName::as_str)),
            or_dash(entry.tier),
            entry.every.map_or_else(|| "–".to_owned(), |every| every.to_string()),
            or_dash(entry.owner),
        ];
        table.row(&cells, Urgency::None);
    }
    table.to_string()
}

fn joined<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<_> = words.collect();
    if words.is_empty() { or_dash(None) } else { words.join(", ") }
}

fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("–").to_owned()
}
