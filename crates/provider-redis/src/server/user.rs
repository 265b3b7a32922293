//! What a user is allowed to log in with.

use std::collections::HashMap;

use keywheel_core::{Result, SecretValue};
use redis::{FromRedisValue, RedisResult, Value};
use sha2::{Digest, Sha256};

use super::reply::{read, strange};

/// The SHA-256 of a password in 64 lower-case hex digits: how Redis keeps it, and all that is sent to change one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hash(String);

impl Hash {
    pub(crate) fn of(value: &SecretValue) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digits = Sha256::digest(value.expose_secret())
            .iter()
            .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
            .map(char::from)
            .collect();
        Self(digits)
    }

    /// The rule that makes the user accept it.
    pub(crate) fn add(&self) -> String {
        format!("#{}", self.0)
    }

    /// The rule that makes the user refuse it.
    pub(crate) fn remove(&self) -> String {
        format!("!{}", self.0)
    }
}

/// A user, as `ACL GETUSER` shows it.
pub(crate) struct User {
    /// Whether anybody can log in as it.
    pub(crate) on: bool,
    /// Whether it takes any password at all.
    pub(crate) nopass: bool,
    hashes: Vec<String>,
}

impl User {
    /// `None` if there is no such user.
    pub(super) fn read(operation: &'static str, reply: Option<RedisResult<Value>>) -> Result<Option<Self>> {
        let Some(mut fields) = read::<Option<HashMap<String, Value>>>(operation, reply)? else {
            return Ok(None);
        };
        let mut list = |name: &str| -> Result<Vec<String>> {
            let value = fields.remove(name).ok_or_else(|| strange(operation))?;
            FromRedisValue::from_redis_value(value).map_err(|_| strange(operation))
        };
        let (flags, hashes) = (list("flags")?, list("passwords")?);
        let has = |flag: &str| flags.iter().any(|known| known == flag);
        Ok(Some(Self { on: has("on"), nopass: has("nopass"), hashes }))
    }

    pub(crate) fn accepts(&self, hash: &Hash) -> bool {
        self.hashes.contains(&hash.0)
    }

    /// How many passwords it has.
    pub(crate) fn passwords(&self) -> usize {
        self.hashes.len()
    }
}
