//! Users and what they may do, as the API shows them.

use std::collections::BTreeMap;

use keywheel_core::SecretValue;
use serde::{Deserialize, Serialize};

use crate::hash;

/// Who is logged in.
#[derive(Deserialize)]
pub(crate) struct Login {
    pub(crate) tags: Tags,
}

/// A user.
#[derive(Deserialize)]
pub(crate) struct User {
    #[serde(default)]
    password_hash: String,
    #[serde(default)]
    hashing_algorithm: Option<String>,
    pub(crate) tags: Tags,
    #[serde(default)]
    pub(crate) limits: BTreeMap<String, serde_json::Value>,
}

impl User {
    /// Whether it takes this password; `None` if that cannot be said.
    pub(crate) fn accepts(&self, password: &SecretValue) -> Option<bool> {
        hash::matches(&self.password_hash, self.hashing_algorithm.as_deref().unwrap_or_default(), password)
    }

    /// Whether it takes no password at all.
    pub(crate) fn is_retired(&self) -> bool {
        self.password_hash.is_empty()
    }

    pub(crate) fn password_hash(&self) -> &str {
        &self.password_hash
    }

    /// How that hash was made.
    pub(crate) fn algorithm(&self) -> &str {
        self.hashing_algorithm.as_deref().unwrap_or(hash::ALGORITHM)
    }
}

/// Tags: since 3.9 a list, before that words with commas. They are sent as they came.
#[derive(Clone, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Tags {
    List(Vec<String>),
    Words(String),
}

impl Tags {
    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Self::List(list) => list.iter().map(String::as_str).collect(),
            Self::Words(words) => words.split(',').filter(|word| !word.is_empty()).collect(),
        }
    }

    pub(crate) fn has(&self, tag: &str) -> bool {
        self.names().contains(&tag)
    }

    /// The same with one more.
    pub(crate) fn and(&self, tag: &str) -> Self {
        if self.has(tag) {
            return self.clone();
        }
        let mut names = self.names();
        names.push(tag);
        match self {
            Self::List(_) => Self::List(names.into_iter().map(str::to_owned).collect()),
            Self::Words(_) => Self::Words(names.join(",")),
        }
    }
}

/// What a user may do in one virtual host.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Permission {
    #[serde(skip_serializing)]
    pub(crate) vhost: String,
    configure: String,
    write: String,
    read: String,
}

/// Which routing keys a user may use with one exchange of a virtual host.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct TopicPermission {
    #[serde(skip_serializing)]
    pub(crate) vhost: String,
    pub(crate) exchange: String,
    write: String,
    read: String,
}
