//! The documents in which Secrets Manager keeps credentials of databases:
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html>.

use std::fmt;

use keywheel_core::{Error, ErrorKind, Identity, Result, SecretValue, document::Fields, rotator::Credential};

use crate::engine::Engine;

const READ: &str = "read document";

/// Whose document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Current,
    Pending,
    Previous,
    /// Of the secret that `masterarn` names.
    Master,
}

/// What a document says of a login.
pub(crate) struct Login {
    pub(crate) engine: Engine,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: Option<String>,
    /// Whether the connection is encrypted and the server's certificate checked.
    pub(crate) tls: bool,
    pub(crate) user: Identity,
    pub(crate) password: SecretValue,
    pub(crate) master: Option<String>,
}

impl Login {
    /// # Errors
    /// `InvalidValue` when it is no such document: with the name of the field, never with what stands in it.
    pub(crate) fn read(value: &SecretValue, which: Which) -> Result<Self> {
        let fields = Fields::of(value).map_err(|error| unfit(which, &error.message))?;
        let text = |name: &str| -> Result<Option<String>> {
            let found = fields.text(name).map_err(|_| unfit(which, &format!("its `{name}` is no text")))?;
            Ok(found.map(|text| text.as_str().to_owned()).filter(|text| !text.is_empty()))
        };
        let needed =
            |name: &str| text(name)?.ok_or_else(|| unfit(which, &format!("it has no `{name}`: add it")));
        let engine = Engine::of(&needed("engine")?)
            .ok_or_else(|| unfit(which, &format!("its `engine` must be {}", Engine::WORDS)))?;
        let (host, user) = (needed("host")?, needed("username")?);
        let password = fields.text("password").map_err(|_| unfit(which, "its `password` is no text"))?;
        let password = password
            .filter(|password| !password.is_empty())
            .ok_or_else(|| unfit(which, "it has no `password`: add it"))?;
        Ok(Self {
            engine,
            host,
            port: port(&fields, which)?.unwrap_or(engine.port()),
            database: text("dbname")?,
            tls: tls(&fields, which)?,
            user: Identity::new(user),
            password: SecretValue::copy_from(password.as_bytes()),
            master: text("masterarn")?,
        })
    }

    pub(crate) fn credential(&self) -> Credential<'_> {
        Credential { identity: Some(&self.user), value: &self.password }
    }

    /// For a person.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// `earlier` with another user and password; every other field stays as it was written.
///
/// # Errors
/// `InvalidValue` when `earlier` is no JSON object.
pub(crate) fn renewed(earlier: &SecretValue, user: &Identity, password: &SecretValue) -> Result<SecretValue> {
    let not_text =
        |_| Error::not_applied(ErrorKind::InvalidValue, "compose document", "the password is not text");
    let mut fields = Fields::of(earlier)?;
    fields.set_text("username", user.as_str());
    fields.set_text("password", std::str::from_utf8(password.expose_secret()).map_err(not_text)?);
    fields.write()
}

/// A number, or, since the published functions take both, digits in a text.
fn port(fields: &Fields<'_>, which: Which) -> Result<Option<u16>> {
    let Some(raw) = fields.raw("port") else { return Ok(None) };
    let digits = raw.trim_matches('"');
    if raw == "null" || digits.is_empty() {
        return Ok(None);
    }
    match digits.parse() {
        Ok(port) if port > 0 => Ok(Some(port)),
        Ok(_) | Err(_) => Err(unfit(which, "its `port` must be a number from 1 to 65535")),
    }
}

/// Encrypted and verified unless the document says in so many words that it should not be. The published functions try an
/// encrypted connection, and a plain one when that fails: whoever stands between breaks the first and reads the second.
fn tls(fields: &Fields<'_>, which: Which) -> Result<bool> {
    let Some(raw) = fields.raw("ssl") else { return Ok(true) };
    match raw.trim_matches('"').to_ascii_lowercase().as_str() {
        "true" | "null" | "" => Ok(true),
        "false" => Ok(false),
        _ => Err(unfit(which, "its `ssl` must be true or false; without it the connection is encrypted")),
    }
}

fn unfit(which: Which, why: &str) -> Error {
    Error::not_applied(ErrorKind::InvalidValue, READ, format!("the {which} cannot be used: {why}"))
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "document with AWSCURRENT",
            Self::Pending => "document with AWSPENDING",
            Self::Previous => "document with AWSPREVIOUS",
            Self::Master => "document of the master secret",
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(text: &str) -> Result<Login> {
        Login::read(&SecretValue::copy_from(text.as_bytes()), Which::Current)
    }

    fn with(more: &str) -> Result<Login> {
        read(&format!(
            r#"{{"engine": "postgres", "host": "db", "username": "app", "password": "hunter2"{more}}}"#
        ))
    }

    #[rstest]
    #[case("", 5432, true)]
    #[case(r#", "port": 6432"#, 6432, true)]
    #[case(r#", "port": "6432", "ssl": "True""#, 6432, true)]
    #[case(r#", "port": null, "ssl": null"#, 5432, true)]
    #[case(r#", "ssl": false"#, 5432, false)]
    #[case(r#", "ssl": "FALSE""#, 5432, false)]
    fn what_may_be_left_out_has_a_safe_meaning(#[case] more: &str, #[case] port: u16, #[case] tls: bool) {
        let login = with(more).unwrap();
        assert_eq!((login.port, login.tls), (port, tls));
    }

    #[rstest]
    #[case(r#""hunter2""#, "JSON")]
    #[case("hunter2", "JSON")]
    #[case(r#"{"password": "hunter2"}"#, "`engine`")]
    #[case(r#"{"engine": "oracle", "password": "hunter2"}"#, "aurora-mysql or mariadb")]
    #[case(r#"{"engine": "mysql", "username": "a", "password": "hunter2"}"#, "`host`")]
    #[case(r#"{"engine": "mysql", "host": "h", "password": "hunter2"}"#, "`username`")]
    #[case(r#"{"engine": "mysql", "host": "h", "username": "u", "hunter2": 1}"#, "`password`")]
    #[case(r#"{"engine": "mysql", "host": "h", "username": "u", "password": ["hunter2"]}"#, "`password`")]
    fn what_is_missing_or_wrong_is_named_and_not_quoted(#[case] text: &str, #[case] says: &str) {
        let error = read(text).err().unwrap();
        assert_eq!(error.kind, ErrorKind::InvalidValue);
        assert!(error.to_string().contains(says) && !error.to_string().contains("hunter2"), "{error}");
    }

    #[rstest]
    #[case(r#", "port": 0"#, "`port`")]
    #[case(r#", "port": 65536"#, "`port`")]
    #[case(r#", "port": [1]"#, "`port`")]
    #[case(r#", "ssl": "sometimes""#, "`ssl`")]
    #[case(r#", "ssl": 1"#, "`ssl`")]
    #[case(r#", "masterarn": 5"#, "`masterarn`")]
    fn nothing_is_guessed(#[case] more: &str, #[case] says: &str) {
        let error = with(more).err().unwrap();
        assert!(error.to_string().contains(says), "{error}");
    }

    #[test]
    fn a_new_document_differs_in_user_and_password_alone() {
        let earlier = br#"{"engine": "aurora-postgresql", "username": "app", "password": "old", "port": 5432, "x": {"y": 1.0}}"#;
        let (user, password) = (Identity::from("app_clone"), SecretValue::copy_from(b"n\"w"));
        let made = renewed(&SecretValue::copy_from(earlier), &user, &password).unwrap();
        assert_eq!(
            std::str::from_utf8(made.expose_secret()).unwrap(),
            r#"{"engine":"aurora-postgresql","password":"n\"w","port":5432,"username":"app_clone","x":{"y": 1.0}}"#
        );
    }
}
