//! Lengths of time as operators write them: `90d`, `24h`, `1h 30m`, `60s`.

use std::{fmt, str::FromStr, time::Duration};

use jiff::{Span, SpanRelativeTo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A length of time in whole seconds. A day has 24 hours and a week 7 days; months and years, which differ in length,
/// are not accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String", extend("pattern" = r"^\s*(\d+\s*(w|d|h|m|s|weeks?|days?|hours?|hrs?|minutes?|mins?|seconds?|secs?)\s*)+$"))]
pub struct Period(u64);

/// The text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPeriod(String);

impl Period {
    /// `seconds` seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds)
    }

    /// In seconds.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// Whether it is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl From<Period> for Duration {
    fn from(period: Period) -> Self {
        Self::from_secs(period.0)
    }
}

impl From<Period> for jiff::SignedDuration {
    fn from(period: Period) -> Self {
        Self::from_secs(i64::try_from(period.0).unwrap_or(i64::MAX))
    }
}

impl FromStr for Period {
    type Err = InvalidPeriod;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
            return Err(InvalidPeriod(format!(
                "`{text}` has no unit: write `{text}d` for days, `{text}h`, `{text}m` for minutes or `{text}s`"
            )));
        }
        let refused = || {
            InvalidPeriod(format!(
                "`{text}` is not a length of time: write for instance `90d`, `24h` or `60s`"
            ))
        };
        let span: Span = text.parse().map_err(|_| refused())?;
        if span.get_months() != 0 || span.get_years() != 0 {
            return Err(InvalidPeriod(
                "months and years differ in length: write days, for instance `90d` or `365d`".to_owned(),
            ));
        }
        let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| refused())?;
        u64::try_from(duration.as_secs()).map(Self).map_err(|_| refused())
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
        if self.0 == 0 {
            return f.pad("0s");
        }
        let mut left = self.0;
        let mut words = Vec::new();
        for (size, unit) in UNITS {
            if left >= size {
                words.push(format!("{}{unit}", left / size));
                left %= size;
            }
        }
        f.pad(&words.join(" "))
    }
}

impl Serialize for Period {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Period;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time such as `90d`, `24h` or `60s`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Period, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Period, E> {
                number.to_string().parse().map_err(E::custom)
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Period, E> {
                number.to_string().parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Text)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("90d", 90 * 86_400, "90d")]
    #[case("24h", 86_400, "1d")]
    #[case("1h 30m", 5_400, "1h 30m")]
    #[case("60s", 60, "1m")]
    #[case("2w", 14 * 86_400, "14d")]
    #[case("0s", 0, "0s")]
    fn reads_and_writes(#[case] text: &str, #[case] seconds: u64, #[case] shown: &str) {
        let period: Period = text.parse().unwrap();
        assert_eq!(period.as_secs(), seconds);
        assert_eq!(period.to_string(), shown);
        assert_eq!(shown.parse::<Period>().unwrap(), period);
    }

    #[rstest]
    #[case("90", "has no unit")]
    #[case("3mo", "months and years")]
    #[case("-3d", "not a length of time")]
    #[case("soon", "not a length of time")]
    #[case("", "not a length of time")]
    fn refuses_in_words(#[case] text: &str, #[case] words: &str) {
        let error = text.parse::<Period>().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
