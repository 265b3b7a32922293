//! The keys and values of a mapping, and the items of a list, as serde's visitors ask for them.

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, value::StrDeserializer};

use super::{failure::Failure, place::Place};

/// The entries of a mapping that its reader knows, then stand-ins for those found missing.
pub(super) struct Keys<'r> {
    place: Place<'r>,
    pairs: Box<dyn Iterator<Item = (u32, u32)> + 'r>,
    missing: std::vec::IntoIter<(&'static str, usize)>,
    known: Option<&'static [&'static str]>,
    value: Option<Value>,
}

#[derive(Clone, Copy)]
enum Value {
    Written { key: u32, value: u32 },
    Missing { key: &'static str, attempt: usize },
}

impl<'r> Keys<'r> {
    pub(super) fn new(place: Place<'r>, known: Option<&'static [&'static str]>) -> Self {
        let reading = place.reading;
        let document = reading.document;
        let pairs = move || {
            let known_here = move |key: u32| known.is_none_or(|known| known.contains(&document.text(key)));
            document.pairs(place.target()).filter(move |&(key, _)| known_here(key))
        };
        let is_wrong = move |(key, value): (u32, u32)| reading.is_wrong(key) || reading.is_wrong(value);
        // What is wrong comes last: it may have no stand-in, and nothing after that would be looked at.
        let pairs: Box<dyn Iterator<Item = (u32, u32)> + 'r> = if reading.has_wrong() {
            Box::new(
                pairs()
                    .filter(move |&pair| !is_wrong(pair))
                    .chain(pairs().filter(move |&pair| is_wrong(pair))),
            )
        } else {
            Box::new(pairs())
        };
        Self {
            place,
            pairs,
            missing: place.reading.missing_from(place.target()).into_iter(),
            known,
            value: None,
        }
    }
}

impl<'de> MapAccess<'de> for Keys<'_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        if let Some((key, value)) = self.pairs.next() {
            self.value = Some(Value::Written { key, value });
            let place = self.place.bare(key);
            return if self.known.is_some() { seed.deserialize(place) } else { place.read_with(seed) }
                .map(Some);
        }
        let Some((key, attempt)) = self.missing.next() else { return Ok(None) };
        self.value = Some(Value::Missing { key, attempt });
        seed.deserialize(StrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        match self.value.take() {
            Some(Value::Written { key, value }) => self.place.under(key, value).read_with(seed),
            Some(Value::Missing { key, attempt }) => {
                self.place.reading.read_missing(self.place.target(), key, attempt, seed)
            }
            // A visitor that asks for a value before its key.
            None => Err(Failure::NoStandIn),
        }
    }
}

/// The items of a list.
pub(super) struct Items<'r> {
    place: Place<'r>,
    items: Box<dyn Iterator<Item = u32> + 'r>,
}

impl<'r> Items<'r> {
    pub(super) fn new(place: Place<'r>) -> Self {
        Self { place, items: Box::new(place.reading.document.children(place.target())) }
    }
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        self.items.next().map(|item| self.place.item(item).read_with(seed)).transpose()
    }
}
