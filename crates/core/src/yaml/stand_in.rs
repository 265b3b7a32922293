//! Values that take the place of those that are missing or wrong, so that reading can go on to the next mistake.
//! Nothing read with one is ever returned.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::StrDeserializer,
};

use super::{
    checked,
    failure::Failure,
    located,
    node::Node,
    raw::{self, Raw},
    reading::Reading,
};

/// Types that check their text take few texts, but most take one of these: a name, a number, a duration, a date, a
/// time, a cron expression, an address, an id.
const TEXTS: [&str; 8] = [
    "x",
    "1",
    "1h",
    "2000-01-01",
    "2000-01-01T00:00:00Z",
    "0 0 * * *",
    "http://localhost/",
    "00000000-0000-4000-8000-000000000000",
];

/// How many stand-ins are tried for one value before the value around it is given up too.
pub(super) const ATTEMPTS: usize = TEXTS.len();

/// A type that holds itself without end (an enum whose first variant does) must not be followed down.
const DEPTH: usize = 16;

/// Whatever a type asks for.
#[derive(Clone, Copy)]
pub(super) struct StandIn<'r> {
    reading: &'r Reading<'r>,
    at: u32,
    attempt: usize,
    depth: usize,
}

impl<'r> StandIn<'r> {
    /// The `attempt`-th of [`ATTEMPTS`], in place of the node `at`.
    pub(super) fn new(reading: &'r Reading<'r>, at: u32, attempt: usize) -> Self {
        Self { reading, at, attempt, depth: 0 }
    }

    fn inner(self) -> Result<Self, Failure> {
        if self.depth >= DEPTH {
            return Err(Failure::NoStandIn);
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn times(self, left: usize) -> Times<'r> {
        Times { stand_in: self, left }
    }
}

macro_rules! stand_in_numbers {
    ($($method:ident $visit:ident $number:ty;)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
                // 1 is in range nearly everywhere; a fraction may have to stay below it.
                visitor.$visit(<$number>::from(u8::from(self.attempt % 2 == 0)))
            }
        )*
    };
}

impl<'de> Deserializer<'de> for StandIn<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        // A type that takes several kinds of value takes text more often than anything else.
        visitor.visit_str(TEXTS[self.attempt])
    }

    stand_in_numbers! {
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_i8(1)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_bool(false)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_char('x')
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match name {
            // A span is two numbers, which the stand-in for numbers fills as well as any.
            located::NAME => visitor.visit_seq(self.inner()?.times(3)),
            checked::NAME => visitor.visit_seq(self.times(0)),
            raw::NAME => {
                Raw::hand_over(Raw::new(Node::new(self.reading.document, self.at), None));
                visitor.visit_unit()
            }
            _ => visitor.visit_newtype_struct(self.inner()?),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        // An empty list, then, for types that refuse it, a list of one.
        visitor.visit_seq(self.inner()?.times(usize::from(self.attempt > 0)))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(self.inner()?.times(length))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_map(self.inner()?.times(usize::from(self.attempt > 0)))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_map(Fields { stand_in: self.inner()?, fields: fields.iter() })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let index = self.attempt % variants.len().max(1);
        let name = variants.get(index).ok_or(Failure::NoStandIn)?;
        visitor.visit_enum(Variant { stand_in: self.inner()?, name })
    }

    serde::forward_to_deserialize_any! { str string bytes byte_buf identifier }
}

/// The same stand-in several times over.
struct Times<'r> {
    stand_in: StandIn<'r>,
    left: usize,
}

impl Times<'_> {
    fn take(&mut self) -> bool {
        let any = self.left > 0;
        self.left = self.left.saturating_sub(1);
        any
    }
}

impl<'de> SeqAccess<'de> for Times<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        if self.take() { seed.deserialize(self.stand_in).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for Times<'_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        if self.take() { seed.deserialize(self.stand_in).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        seed.deserialize(self.stand_in)
    }
}

struct Fields<'r> {
    stand_in: StandIn<'r>,
    fields: std::slice::Iter<'static, &'static str>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        self.fields.next().map(|field| seed.deserialize(StrDeserializer::new(field))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        seed.deserialize(self.stand_in)
    }
}

struct Variant<'r> {
    stand_in: StandIn<'r>,
    name: &'static str,
}

impl<'de, 'r> EnumAccess<'de> for Variant<'r> {
    type Error = Failure;
    type Variant = Content<'r>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'r>), Failure> {
        Ok((seed.deserialize(StrDeserializer::<Failure>::new(self.name))?, Content(self.stand_in)))
    }
}

struct Content<'r>(StandIn<'r>);

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failure> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        self.0.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.0.deserialize_struct("", fields, visitor)
    }
}
