//! What the user's tag says about its keys: at most 256 of letters, digits, blanks and `_.:/=+-@`
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>).
//!
//! `minting=ROTATION/SECONDS:AKIA…=ROTATION:AKIA…=-`

use std::{collections::BTreeMap, fmt};

use keywheel_core::RotationId;

/// The tag's key.
pub(super) const TAG: &str = "keywheel:access-keys";

const MINTING: &str = "minting";
const NOBODY: &str = "-";

/// Which keys are known, and which is about to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// For which rotation a key is being made, and since when, in seconds.
    pub(super) minting: Option<(RotationId, i64)>,
    /// The keys that there were, and which rotation each was made for, if any was.
    pub(super) keys: BTreeMap<String, Option<RotationId>>,
}

impl Record {
    /// What `text` says. Somebody else's words say nothing.
    pub(super) fn read(text: &str) -> Self {
        let mut record = Self::default();
        for (name, value) in text.split(':').filter_map(|word| word.split_once('=')) {
            if name == MINTING {
                let parts = value.split_once('/');
                record.minting = parts.and_then(|(id, at)| Some((id.parse().ok()?, at.parse().ok()?)));
            } else {
                record.keys.insert(name.to_owned(), value.parse().ok());
            }
        }
        record
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        words.extend(self.minting.map(|(rotation, at)| format!("{MINTING}={rotation}/{at}")));
        for (key, rotation) in &self.keys {
            let rotation = rotation.map_or_else(|| NOBODY.to_owned(), |rotation| rotation.to_string());
            words.push(format!("{key}={rotation}"));
        }
        f.write_str(&words.join(":"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotation(number: u8) -> RotationId {
        RotationId::from_random([number; 16])
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_fits() {
        let keys = [
            ("AKIAIOSFODNN7EXAMPLE".to_owned(), Some(rotation(1))),
            ("AKIAI44QH8DHBEXAMPLE".to_owned(), None),
        ];
        let record = Record { minting: Some((rotation(2), 1_763_680_000)), keys: keys.into() };
        let text = record.to_string();
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || " _.:/=+-@".contains(letter);
        assert!(text.len() <= 256 && text.chars().all(allowed), "{text}");
        assert_eq!(Record::read(&text), record);
        assert_eq!(Record::read(""), Record::default());
        assert_eq!(Record::read("minting=x/y of the team"), Record::default());
    }
}
