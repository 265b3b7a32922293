//! Randomness that a seed repeats.

use std::sync::{Mutex, PoisonError};

use keywheel_core::{Entropy, entropy::EntropyError};
use rand::{Rng, SeedableRng, rngs::Xoshiro256PlusPlus};

/// Bytes that follow from a seed. For tests only: whoever knows the seed knows every value.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<Xoshiro256PlusPlus>);

impl SeededEntropy {
    /// The same seed gives the same bytes, in every process.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(Xoshiro256PlusPlus::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(buffer);
        Ok(())
    }
}
