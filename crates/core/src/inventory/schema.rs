//! The JSON Schema of the inventory, for editors.

use std::{collections::BTreeSet, sync::Arc};

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{
    inventory::{
        declared::{CONSUMER, Common, NOTICE, ROTATOR, STORE},
        file::InventoryFile,
        period::Period,
    },
    message::Occasion,
    provider::{Kind, Kinds},
    rotation::OnDeadline,
};

/// The schema of an inventory that uses `kinds`.
pub fn schema(kinds: &Kinds) -> Schema {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let stores = entry(&mut generator, &STORE, &kinds.stores);
    let rotators = entry(&mut generator, &ROTATOR, &kinds.rotators);
    let consumers = entry(&mut generator, &CONSUMER, &kinds.consumers);
    let notices = entry(&mut generator, &NOTICE, &kinds.channels);
    let mut schema = generator.into_root_schema_for::<InventoryFile>();
    if let Some(Value::Object(definitions)) = schema.get_mut("$defs") {
        definitions.insert("DeclaredStoreFile".to_owned(), stores);
        definitions.insert("DeclaredRotatorFile".to_owned(), rotators);
        definitions.insert("DeclaredConsumerFile".to_owned(), consumers);
        definitions.insert("DeclaredNoticeFile".to_owned(), notices);
    }
    schema
}

/// An entry of a section: exactly one of the kinds, and the keys that every kind has.
fn entry<T: ?Sized>(generator: &mut SchemaGenerator, common: &Common, table: &[Arc<dyn Kind<T>>]) -> Value {
    let mut properties = Map::new();
    for key in common.keys {
        let schema = match *key {
            "concurrency" => json!({
                "type": "integer", "minimum": 1,
                "description": "How many calls to it may run at once. Default: 16."
            }),
            "calls-per-second" => json!({
                "type": "integer", "minimum": 1,
                "description": "How many calls to it may begin in a second. Default: as many as come."
            }),
            "deadline" => described(
                generator.subschema_for::<Period>(),
                "How long it may be gone, and how long it may take to move. Default: 60s.",
            ),
            "on-deadline" => described(
                generator.subschema_for::<OnDeadline>(),
                "What happens when it does not. Default: park.",
            ),
            "on" => described(
                generator.subschema_for::<BTreeSet<Occasion>>(),
                "On which occasions. Default: failed, parked, overdue.",
            ),
            "template" => json!({
                "type": "string",
                "description": "The words, with `{id}`, `{occasion}`, `{secret}`, `{rotation}`, `{environment}`, \
                                `{owner}`, `{at}` and `{words}` (keywheel's own) in them. Default: `{words}`."
            }),
            // `secrets`, `tiers`, `tags`.
            _ => json!({
                "type": "array", "items": { "type": "string" },
                "description": "About which secrets: those that one of `secrets`, `tiers` and `tags` names. Default: all."
            }),
        };
        properties.insert((*key).to_owned(), schema);
    }
    let mut choices = Vec::new();
    for kind in table {
        properties.insert(kind.name().to_owned(), kind.schema(generator).to_value());
        choices.push(json!({ "required": [kind.name()] }));
    }
    json!({ "type": "object", "additionalProperties": false, "properties": properties, "oneOf": choices })
}

fn described(schema: Schema, description: &str) -> Value {
    json!({ "allOf": [schema.to_value()], "description": description })
}
