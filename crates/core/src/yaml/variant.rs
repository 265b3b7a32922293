//! A choice between variants: a word, or a mapping of one word to what belongs to it.

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, VariantAccess, Visitor, value::StrDeserializer};

use super::{describe::describe, diagnostic::Diagnostic, failure::Failure, place::Place};

/// What was chosen.
pub(super) struct Choice<'r> {
    place: Place<'r>,
    /// The word's key and what is written under it, if it is a mapping.
    written: Option<(u32, u32)>,
}

impl<'r> Choice<'r> {
    pub(super) fn new(place: Place<'r>, variants: &[&str]) -> Result<Self, Failure> {
        let node = place.node();
        let mut pairs = node.entries();
        match (node.is_mapping(), pairs.next(), pairs.next()) {
            (true, Some((key, value)), None) => Ok(Self { place, written: Some((key.at(), value.at())) }),
            (true, _, _) => {
                let names: Vec<_> = variants.iter().map(|variant| format!("`{variant}`")).collect();
                let message = format!("expected exactly one of the keys {}", names.join(", "));
                Err(place.refuse(Diagnostic::error(message).at(place.span())))
            }
            (false, _, _) if node.is_sequence() || node.is_null() => {
                Err(place.refuse(place.expected(&format!("one of {}", variants.join(", ")))))
            }
            (false, _, _) => Ok(Self { place, written: None }),
        }
    }
}

impl<'de, 'r> EnumAccess<'de> for Choice<'r> {
    type Error = Failure;
    type Variant = Chosen<'r>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Chosen<'r>), Failure> {
        let Some((key, value)) = self.written else {
            let word = self.place.node().raw_text().unwrap_or_default();
            let variant = seed.deserialize(StrDeserializer::<Failure>::new(word))?;
            return Ok((variant, Chosen { place: self.place, content: None }));
        };
        let name = self.place.bare(key);
        let variant = seed.deserialize(name).map_err(|failure| match failure {
            Failure::Unplaced(mistake) => name.refuse(describe(mistake, name)),
            Failure::Reported | Failure::NoStandIn => failure,
        })?;
        Ok((variant, Chosen { place: self.place, content: Some(self.place.under(key, value)) }))
    }
}

/// What belongs to the variant that was chosen.
pub(super) struct Chosen<'r> {
    place: Place<'r>,
    content: Option<Place<'r>>,
}

impl<'r> Chosen<'r> {
    fn content(&self) -> Result<Place<'r>, Failure> {
        self.content.ok_or_else(|| {
            let message = "this choice needs more than its name";
            let hint = "put a colon after it, and what belongs to it in the lines below";
            self.place.refuse(Diagnostic::error(message).at(self.place.span()).hint(hint))
        })
    }
}

impl<'de> VariantAccess<'de> for Chosen<'_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        match self.content {
            Some(content) if !content.node().is_null() => Err(content.refuse(content.expected("nothing"))),
            Some(_) | None => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failure> {
        self.content()?.read_with(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        self.content()?.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.content()?.keys(visitor, Some(fields))
    }
}
