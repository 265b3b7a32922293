//! Who makes changes at a target.

use std::fmt;

use crate::{error::Result, inventory::CredentialRef, value::SecretValue};

/// A login that a program hands to a target itself, where no inventory could name its password: it came from a store, and
/// is in memory only.
#[derive(Debug)]
pub struct Administrator {
    /// The user or role.
    pub user: String,
    /// Its password.
    pub password: SecretValue,
}

/// From where a target gets the password with which it logs in.
#[derive(Debug)]
pub enum PasswordSource {
    /// Where the inventory says, read anew for each login.
    Named(CredentialRef),
    /// From the program that made the target.
    Held(SecretValue),
}

impl PasswordSource {
    /// The password.
    ///
    /// # Errors
    /// As [`CredentialRef::read`].
    pub fn read(&self) -> Result<SecretValue> {
        match self {
            Self::Named(named) => named.read(),
            Self::Held(value) => Ok(value.duplicate()),
        }
    }
}

impl fmt::Display for PasswordSource {
    /// Where it is, never what it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(named) => named.fmt(f),
            Self::Held(_) => f.write_str("held in memory"),
        }
    }
}
