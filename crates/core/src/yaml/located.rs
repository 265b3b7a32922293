//! A value that knows where it was written.

use std::{
    borrow::{Borrow, Cow},
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
    ops::Deref,
};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeSeed, SeqAccess, Visitor, value::U32Deserializer},
};

use super::{failure::Failure, place::Place, source::Span};

/// By this name the reader of a document knows what is asked for.
pub(super) const NAME: &str = "$keywheel::yaml::Located";

/// A value with the place where it was written, for mistakes that show only later, such as a name that nothing has.
///
/// Compares, hashes and serialises as the value alone. From anything but a YAML document it reads like `T` and has
/// no place.
#[derive(Clone, Copy)]
pub struct Located<T> {
    value: T,
    span: Option<Span>,
}

impl<T> Located<T> {
    /// A value that no file holds.
    pub fn unplaced(value: T) -> Self {
        Self { value, span: None }
    }

    /// Where it was written.
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// The value alone.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Borrow<T> for Located<T> {
    fn borrow(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Located<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Located<T> {}

impl<T: PartialOrd> PartialOrd for Located<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Ord> Ord for Located<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl<T: Hash> Hash for Located<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

impl<T: Serialize> Serialize for Located<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for Located<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Visit<T> {
            type Value = Located<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Located<T>, D::Error> {
                T::deserialize(deserializer).map(Located::unplaced)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Located<T>, A::Error> {
                let absent = || de::Error::custom("a value without its place");
                let start = parts.next_element()?.ok_or_else(absent)?;
                let end = parts.next_element()?.ok_or_else(absent)?;
                let value = parts.next_element()?.ok_or_else(absent)?;
                Ok(Located { value, span: Some(Span::new(start, end)) })
            }
        }

        deserializer.deserialize_newtype_struct(NAME, Visit(PhantomData))
    }
}

/// The start, the end and the value, in the order that [`Located`] asks for them.
pub(super) struct Parts<'r> {
    place: Place<'r>,
    asked: u8,
}

impl<'r> Parts<'r> {
    pub(super) fn new(place: Place<'r>) -> Self {
        Self { place, asked: 0 }
    }
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        self.asked += 1;
        let span = self.place.span();
        match self.asked {
            1 => seed.deserialize(U32Deserializer::new(span.start)).map(Some),
            2 => seed.deserialize(U32Deserializer::new(span.end)).map(Some),
            _ => seed.deserialize(self.place).map(Some),
        }
    }
}
