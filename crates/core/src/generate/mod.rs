//! Making new values: what an operator may ask for ([`Recipe`]), how it is drawn, and how an existing value compares.
//!
//! A value is drawn from [`crate::Entropy`] without bias and built in place. Key pairs are the one exception: the
//! cryptographic library draws them from its own generator (see [`KeyAlgorithm`]).

mod alphabet;
mod bytes;
mod draw;
mod error;
mod jwk;
mod key_pair;
mod mistake;
mod password;
#[cfg(feature = "key-pairs")]
mod pkcs8;
#[cfg(feature = "key-pairs")]
mod public_key;
mod recipe;
mod strength;
mod well_known;
mod written;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod seeded;

pub use alphabet::{CharacterClass, SAFE_SYMBOLS};
pub use bytes::{BytesRecipe, CookieKeyRecipe, Encoding, MAX_BYTES, MIN_BYTES};
pub use error::GenerateError;
pub use jwk::{Jwk, JwkKey, JwkSet, JwkUse, JwsAlgorithm};
pub use key_pair::{KeyAlgorithm, KeyPairRecipe};
pub use mistake::RecipeMistake;
pub use password::{MAX_PASSWORD, MIN_PASSWORD, PasswordRecipe};
#[cfg(feature = "key-pairs")]
pub use public_key::{PublicKey, PublicKeyError};
pub use recipe::Recipe;
pub use strength::{Unit, Weakness, examine_provided};
