//! A credential as one JSON document, in the layout that the rotation functions of AWS Secrets Manager use:
//! `engine`, `host`, `port`, `username`, `password`, `dbname`.
//!
//! An application that reads the document has everything it needs to connect, from whichever store holds it, and sees
//! user and password change together. keywheel changes these fields and keeps whatever else there is. The layout is
//! described at <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html>.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorKind, Result},
    id::Identity,
    provider::Connection,
    rotator::Credential,
    value::SecretValue,
};

/// What a stored value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// The password or key itself.
    #[default]
    Plain,
    /// A JSON document with `engine`, `host`, `port`, `username`, `password` and `dbname`.
    Document,
}

/// What a target is told: the password of a value, and whom it is for where the value says so.
#[derive(Debug)]
pub struct Presented {
    /// The user, if the value names one.
    pub identity: Option<Identity>,
    /// The password or key.
    pub secret: SecretValue,
}

impl Presented {
    /// As rotators take it.
    pub fn lend(&self) -> Credential<'_> {
        Credential { identity: self.identity.as_ref(), value: &self.secret }
    }
}

impl Layout {
    /// Makes the value that stores hold of a new `secret` for `identity`. Fields of `earlier`, the value before, that are
    /// not keywheel's are kept.
    ///
    /// # Errors
    /// `InvalidValue` when `earlier` is no such document or `secret` is not text; `InvalidConfig` when it is not known whom
    /// the credential is for or how the target is reached.
    pub fn compose(
        self,
        secret: SecretValue,
        identity: Option<&Identity>,
        connection: Option<&Connection>,
        earlier: Option<&SecretValue>,
    ) -> Result<SecretValue> {
        match self {
            Self::Plain => Ok(secret),
            Self::Document => document(&secret, identity, connection, earlier),
        }
    }

    /// What a target is told of `value`. A document says itself whom it is for; a plain value is for `identity`.
    ///
    /// # Errors
    /// `InvalidValue` when it should be a document and is not.
    pub fn present(self, value: &SecretValue, identity: Option<&Identity>) -> Result<Presented> {
        match self {
            Self::Plain => Ok(Presented { identity: identity.cloned(), secret: value.duplicate() }),
            Self::Document => {
                let fields = Fields::of(value)?;
                let password = fields.text("password")?.ok_or_else(|| invalid("it has no `password`"))?;
                let named = fields.text("username")?.map(|user| Identity::from(user.as_str()));
                let identity = named.or_else(|| identity.cloned());
                Ok(Presented { identity, secret: SecretValue::copy_from(password.as_bytes()) })
            }
        }
    }
}

fn document(
    secret: &SecretValue,
    identity: Option<&Identity>,
    connection: Option<&Connection>,
    earlier: Option<&SecretValue>,
) -> Result<SecretValue> {
    let unknown = |what: &str| Error::not_applied(ErrorKind::InvalidConfig, "compose document", what);
    let identity =
        identity.ok_or_else(|| unknown("nothing says whom the credential is for; add `identity:`"))?;
    let connection =
        connection.ok_or_else(|| unknown("the rotator does not say how its target is reached"))?;
    let password = std::str::from_utf8(secret.expose_secret()).map_err(|_| {
        Error::not_applied(ErrorKind::InvalidValue, "compose document", "the value is not text")
    })?;
    let mut fields = earlier.map(Fields::of).transpose()?.unwrap_or_default();
    fields.set_text("engine", connection.engine);
    fields.set_text("host", &connection.host);
    fields.set("port", Field::Number(connection.port));
    if let Some(database) = &connection.database {
        fields.set_text("dbname", database);
    }
    fields.set_text("username", identity.as_str());
    fields.set_text("password", password);
    fields.write()
}

/// The document's fields, borrowed from where they stand: nothing that holds a value is copied.
///
/// ```
/// use keywheel_core::{SecretValue, document::Fields};
///
/// let earlier = SecretValue::copy_from(br#"{"username": "app", "password": "old", "masterarn": "arn:x"}"#);
/// let mut fields = Fields::of(&earlier)?;
/// fields.set_text("password", "new");
/// let later = fields.write()?;
/// assert_eq!(later.expose_secret(), br#"{"masterarn":"arn:x","password":"new","username":"app"}"#);
/// # Ok::<(), keywheel_core::Error>(())
/// ```
#[derive(Default)]
pub struct Fields<'a>(BTreeMap<Cow<'a, str>, Field<'a>>);

enum Field<'a> {
    Kept(&'a RawValue),
    Text(&'a str),
    Number(u16),
}

impl<'a> Fields<'a> {
    /// Reads a document.
    ///
    /// # Errors
    /// `InvalidValue` when it is no JSON object; the error does not quote it.
    pub fn of(value: &'a SecretValue) -> Result<Self> {
        // The parser's own words would quote the text.
        let fields: BTreeMap<Cow<'a, str>, &'a RawValue> = serde_json::from_slice(value.expose_secret())
            .map_err(|error| {
                invalid(&format!("it is no JSON object (line {}, column {})", error.line(), error.column()))
            })?;
        Ok(Self(fields.into_iter().map(|(name, raw)| (name, Field::Kept(raw))).collect()))
    }

    fn set(&mut self, name: &'static str, field: Field<'a>) {
        self.0.insert(Cow::Borrowed(name), field);
    }

    /// Has `name` be this text.
    pub fn set_text(&mut self, name: &'static str, text: &'a str) {
        self.set(name, Field::Text(text));
    }

    /// What stands behind `name`, as it was written; nothing of what was set since.
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        match self.0.get(name) {
            Some(Field::Kept(raw)) => Some(raw.get()),
            Some(Field::Text(_) | Field::Number(_)) | None => None,
        }
    }

    /// The text behind `name`, if there is such a field.
    ///
    /// # Errors
    /// `InvalidValue` when it is something else than text.
    pub fn text(&self, name: &str) -> Result<Option<Zeroizing<String>>> {
        let Some(Field::Kept(raw)) = self.0.get(name) else { return Ok(None) };
        let text =
            serde_json::from_str(raw.get()).map_err(|_| invalid(&format!("its `{name}` is no text")))?;
        Ok(Some(Zeroizing::new(text)))
    }

    /// The document, sorted by its fields' names.
    ///
    /// # Errors
    /// `Internal` when it cannot be written, which no document that was read gives cause for.
    pub fn write(&self) -> Result<SecretValue> {
        let failed =
            |_| Error::not_applied(ErrorKind::Internal, "compose document", "it cannot be written as JSON");
        // Written twice: the first time to know its length, so that the second leaves nothing behind when it grows.
        let mut length = Length(0);
        serde_json::to_writer(&mut length, self).map_err(failed)?;
        SecretValue::build(length.0, |bytes| serde_json::to_writer(bytes, self)).map_err(failed)
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, field) in &self.0 {
            match field {
                Field::Kept(raw) => map.serialize_entry(name, raw)?,
                Field::Text(text) => map.serialize_entry(name, text)?,
                Field::Number(number) => map.serialize_entry(name, number)?,
            }
        }
        map.end()
    }
}

/// Counts what is written.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn invalid(why: &str) -> Error {
    let message = format!("the value should be a JSON document with `username` and `password`: {why}");
    Error::not_applied(ErrorKind::InvalidValue, "read document", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        Connection {
            engine: "postgres",
            host: "db.internal".to_owned(),
            port: 5432,
            database: Some("shop".to_owned()),
        }
    }

    fn value(text: &str) -> SecretValue {
        SecretValue::copy_from(text.as_bytes())
    }

    fn text(value: &SecretValue) -> &str {
        std::str::from_utf8(value.expose_secret()).unwrap()
    }

    #[test]
    fn a_new_document_has_the_fields_that_rotation_functions_know() {
        let app = Identity::from("app");
        let made = Layout::Document.compose(value("p\"w\\1"), Some(&app), Some(&connection()), None).unwrap();
        assert_eq!(
            text(&made),
            r#"{"dbname":"shop","engine":"postgres","host":"db.internal","password":"p\"w\\1","port":5432,"username":"app"}"#
        );
        let presented = Layout::Document.present(&made, None).unwrap();
        assert_eq!(presented.identity, Some(app));
        assert_eq!(text(&presented.secret), "p\"w\\1");
    }

    #[test]
    fn what_others_put_into_the_document_stays_as_it_was_written() {
        let earlier =
            value(r#"{"password": "old", "options": {"b": 1.50, "a": [1, 2]}, "masterarn": "arn:x"}"#);
        let clone = Identity::from("app_clone");
        let made = Layout::Document
            .compose(value("new"), Some(&clone), Some(&connection()), Some(&earlier))
            .unwrap();
        assert!(text(&made).contains(r#""options":{"b": 1.50, "a": [1, 2]}"#), "{}", text(&made));
        assert!(text(&made).contains(r#""masterarn":"arn:x""#));
        assert!(text(&made).contains(r#""password":"new""#) && !text(&made).contains("old"));
    }

    #[test]
    fn what_is_no_such_document_is_refused_without_its_text() {
        for wrong in ["hunter2", "[\"hunter2\"]", "{\"password\": 12}", "{\"username\": \"hunter2\"}", ""] {
            let error = Layout::Document.present(&value(wrong), None).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidValue);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let app = Identity::from("app");
        let binary = SecretValue::copy_from(&[0xff, 0xfe]);
        assert!(Layout::Document.compose(binary, Some(&app), Some(&connection()), None).is_err());
        assert!(Layout::Document.compose(value("x"), None, Some(&connection()), None).is_err());
        assert!(Layout::Document.compose(value("x"), Some(&app), None, None).is_err());
    }

    #[test]
    fn a_plain_value_is_what_it_is() {
        let made = Layout::Plain.compose(value("x"), None, None, None).unwrap();
        assert_eq!(text(&made), "x");
        assert_eq!(text(&Layout::Plain.present(&made, None).unwrap().secret), "x");
    }
}
