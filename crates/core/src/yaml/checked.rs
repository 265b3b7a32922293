//! One value of many, whose mistakes are its own.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, SeqAccess, Visitor, value::BoolDeserializer},
};

use super::{
    failure::Failure,
    place::Place,
    reading::{PASSES, Reading},
};

/// By this name the reader of a document knows what is asked for.
pub(super) const NAME: &str = "$keywheel::yaml::Checked";

/// A value that may be wrong without making what is around it wrong: an entry of a large mapping or list. All of its
/// mistakes are found by reading it alone again, not all its neighbours, and the neighbours can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked<T>(Option<T>);

impl<T> Checked<T> {
    /// The value; `None` where it had mistakes, which have been reported.
    pub fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// The value; `None` where it had mistakes, which have been reported.
    pub fn into_inner(self) -> Option<T> {
        self.0
    }
}

impl<T: JsonSchema> JsonSchema for Checked<T> {
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

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Checked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Visit<T> {
            type Value = Checked<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Checked<T>, D::Error> {
                T::deserialize(deserializer).map(|value| Checked(Some(value)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut passes: A) -> Result<Checked<T>, A::Error> {
                loop {
                    match passes.next_element::<T>() {
                        Ok(Some(value)) => {
                            let sound = passes.next_element()?.unwrap_or(false);
                            return Ok(Checked(Some(value).filter(|_| sound)));
                        }
                        Ok(None) => return Ok(Checked(None)),
                        Err(_reported) => {}
                    }
                }
            }
        }

        deserializer.deserialize_newtype_struct(NAME, Visit(PhantomData))
    }
}

/// The same value offered until it could be read, then whether it was read without stand-ins.
pub(super) struct Passes<'r> {
    place: Place<'r>,
    left: usize,
    stand_ins_before: u64,
    sound: Option<bool>,
}

impl<'r> Passes<'r> {
    pub(super) fn new(place: Place<'r>) -> Self {
        Self { place, left: PASSES, stand_ins_before: place.reading.stand_ins(), sound: None }
    }

    fn reading(&self) -> &'r Reading<'r> {
        self.place.reading
    }
}

impl<'de> SeqAccess<'de> for Passes<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        if let Some(sound) = self.sound {
            return seed.deserialize(BoolDeserializer::new(sound)).map(Some);
        }
        if self.left == 0 {
            self.reading().confine_stand_ins(self.stand_ins_before);
            return Ok(None);
        }
        self.left -= 1;
        let before = self.reading().stand_ins();
        match self.place.read_with(seed) {
            Ok(value) => {
                self.sound = Some(self.reading().stand_ins() == before);
                self.reading().confine_stand_ins(self.stand_ins_before);
                Ok(Some(value))
            }
            Err(Failure::Reported) => Err(Failure::Reported),
            Err(failure @ (Failure::NoStandIn | Failure::Unplaced(_))) => {
                self.left = 0;
                Err(failure)
            }
        }
    }
}
