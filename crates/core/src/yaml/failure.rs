//! What a `Deserialize` implementation can say is wrong, kept apart so that it can be put in an operator's words.

use std::fmt;

use serde::de;

/// Why reading stopped. Each but the first has been dealt with: it only has to travel up to whoever reads again.
#[derive(Debug)]
pub(super) enum Failure {
    /// A mistake that has no place yet; it gets that of the innermost value being read.
    Unplaced(Mistake),
    /// Reported and marked: read again, and what was wrong is stood in for.
    Reported,
    /// No stand-in fits here: the value around it must be stood in for.
    NoStandIn,
}

/// A mistake in serde's terms.
#[derive(Debug)]
pub(super) enum Mistake {
    /// A required key is absent.
    Missing(&'static str),
    /// A key that the type does not know.
    UnknownKey(String, &'static [&'static str]),
    /// A word that is none of the choices.
    UnknownChoice(String, &'static [&'static str]),
    /// The type's own words for what it takes, and what it was given.
    Expected(String, Given),
    /// The type's own words for what is wrong. They may repeat the value.
    Said(String),
}

/// What a type was given, as far as it tells whether that was the value itself or, where serde had buffered the
/// value, a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// A mapping.
    Mapping,
    /// A list.
    List,
    /// Anything else.
    Scalar,
}

impl de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Unplaced(Mistake::Said(message.to_string()))
    }

    // What was found is described from the file, which knows `08` from `8`; serde's own description may be of text
    // that must not be repeated.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the kinds of scalar do not matter here")]
    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let given = match found {
            de::Unexpected::Map => Given::Mapping,
            de::Unexpected::Seq => Given::List,
            _ => Given::Scalar,
        };
        Self::Unplaced(Mistake::Expected(expected.to_string(), given))
    }

    fn invalid_value(_found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Unplaced(Mistake::Expected(expected.to_string(), Given::Scalar))
    }

    fn invalid_length(_length: usize, expected: &dyn de::Expected) -> Self {
        Self::Unplaced(Mistake::Expected(expected.to_string(), Given::List))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::Unplaced(Mistake::UnknownChoice(variant.to_owned(), expected))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::Unplaced(Mistake::UnknownKey(field.to_owned(), expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Unplaced(Mistake::Missing(field))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value cannot be read; the mistake is in the diagnostics")
    }
}

impl std::error::Error for Failure {}
