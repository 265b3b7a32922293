//! Statements. Text is quoted by the client library, for sessions in which a backslash escapes ([`SETUP`]).

use mysql_async::Value;
use zeroize::Zeroizing;

use crate::{
    account::Account,
    flavour::Flavour,
    record::{Method, Record},
};

/// What every session begins with. Text is quoted for it, and `MariaDB` creates no account because one was granted
/// something.
pub(crate) const SETUP: &str = "SET SESSION sql_mode = CONCAT('', /*M!100000 'NO_AUTO_CREATE_USER', */ '')";

/// `text` as a literal.
pub(crate) fn quote(text: &str) -> String {
    Value::from(text).as_sql(false)
}

/// How an account gets its password.
#[derive(Clone, Copy)]
pub(crate) enum Password<'a> {
    /// `MariaDB`: a hash of it for each method.
    Hashed(&'a dyn Fn(&Method) -> Option<Zeroizing<String>>),
    /// The password itself: `MySQL`, which keeps it out of its logs, or a `MariaDB` that has to see it.
    Clear(&'a str),
}

/// `IDENTIFIED …`: every method that checks a password gets the new one, the others stay as they are.
pub(crate) fn identified(flavour: Flavour, record: &Record, password: Password<'_>) -> Zeroizing<String> {
    let mut clause = Zeroizing::new(String::with_capacity(512));
    match flavour {
        Flavour::MySql => {
            let plugin = record.methods.first().map_or("", |method| method.plugin.as_str());
            clause.push_str("IDENTIFIED WITH ");
            clause.push_str(&quote(plugin));
            if let Password::Clear(password) = password {
                clause.push_str(" BY ");
                clause.push_str(&Zeroizing::new(quote(password)));
            }
        }
        Flavour::MariaDb => {
            for (index, method) in record.methods.iter().enumerate() {
                clause.push_str(if index == 0 { "IDENTIFIED VIA " } else { " OR " });
                clause.push_str(method.name());
                match (password, method.scheme()) {
                    (Password::Clear(password), Some(_)) => {
                        clause.push_str(" USING PASSWORD(");
                        clause.push_str(&Zeroizing::new(quote(password)));
                        clause.push(')');
                    }
                    (Password::Hashed(hash), Some(_)) => {
                        if let Some(hash) = hash(method) {
                            clause.push_str(" USING ");
                            clause.push_str(&Zeroizing::new(quote(&hash)));
                        }
                    }
                    (Password::Clear(_) | Password::Hashed(_), None) if method.stored.is_empty() => {}
                    (Password::Clear(_) | Password::Hashed(_), None) => {
                        clause.push_str(" USING ");
                        clause.push_str(&Zeroizing::new(quote(&method.stored)));
                    }
                }
            }
        }
    }
    clause
}

/// `ALTER USER account identified more`.
pub(crate) fn alter(account: &Account, identified: &str, more: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("ALTER USER {} {identified}{more}", account.quoted()))
}

/// `CREATE USER account identified more`.
pub(crate) fn create(account: &Account, identified: &str, more: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("CREATE USER {} {identified}{more}", account.quoted()))
}

/// `MySQL`: the account (or whoever asks) has one password, as `identified` says. First it takes the first place, wherever it
/// was; then the second place is emptied. So it is accepted at every moment.
pub(crate) fn keep_one(account: Option<&Account>, identified: &str) -> [Zeroizing<String>; 2] {
    let account = account.map_or_else(|| "CURRENT_USER()".to_owned(), Account::quoted);
    [
        Zeroizing::new(format!("ALTER USER {account} {identified}")),
        Zeroizing::new(format!("ALTER USER {account} DISCARD OLD PASSWORD")),
    ]
}

/// `IDENTIFIED BY`, for the account that asks: `MySQL` keeps its plugin.
pub(crate) fn identified_by(password: &str) -> Zeroizing<String> {
    let password = Zeroizing::new(quote(password));
    Zeroizing::new(format!("IDENTIFIED BY {}", *password))
}
