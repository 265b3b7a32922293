//! Which server a document is about.

/// The servers whose credentials are rotated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    MySql,
    MariaDb,
}

impl Engine {
    /// The words that a document may have as its `engine`.
    pub(crate) const WORDS: &str = "postgres, aurora-postgresql, mysql, aurora-mysql or mariadb";

    pub(crate) fn of(word: &str) -> Option<Self> {
        match word {
            "postgres" | "aurora-postgresql" => Some(Self::Postgres),
            "mysql" | "aurora-mysql" => Some(Self::MySql),
            "mariadb" => Some(Self::MariaDb),
            _ => None,
        }
    }

    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::MySql | Self::MariaDb => 3306,
        }
    }

    /// The longest name of a user, in what [`Engine::length`] counts.
    /// <https://www.postgresql.org/docs/current/limits.html>,
    /// <https://dev.mysql.com/doc/refman/8.4/en/user-names.html>, <https://mariadb.com/kb/en/identifier-names/>
    pub(crate) fn longest_name(self) -> usize {
        match self {
            Self::Postgres => 63,
            Self::MySql => 32,
            Self::MariaDb => 80,
        }
    }

    /// Bytes where the server counts bytes, else characters.
    pub(crate) fn length(self, name: &str) -> usize {
        match self {
            Self::Postgres => name.len(),
            Self::MySql | Self::MariaDb => name.chars().count(),
        }
    }
}
