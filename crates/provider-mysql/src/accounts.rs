//! Finding accounts.

use keywheel_core::{Error, ErrorKind, Result};

use crate::{
    account::Account,
    admin::Session,
    flavour::{Flavour, Server},
    record::{MYSQL_COLUMNS, MariaDbRow, MySqlRow, Record},
    sql::quote,
};

impl Session<'_> {
    /// The account, if there is one.
    pub(crate) async fn record(&mut self, server: &Server, account: &Account) -> Result<Option<Record>> {
        let place = format!("User = {} AND Host = {}", quote(&account.user), quote(&account.host));
        match server.flavour {
            Flavour::MariaDb => {
                let sql = format!("SELECT CAST(Priv AS CHAR) FROM mysql.global_priv WHERE {place}");
                let Some(text) = self.first::<String>(&sql).await? else { return Ok(None) };
                let row: MariaDbRow = serde_json::from_str(&text).map_err(|_| {
                    let message = "`mysql.global_priv` holds a row that is not understood";
                    self.after(Error::not_applied(ErrorKind::Corrupt, self.operation(), message))
                        .with("account", account)
                })?;
                Ok((!row.is_role).then(|| row.into()))
            }
            Flavour::MySql => {
                let sql = format!("SELECT {MYSQL_COLUMNS} FROM mysql.user WHERE {place}");
                let Some(row) = self.first::<MySqlRow>(&sql).await? else { return Ok(None) };
                let sql = format!("SELECT password_lifetime FROM mysql.user WHERE {place}");
                let lifetime = self.first::<Option<i64>>(&sql).await?.flatten();
                Ok(Some(Record::of_mysql(row, lifetime)))
            }
        }
    }

    /// The hosts with which the user has an account.
    pub(crate) async fn hosts(&mut self, server: &Server, user: &str) -> Result<Vec<String>> {
        let table = match server.flavour {
            Flavour::MariaDb => "mysql.global_priv",
            Flavour::MySql => "mysql.user",
        };
        self.all(&format!("SELECT Host FROM {table} WHERE User = {} ORDER BY Host", quote(user))).await
    }

    /// The account that is meant. `said`: the host was written down, in the identity or in `account-host`.
    pub(crate) async fn meant(&mut self, server: &Server, account: &Account, said: bool) -> Result<Record> {
        let found = self.record(server, account).await?;
        if found.is_some() && said {
            return found.ok_or_else(|| missing(self.operation(), account, &[]));
        }
        let hosts = self.hosts(server, &account.user).await?;
        let other = hosts.iter().any(|host| !host.eq_ignore_ascii_case(&account.host));
        if found.is_some() && other {
            let written: Vec<_> = hosts.iter().map(|host| format!("`{}@{host}`", account.user)).collect();
            let message = format!(
                "the user has several accounts: write which one is meant, as the secret's `identity` ({}) or as `account-host`",
                written.join(", ")
            );
            return Err(Error::not_applied(ErrorKind::InvalidConfig, self.operation(), message));
        }
        found.ok_or_else(|| missing(self.operation(), account, &hosts))
    }
}

fn missing(operation: &'static str, account: &Account, hosts: &[String]) -> Error {
    let message = if hosts.is_empty() {
        "there is no such account".to_owned()
    } else {
        let written: Vec<_> = hosts.iter().map(|host| format!("`{}@{host}`", account.user)).collect();
        format!(
            "there is no such account; the user has {}: write it as the secret's `identity`",
            written.join(", ")
        )
    };
    Error::not_applied(ErrorKind::NotFound, operation, message).with("account", account)
}
