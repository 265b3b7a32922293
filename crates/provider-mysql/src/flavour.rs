//! Which server it is, and what it can do.

use keywheel_core::{Error, ErrorKind, Result};

/// The two families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    MariaDb,
    MySql,
}

impl Flavour {
    /// As AWS's rotation functions call it.
    pub(crate) fn engine(self) -> &'static str {
        match self {
            Self::MariaDb => "mariadb",
            Self::MySql => "mysql",
        }
    }

    /// How many characters a user name may have.
    pub(crate) fn longest_name(self) -> usize {
        match self {
            Self::MariaDb => 80,
            Self::MySql => 32,
        }
    }
}

/// What a server says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) flavour: Flavour,
    pub(crate) version: (u32, u32, u32),
    /// Nothing can be changed here: a replica, or maintenance.
    pub(crate) read_only: bool,
    /// A hash instead of a password is refused, because a plugin has to see the password.
    pub(crate) wants_clear: bool,
}

impl Server {
    /// Reads what `SELECT VERSION()` gives: `8.0.36`, `10.11.19-MariaDB-0+deb12u1`.
    pub(crate) fn of(version: &str) -> Self {
        let mut numbers = version
            .split(['.', '-', '+', '~', ' '])
            .map_while(|part| part.parse().ok())
            .chain([0; 3])
            .take(3);
        let mut next = || numbers.next().unwrap_or_default();
        let version_numbers = (next(), next(), next());
        let flavour =
            if version.to_ascii_lowercase().contains("mariadb") { Flavour::MariaDb } else { Flavour::MySql };
        Self { flavour, version: version_numbers, read_only: false, wants_clear: false }
    }

    /// Name and version, for a person.
    pub(crate) fn name(&self) -> String {
        let family = match self.flavour {
            Flavour::MariaDb => "MariaDB",
            Flavour::MySql => "MySQL",
        };
        let (major, minor, patch) = self.version;
        format!("{family} {major}.{minor}.{patch}")
    }

    /// Whether an account may have an old and a new password, and lock and unlock in one statement with it.
    pub(crate) fn check_age(&self, operation: &'static str) -> Result<()> {
        let oldest = match self.flavour {
            Flavour::MariaDb => (10, 4, 2),
            Flavour::MySql => (8, 0, 0),
        };
        if self.version >= oldest {
            return Ok(());
        }
        let message = format!(
            "the server is {}; MariaDB 10.4.2 and MySQL 8.0 are the oldest that will do",
            self.name()
        );
        Err(Error::not_applied(ErrorKind::Unsupported, operation, message))
    }

    /// Whether an account may have an old and a new password.
    pub(crate) fn check_dual_passwords(&self, operation: &'static str) -> Result<()> {
        if self.flavour == Flavour::MySql && self.version >= (8, 0, 14) {
            return Ok(());
        }
        let message = format!(
            "the strategy `overlap` needs MySQL 8.0.14 or newer, and the server is {}; `alternating` does without",
            self.name()
        );
        Err(Error::not_applied(ErrorKind::Unsupported, operation, message))
    }

    /// Whether anything can be changed here.
    pub(crate) fn check_writable(&self, operation: &'static str) -> Result<()> {
        if !self.read_only {
            return Ok(());
        }
        let message =
            "the server is read-only: a replica, or maintenance; accounts are changed on the primary";
        Err(Error::not_applied(ErrorKind::Unavailable, operation, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_servers_print_them() {
        for (text, flavour, version) in [
            ("10.11.19-MariaDB-0+deb12u1", Flavour::MariaDb, (10, 11, 19)),
            ("11.4.2-MariaDB-log", Flavour::MariaDb, (11, 4, 2)),
            ("5.5.5-10.6.1-MariaDB", Flavour::MariaDb, (5, 5, 5)),
            ("8.0.36", Flavour::MySql, (8, 0, 36)),
            ("8.4.0-commercial", Flavour::MySql, (8, 4, 0)),
            ("9", Flavour::MySql, (9, 0, 0)),
        ] {
            let server = Server::of(text);
            assert_eq!((server.flavour, server.version), (flavour, version), "{text}");
        }
    }

    #[test]
    fn only_new_mysql_has_dual_passwords() {
        for (text, can) in [
            ("8.0.13", false),
            ("8.0.14", true),
            ("8.4.0", true),
            ("10.11.19-MariaDB", false),
            ("11.8.1-MariaDB", false),
        ] {
            let answer = Server::of(text).check_dual_passwords("apply");
            assert_eq!(answer.is_ok(), can, "{text}");
            if let Err(error) = answer {
                assert_eq!(error.kind, ErrorKind::Unsupported);
            }
        }
    }
}
