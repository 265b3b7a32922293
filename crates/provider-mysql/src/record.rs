//! What a server keeps about one account.

use keywheel_core::{Error, ErrorKind, Result, SecretValue};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{hash::Scheme, sql::quote};

/// One way in.
pub(crate) struct Method {
    pub(crate) plugin: String,
    /// What the plugin compares with.
    pub(crate) stored: Zeroizing<String>,
}

impl Method {
    /// The plugin's name; accounts that are old have none and mean the native one.
    pub(crate) fn name(&self) -> &str {
        match self.scheme() {
            Some(scheme) => scheme.plugin(),
            None => &self.plugin,
        }
    }

    /// How it checks a password, if that is known here.
    pub(crate) fn scheme(&self) -> Option<Scheme> {
        Scheme::of(&self.plugin)
    }
}

/// One account.
#[expect(clippy::struct_excessive_bools, reason = "as the servers keep them")]
pub(crate) struct Record {
    /// In the order in which they are tried.
    pub(crate) methods: Vec<Method>,
    pub(crate) locked: bool,
    pub(crate) expired: bool,
    /// It may pass on what it has on everything.
    pub(crate) grants_on: bool,
    pub(crate) default_role: Option<String>,
    /// ` REQUIRE …`.
    pub(crate) require: String,
    /// ` WITH …`: limits that are not the server's own.
    pub(crate) limits: String,
    /// ` PASSWORD EXPIRE …`.
    pub(crate) lifetime: String,
    /// It wants a certificate of the client, or a certain cipher.
    pub(crate) wants_certificate: bool,
    /// It wants TLS at least.
    pub(crate) wants_tls: bool,
}

impl Record {
    /// Whether every method that checks a password takes `value`, as far as the stored hash shows it (`MariaDB`).
    pub(crate) fn has(&self, value: &SecretValue) -> bool {
        let mut checked =
            self.methods.iter().filter_map(|method| Some((method, method.scheme()?))).peekable();
        checked.peek().is_some()
            && checked.all(|(method, scheme)| method.stored.eq_ignore_ascii_case(&scheme.hash(value)))
    }

    /// Whether there is a password to change.
    pub(crate) fn check_password(&self, operation: &'static str, mysql: bool) -> Result<()> {
        let names: Vec<_> = self.methods.iter().map(Method::name).collect();
        let known = if mysql {
            names.iter().any(|name| MYSQL_PLUGINS.contains(name))
        } else {
            self.methods.iter().any(|method| method.scheme().is_some())
        };
        if known {
            return Ok(());
        }
        let message = format!(
            "the account has no password that could be changed: it logs in by {}; give it a method with a password, or leave it out",
            if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
        );
        Err(Error::not_applied(ErrorKind::InvalidConfig, operation, message))
    }
}

/// Those of `MySQL` that check a password that the server keeps.
const MYSQL_PLUGINS: [&str; 3] = ["caching_sha2_password", "mysql_native_password", "sha256_password"];

/// A row of `mysql.global_priv`: <https://mariadb.com/kb/en/mysqlglobal_priv-table/>.
#[derive(Deserialize)]
pub(crate) struct MariaDbRow {
    #[serde(default)]
    access: u64,
    #[serde(default)]
    plugin: String,
    #[serde(default)]
    authentication_string: Kept,
    #[serde(default)]
    auth_or: Vec<MariaDbMethod>,
    #[serde(default)]
    account_locked: bool,
    password_last_changed: Option<i64>,
    password_lifetime: Option<i64>,
    #[serde(default)]
    ssl_type: u8,
    #[serde(default)]
    ssl_cipher: String,
    #[serde(default)]
    x509_issuer: String,
    #[serde(default)]
    x509_subject: String,
    #[serde(default, rename = "max_questions")]
    max_queries: u64,
    #[serde(default)]
    max_updates: u64,
    #[serde(default)]
    max_connections: u64,
    #[serde(default)]
    max_user_connections: i64,
    #[serde(default)]
    max_statement_time: f64,
    #[serde(default)]
    default_role: String,
    #[serde(default)]
    pub(crate) is_role: bool,
}

/// A hash, wiped when it is dropped.
#[derive(Default)]
struct Kept(Zeroizing<String>);

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// An empty one stands for the account's own.
#[derive(Deserialize)]
struct MariaDbMethod {
    plugin: Option<String>,
    #[serde(default)]
    authentication_string: Kept,
}

/// `GRANT_ACL` of the server's sources.
const MAY_GRANT: u64 = 1 << 10;

impl From<MariaDbRow> for Record {
    fn from(row: MariaDbRow) -> Self {
        let methods = if row.auth_or.is_empty() {
            vec![Method { plugin: row.plugin, stored: row.authentication_string.0 }]
        } else {
            row.auth_or
                .into_iter()
                .map(|method| match method.plugin {
                    Some(plugin) => Method { plugin, stored: method.authentication_string.0 },
                    None => {
                        Method { plugin: row.plugin.clone(), stored: row.authentication_string.0.clone() }
                    }
                })
                .collect()
        };
        let mut limits: Vec<(&str, String)> = [
            ("MAX_QUERIES_PER_HOUR", row.max_queries),
            ("MAX_UPDATES_PER_HOUR", row.max_updates),
            ("MAX_CONNECTIONS_PER_HOUR", row.max_connections),
        ]
        .into_iter()
        .filter(|(_, limit)| *limit != 0)
        .map(|(name, limit)| (name, limit.to_string()))
        .collect();
        if row.max_user_connections != 0 {
            limits.push(("MAX_USER_CONNECTIONS", row.max_user_connections.to_string()));
        }
        if row.max_statement_time > 0.0 {
            limits.push(("MAX_STATEMENT_TIME", row.max_statement_time.to_string()));
        }
        Self {
            methods,
            locked: row.account_locked,
            expired: row.password_last_changed == Some(0),
            grants_on: row.access & MAY_GRANT != 0,
            default_role: Some(row.default_role).filter(|role| !role.is_empty()),
            require: require(
                ["", "ANY", "X509", "SPECIFIED"].get(usize::from(row.ssl_type)).unwrap_or(&""),
                [&row.ssl_cipher, &row.x509_issuer, &row.x509_subject],
            ),
            limits: with_limits(&limits),
            lifetime: lifetime(row.password_lifetime.filter(|days| *days >= 0)),
            wants_certificate: row.ssl_type >= 2,
            wants_tls: row.ssl_type >= 1,
        }
    }
}

/// The columns of `mysql.user` that [`Record::of_mysql`] takes, in its order.
pub(crate) const MYSQL_COLUMNS: &str = "CAST(plugin AS CHAR), account_locked = 'Y', password_expired = 'Y', \
     Grant_priv = 'Y', CAST(ssl_type AS CHAR), CAST(ssl_cipher AS CHAR), CAST(x509_issuer AS CHAR), \
     CAST(x509_subject AS CHAR), max_questions, max_updates, max_connections, max_user_connections";

/// What they hold.
pub(crate) type MySqlRow = (String, bool, bool, bool, String, String, String, String, u64, u64, u64, u64);

impl Record {
    /// A row of `mysql.user`.
    pub(crate) fn of_mysql(row: MySqlRow, password_lifetime: Option<i64>) -> Self {
        let (
            plugin,
            locked,
            expired,
            grants_on,
            ssl,
            cipher,
            issuer,
            subject,
            queries,
            updates,
            hourly,
            at_once,
        ) = row;
        let limits: Vec<(&str, String)> = [
            ("MAX_QUERIES_PER_HOUR", queries),
            ("MAX_UPDATES_PER_HOUR", updates),
            ("MAX_CONNECTIONS_PER_HOUR", hourly),
            ("MAX_USER_CONNECTIONS", at_once),
        ]
        .into_iter()
        .filter(|(_, limit)| *limit != 0)
        .map(|(name, limit)| (name, limit.to_string()))
        .collect();
        Self {
            methods: vec![Method { plugin, stored: Zeroizing::default() }],
            locked,
            expired,
            grants_on,
            default_role: None,
            require: require(&ssl, [&cipher, &issuer, &subject]),
            limits: with_limits(&limits),
            lifetime: lifetime(password_lifetime),
            wants_certificate: matches!(ssl.as_str(), "X509" | "SPECIFIED"),
            wants_tls: !ssl.is_empty(),
        }
    }
}

fn require(ssl: &str, [cipher, issuer, subject]: [&str; 3]) -> String {
    match ssl {
        "ANY" => " REQUIRE SSL".to_owned(),
        "X509" => " REQUIRE X509".to_owned(),
        "SPECIFIED" => {
            let wanted: Vec<_> = [("CIPHER", cipher), ("ISSUER", issuer), ("SUBJECT", subject)]
                .into_iter()
                .filter(|(_, text)| !text.is_empty())
                .map(|(name, text)| format!("{name} {}", quote(text)))
                .collect();
            format!(" REQUIRE {}", wanted.join(" AND "))
        }
        _ => " REQUIRE NONE".to_owned(),
    }
}

fn with_limits(limits: &[(&str, String)]) -> String {
    let limits = limits.iter().fold(String::new(), |text, (name, limit)| text + &format!(" {name} {limit}"));
    if limits.is_empty() { limits } else { format!(" WITH{limits}") }
}

fn lifetime(days: Option<i64>) -> String {
    match days {
        None => String::new(),
        Some(0) => " PASSWORD EXPIRE NEVER".to_owned(),
        Some(days) => format!(" PASSWORD EXPIRE INTERVAL {days} DAY"),
    }
}
