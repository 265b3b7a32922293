//! Unbiased draws from an entropy source.

use zeroize::Zeroizing;

use super::GenerateError;
use crate::entropy::Entropy;

/// How many random bytes are fetched at once.
const BLOCK: usize = 256;

/// How many bytes one draw may throw away. A byte is kept with a probability of at least one half, so a sound source
/// fails here once in 2^128 draws; a source that repeats one byte is caught instead of looping for ever.
const MAX_REJECTED: usize = 128;

/// Draws numbers below a bound, each equally likely.
pub(super) struct Draw<'a> {
    entropy: &'a dyn Entropy,
    block: Zeroizing<Vec<u8>>,
    used: usize,
}

impl<'a> Draw<'a> {
    pub(super) fn from(entropy: &'a dyn Entropy) -> Self {
        Self { entropy, block: Zeroizing::new(vec![0; BLOCK]), used: BLOCK }
    }

    /// One of `choices`. Bytes above the largest multiple of the count are thrown away: taking the remainder of every
    /// byte would make the first `256 % count` characters likelier than the others.
    pub(super) fn one_of(&mut self, choices: &[u8]) -> Result<u8, GenerateError> {
        debug_assert!(!choices.is_empty() && choices.len() <= 128, "keeps at least half of the bytes");
        let whole = 256 - 256 % choices.len();
        for _ in 0..MAX_REJECTED {
            let drawn = usize::from(self.byte()?);
            if drawn < whole {
                return Ok(choices[drawn % choices.len()]);
            }
        }
        Err(GenerateError::Stuck)
    }

    fn byte(&mut self) -> Result<u8, GenerateError> {
        if self.used == self.block.len() {
            self.entropy.fill(&mut self.block)?;
            self.used = 0;
        }
        let byte = self.block[self.used];
        self.used += 1;
        Ok(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{entropy::EntropyError, generate::seeded::Seeded};

    struct Constant(u8);

    impl Entropy for Constant {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
            buffer.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn a_source_that_repeats_a_rejected_byte_is_an_error() {
        let result = Draw::from(&Constant(255)).one_of(b"abc");
        assert!(matches!(result, Err(GenerateError::Stuck)), "{result:?}");
    }

    #[test]
    fn a_count_that_divides_256_rejects_nothing() {
        assert_eq!(Draw::from(&Constant(255)).one_of(b"abcd").unwrap(), b'd');
    }

    #[test]
    fn every_choice_comes_up() {
        let seeded = Seeded::new(1);
        let mut draw = Draw::from(&seeded);
        let drawn: std::collections::BTreeSet<u8> = (0..200).map(|_| draw.one_of(b"abc").unwrap()).collect();
        assert_eq!(drawn.len(), 3);
    }
}
