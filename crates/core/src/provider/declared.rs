//! A kind made of the type of its settings.

use std::{borrow::Cow, marker::PhantomData, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use super::{Kind, Settings, Surroundings};
use crate::yaml::{self, Diagnostic};

/// One mistake in settings that could be read, for the person who wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The setting, with dots between the levels: `tls.client-key`.
    pub field: Cow<'static, str>,
    /// What is wrong with it.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

impl Mistake {
    /// See the fields.
    pub fn new(
        field: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), message: message.into(), hint: hint.into() }
    }
}

/// What the inventory says of one `T`, and how one is made of it.
pub trait Declaration<T: ?Sized>: DeserializeOwned + JsonSchema + 'static {
    /// The word that stands for it in the inventory.
    const KIND: &'static str;

    /// Checks the settings and makes a `T` of them; no I/O.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    fn declare(self, surroundings: &Surroundings) -> Result<Arc<T>, Vec<Mistake>>;
}

/// The kind whose settings are `D`.
pub fn kind<T: ?Sized + 'static, D: Declaration<T>>() -> Arc<dyn Kind<T>> {
    Arc::new(Declared::<D>(PhantomData))
}

struct Declared<D>(PhantomData<fn() -> D>);

impl<T: ?Sized, D: Declaration<T>> Kind<T> for Declared<D> {
    fn name(&self) -> &'static str {
        D::KIND
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        D::json_schema(generator)
    }

    fn configure(&self, surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<T>> {
        let written: D = yaml::read(settings.node, settings.diagnostics)?;
        let mistakes = match written.declare(surroundings) {
            Ok(declared) => return Some(declared),
            Err(mistakes) => mistakes,
        };
        for Mistake { field, message, hint } in mistakes {
            // Where the setting was written, or at the whole where it was left out.
            let mut place = settings.node;
            for key in field.split('.') {
                let Some(inner) = place.get(key) else { break };
                place = inner;
            }
            settings.diagnostics.push(Diagnostic::error(message).at(place.span()).hint(hint));
        }
        None
    }
}
