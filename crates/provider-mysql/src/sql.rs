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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::MySqlRow;

    fn mariadb(json: &str) -> Record {
        serde_json::from_str::<crate::record::MariaDbRow>(json).unwrap().into()
    }

    fn mysql(plugin: &str) -> Record {
        let text = String::new;
        let row: MySqlRow =
            (plugin.to_owned(), false, false, false, text(), text(), text(), text(), 0, 0, 0, 0);
        Record::of_mysql(row, Some(90))
    }

    fn hashed(record: &Record) -> String {
        let hash = |method: &Method| method.scheme().map(|scheme| Zeroizing::new(format!("{scheme:?}")));
        identified(Flavour::MariaDb, record, Password::Hashed(&hash)).to_string()
    }

    #[test]
    fn mysql_gets_the_password_itself_for_the_plugin_that_it_has() {
        let account = Account::of("o'app", "%");
        let clause =
            identified(Flavour::MySql, &mysql("caching_sha2_password"), Password::Clear("it's \\ \"x\""));
        assert_eq!(*clause, r#"IDENTIFIED WITH 'caching_sha2_password' BY 'it\'s \\ \"x\"'"#);
        let retained = alter(&account, "IDENTIFIED BY 'x'", " RETAIN CURRENT PASSWORD");
        assert_eq!(*retained, r"ALTER USER 'o\'app'@'%' IDENTIFIED BY 'x' RETAIN CURRENT PASSWORD");
    }

    #[test]
    fn the_password_that_stays_takes_the_first_place_before_the_second_is_emptied() {
        let account = Account::of("app", "%");
        let [first, second] = keep_one(Some(&account), &identified_by("kept"));
        assert_eq!(*first, "ALTER USER 'app'@'%' IDENTIFIED BY 'kept'");
        assert_eq!(*second, "ALTER USER 'app'@'%' DISCARD OLD PASSWORD");
        let [_, own] = keep_one(None, "");
        assert_eq!(*own, "ALTER USER CURRENT_USER() DISCARD OLD PASSWORD");
    }

    #[test]
    fn mariadb_gets_hashes_and_keeps_its_other_methods() {
        let native =
            mariadb(r#"{"access":0,"plugin":"mysql_native_password","authentication_string":"*94"}"#);
        assert_eq!(hashed(&native), "IDENTIFIED VIA mysql_native_password USING 'Native'");
        let without_name = mariadb(r#"{"access":0,"plugin":"","authentication_string":""}"#);
        assert_eq!(hashed(&without_name), "IDENTIFIED VIA mysql_native_password USING 'Native'");
        let many = mariadb(
            r#"{"plugin":"ed25519","authentication_string":"k","auth_or":[{"plugin":"unix_socket"},{},{"plugin":"pam","authentication_string":"it's"}]}"#,
        );
        assert_eq!(
            hashed(&many),
            r"IDENTIFIED VIA unix_socket OR ed25519 USING 'Ed25519' OR pam USING 'it\'s'"
        );
        let clear = identified(Flavour::MariaDb, &native, Password::Clear("p'w"));
        assert_eq!(*clear, r"IDENTIFIED VIA mysql_native_password USING PASSWORD('p\'w')");
    }

    #[test]
    fn what_holds_for_an_account_can_be_said_of_another() {
        let record = mariadb(
            r#"{"ssl_type":3,"ssl_cipher":"","x509_issuer":"/CN=it's","x509_subject":"/CN=app","max_questions":5,"max_user_connections":-1,"max_statement_time":1.5,"password_lifetime":0}"#,
        );
        assert_eq!(record.require, r" REQUIRE ISSUER '/CN=it\'s' AND SUBJECT '/CN=app'");
        assert_eq!(
            record.limits,
            " WITH MAX_QUERIES_PER_HOUR 5 MAX_USER_CONNECTIONS -1 MAX_STATEMENT_TIME 1.5"
        );
        assert_eq!(record.lifetime, " PASSWORD EXPIRE NEVER");
        assert_eq!(mysql("caching_sha2_password").lifetime, " PASSWORD EXPIRE INTERVAL 90 DAY");
    }
}
