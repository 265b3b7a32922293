//! What is at one path: fields, of which keywheel knows a few.

use std::collections::BTreeMap;

use keywheel_core::{Error, ErrorKind, Result, SecretValue};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zeroize::{Zeroize, Zeroizing};

/// The fields, each as the JSON that the server sent: what keywheel does not know goes back as it came. Wiped when dropped.
#[derive(Default, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Document(BTreeMap<String, Box<RawValue>>);

impl Document {
    /// The text of `field`, if there is one.
    pub(crate) fn text(&self, operation: &'static str, field: &str) -> Result<Option<SecretValue>> {
        let Some(raw) = self.0.get(field) else { return Ok(None) };
        let text: Zeroizing<String> = serde_json::from_str(raw.get()).map_err(|_| {
            let message = "the field holds something else than text";
            Error::not_applied(ErrorKind::InvalidConfig, operation, message).with("field", field)
        })?;
        Ok(Some(SecretValue::copy_from(text.as_bytes())))
    }

    /// Puts a value into `field`; `stage` admitted it, so it is text.
    pub(crate) fn put(&mut self, operation: &'static str, field: &str, value: &SecretValue) -> Result<()> {
        let unusable =
            || Error::not_applied(ErrorKind::InvalidValue, operation, "the value is no text in UTF-8");
        let text = std::str::from_utf8(value.expose_secret()).map_err(|_| unusable())?;
        let raw = serde_json::value::to_raw_value(text).map_err(|_| unusable())?;
        if let Some(old) = self.0.insert(field.to_owned(), raw) {
            wipe(old);
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, field: &str) {
        if let Some(old) = self.0.remove(field) {
            wipe(old);
        }
    }

    /// Whether there are fields besides these.
    pub(crate) fn has_others(&self, known: &[Option<&str>]) -> bool {
        self.0.keys().any(|field| !known.contains(&Some(field.as_str())))
    }

    /// About the length of its JSON, and not below.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|(field, raw)| field.len() * 6 + raw.get().len() + 4).sum::<usize>() + 2
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        for (_, raw) in std::mem::take(&mut self.0) {
            wipe(raw);
        }
    }
}

fn wipe(raw: Box<RawValue>) {
    String::from(Box::<str>::from(raw)).zeroize();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_does_not_know_stays_as_it_was() {
        let text = r#"{"port":12345678901234567890.10,"value":"a","list":[1, {"b":null}]}"#;
        let mut document: Document = serde_json::from_str(text).unwrap();
        document.put("test", "value", &SecretValue::copy_from(b"\"b\"\n")).unwrap();
        document.remove("none");
        let written = serde_json::to_string(&document).unwrap();
        assert_eq!(written, r#"{"list":[1, {"b":null}],"port":12345678901234567890.10,"value":"\"b\"\n"}"#);
        assert!(written.len() <= document.len());
        assert!(document.has_others(&[Some("value"), None]));
        assert!(!document.has_others(&[Some("value"), Some("port"), Some("list")]));
        assert_eq!(document.text("test", "value").unwrap().unwrap().expose_secret(), b"\"b\"\n");
        assert_eq!(document.text("test", "port").unwrap_err().kind, ErrorKind::InvalidConfig);
        assert!(document.text("test", "none").unwrap().is_none());
    }
}
