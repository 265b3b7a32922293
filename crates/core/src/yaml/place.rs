//! One value of the document on its way into a type.

use std::{fmt::Display, ops::RangeInclusive};

use serde::{
    de::{DeserializeSeed, Deserializer, Visitor},
    forward_to_deserialize_any,
};

use super::{
    checked::{self, Passes},
    credential::is_concealed,
    describe::unknown_key,
    diagnostic::{Diagnostic, shortened},
    document::Shape,
    entries::{Items, Keys},
    failure::{Failure, Given},
    located::{self, Parts},
    node::Node,
    raw::{self, Raw},
    reading::Reading,
    scalar::Scalar,
    source::Span,
    variant::Choice,
};

/// A value, and the key that it stands under.
#[derive(Clone, Copy)]
pub(super) struct Place<'r> {
    pub(super) reading: &'r Reading<'r>,
    at: u32,
    key: Option<u32>,
    /// In a list under `key`, rather than directly under it.
    in_list: bool,
}

impl<'r> Place<'r> {
    pub(super) fn new(reading: &'r Reading<'r>, key: Option<u32>, at: u32) -> Self {
        Self { reading, at, key, in_list: false }
    }

    pub(super) fn under(self, key: u32, at: u32) -> Self {
        Self { at, key: Some(key), in_list: false, ..self }
    }

    pub(super) fn item(self, at: u32) -> Self {
        Self { at, in_list: true, ..self }
    }

    /// A key itself.
    pub(super) fn bare(self, at: u32) -> Self {
        Self { at, key: None, in_list: false, ..self }
    }

    pub(super) fn read_with<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Failure> {
        self.reading.read_with(self, seed)
    }

    pub(super) fn node(self) -> Node<'r> {
        Node::new(self.reading.document, self.at)
    }

    pub(super) fn target(self) -> u32 {
        self.node().target()
    }

    /// Where to point for a mistake in the value: at its key where the value was left out.
    pub(super) fn span(self) -> Span {
        let span = self.node().headline();
        if span.is_empty() { self.name_span() } else { span }
    }

    /// Where to point for a mistake in what the value lacks: at its key, if it has one of its own.
    pub(super) fn name_span(self) -> Span {
        match self.key {
            Some(key) if !self.in_list => self.reading.document.cell(key).span,
            Some(_) | None => self.node().headline(),
        }
    }

    /// What a type that reads the value itself is given.
    pub(super) fn given(self) -> Given {
        match self.node().shape() {
            Shape::Mapping => Given::Mapping,
            Shape::Sequence => Given::List,
            Shape::Plain | Shape::Text | Shape::Alias => Given::Scalar,
        }
    }

    /// Whether the value must not be repeated.
    pub(super) fn is_concealed(self) -> bool {
        is_concealed(self.reading.document, self.at, self.key)
    }

    /// Whether `words`, which a type said of the value, may repeat a credential.
    pub(super) fn is_betrayed_by(self, words: &str) -> bool {
        let document = self.reading.document;
        let target = self.target();
        let mut betrayed = self.is_concealed();
        document.scalars(target..document.after(target), |at, key| {
            betrayed = betrayed || (is_concealed(document, at, key) && words.contains(document.text(at)));
        });
        betrayed
    }

    /// The mistake of finding something other than `wanted`.
    pub(super) fn expected(self, wanted: &str) -> Diagnostic {
        let node = self.node();
        let text = shortened(node.raw_text().unwrap_or_default());
        let (found, hint) = match node.scalar() {
            None if node.is_sequence() => ("a list".to_owned(), None),
            None => ("a mapping".to_owned(), None),
            Some(Scalar::Null) => ("nothing".to_owned(), None),
            Some(Scalar::Bool(_) | Scalar::Int(_) | Scalar::Float(_)) if wanted == "text" => {
                (format!("`{text}` without quotes"), Some("put it in quotes"))
            }
            Some(Scalar::Bool(_)) => (format!("`{text}`"), None),
            Some(Scalar::Int(_) | Scalar::Float(_)) => (format!("number `{text}`"), None),
            Some(Scalar::Text(_)) => (format!("text `{text}`"), unquote_hint(node, wanted)),
        };
        let found = match node.scalar() {
            Some(Scalar::Text(_)) if self.is_concealed() => "text",
            Some(Scalar::Bool(_) | Scalar::Int(_) | Scalar::Float(_)) if self.is_concealed() => {
                "a value without quotes"
            }
            Some(_) | None => &found,
        };
        let mistake = Diagnostic::error(format!("expected {wanted}, found {found}")).at(self.span());
        match hint {
            Some(hint) => mistake.hint(hint),
            None => mistake,
        }
    }

    /// Reports that the value is not `wanted`, and has it stood in for.
    pub(super) fn refuse(self, diagnostic: Diagnostic) -> Failure {
        self.reading.report(diagnostic);
        // To whoever reads this place it is as if no value would do: it is stood in for.
        Failure::NoStandIn
    }

    fn whole_number<N: TryFrom<i128> + Display>(self, range: &RangeInclusive<N>) -> Result<N, Failure> {
        let Some(Scalar::Int(number)) = self.node().scalar() else {
            return Err(self.refuse(self.expected("a whole number")));
        };
        N::try_from(number).map_err(|_| {
            let wanted = format!("a whole number from {} to {}", range.start(), range.end());
            self.refuse(self.expected(&wanted))
        })
    }

    pub(super) fn keys<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        known: Option<&'static [&'static str]>,
    ) -> Result<V::Value, Failure> {
        if !self.node().is_mapping() {
            return Err(self.refuse(self.expected("a mapping")));
        }
        if let Some(known) = known
            && self.reading.first_look_at_keys(self.target())
        {
            for (key, _) in self.node().entries() {
                let name = key.raw_text().unwrap_or_default();
                if !known.contains(&name) {
                    self.reading.report(unknown_key(name, known).at(key.span()));
                }
            }
        }
        visitor
            .visit_map(Keys::new(self, known))
            .map_err(|failure| self.reading.settle_missing(failure, self))
    }
}

fn unquote_hint(node: Node<'_>, wanted: &str) -> Option<&'static str> {
    let text = node.raw_text()?;
    let number = matches!(Scalar::of_plain(text), Scalar::Int(_) | Scalar::Float(_));
    match wanted {
        "`true` or `false`" => match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" => Some("write `true`"),
            "no" | "off" | "n" => Some("write `false`"),
            "true" | "false" => Some("remove the quotes"),
            _ => None,
        },
        _ if wanted.contains("number") && number && !node.is_plain() => Some("remove the quotes"),
        _ => None,
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $number:ident;)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
                visitor.$visit(self.whole_number(&($number::MIN..=$number::MAX))?)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Place<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let node = self.node();
        match (node.shape(), node.scalar()) {
            (Shape::Sequence, _) => visitor.visit_seq(Items::new(self)),
            (Shape::Mapping, _) => self.keys(visitor, None),
            (_, None | Some(Scalar::Null)) => visitor.visit_unit(),
            (_, Some(Scalar::Bool(value))) => visitor.visit_bool(value),
            (_, Some(Scalar::Int(number))) => match (i64::try_from(number), u64::try_from(number)) {
                (Ok(number), _) => visitor.visit_i64(number),
                (Err(_), Ok(number)) => visitor.visit_u64(number),
                (Err(_), Err(_)) => visitor.visit_i128(number),
            },
            (_, Some(Scalar::Float(number))) => visitor.visit_f64(number),
            (_, Some(Scalar::Text(text))) => visitor.visit_str(text),
        }
    }

    whole_numbers! {
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u128 visit_u128 u128;
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let Some(Scalar::Bool(value)) = self.node().scalar() else {
            return Err(self.refuse(self.expected("`true` or `false`")));
        };
        visitor.visit_bool(value)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.node().scalar() {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a float was asked for: its precision is accepted"
            )]
            Some(Scalar::Int(number)) => visitor.visit_f64(number as f64),
            Some(Scalar::Float(number)) => visitor.visit_f64(number),
            Some(Scalar::Null | Scalar::Bool(_) | Scalar::Text(_)) | None => {
                Err(self.refuse(self.expected("a number")))
            }
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let Some(Scalar::Text(text)) = self.node().scalar() else {
            return Err(self.refuse(self.expected("text")));
        };
        visitor.visit_str(text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    /// A key is what is written, whatever its type would be as a value.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_str(self.node().raw_text().unwrap_or_default())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.node().is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.node().is_null() { visitor.visit_unit() } else { Err(self.refuse(self.expected("nothing"))) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.node().is_sequence() {
            visitor.visit_seq(Items::new(self))
        } else {
            Err(self.refuse(self.expected("a list")))
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        if self.node().is_sequence() && self.node().items().count() != length {
            let message = format!("expected a list of {length} items");
            return Err(self.refuse(Diagnostic::error(message).at(self.span())));
        }
        self.deserialize_seq(visitor)
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
        self.keys(visitor, None)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.keys(visitor, Some(fields))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match name {
            located::NAME => visitor.visit_seq(Parts::new(self)),
            checked::NAME => visitor.visit_seq(Passes::new(self)),
            raw::NAME => {
                Raw::hand_over(Raw::new(self.node(), self.key.filter(|_| !self.in_list)));
                visitor.visit_unit()
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let choice = Choice::new(self, variants)?;
        visitor.visit_enum(choice)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { bytes byte_buf unit_struct }
}
