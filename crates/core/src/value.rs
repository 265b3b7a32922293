//! The bytes of a secret, and nothing that could print, copy or compare them by accident.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// The value of one version of a secret: raw bytes, wiped when dropped.
///
/// There is no `Clone`, `Serialize`, `Display` or `PartialEq`. `Debug` prints a placeholder: even a fingerprint would
/// let a reader guess a value that a person chose.
pub struct SecretValue(Zeroizing<Box<[u8]>>);

impl SecretValue {
    /// Takes over `bytes`; when the vector has spare capacity its old buffer is wiped after an exact copy.
    pub fn from_vec(mut bytes: Vec<u8>) -> Self {
        if bytes.capacity() == bytes.len() {
            return Self(Zeroizing::new(bytes.into_boxed_slice()));
        }
        let exact = Box::<[u8]>::from(bytes.as_slice());
        bytes.zeroize();
        Self(Zeroizing::new(exact))
    }

    /// Copies `bytes`; the caller still owns, and wipes, the original.
    pub fn copy_from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(Box::from(bytes)))
    }

    /// Builds a value of exactly `len` bytes in place, so that no unwiped intermediate copy exists.
    ///
    /// # Errors
    /// Whatever `fill` returns; the half-filled buffer is wiped.
    pub fn build<E>(len: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut buffer = Zeroizing::new(vec![0; len].into_boxed_slice());
        fill(&mut buffer)?;
        Ok(Self(buffer))
    }

    /// The bytes. The name is long on purpose: every call is a place to review.
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the value has no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in constant time (for values of one length).
    pub fn same_as(&self, other: &Self) -> bool {
        self.expose_secret().ct_eq(other.expose_secret()).into()
    }

    /// A second owner of the same bytes, for the few places where two calls need one value at once.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::copy_from(self.expose_secret())
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_bytes() {
        let value = SecretValue::from_vec(b"hunter2-hunter2".to_vec());
        assert_eq!(format!("{value:?}"), "SecretValue(…)");
    }

    #[test]
    fn a_vector_with_spare_capacity_keeps_only_its_bytes() {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(b"abc");
        assert_eq!(SecretValue::from_vec(bytes).expose_secret(), b"abc");
    }

    #[test]
    fn values_of_different_length_differ() {
        assert!(!SecretValue::copy_from(b"ab").same_as(&SecretValue::copy_from(b"abc")));
        assert!(SecretValue::copy_from(b"ab").same_as(&SecretValue::copy_from(b"ab")));
    }
}
