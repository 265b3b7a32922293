//! Where randomness comes from: the operating system in production, a seed in the simulator.

use rand::TryRng;

use crate::id::RotationId;

/// The operating system refused to give random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system's random number generator failed: {0}")]
pub struct EntropyError(pub String);

/// A source of unpredictable bytes.
///
/// # Contract
/// - `fill` either fills the whole buffer with fresh bytes or fails; it never leaves old bytes and says Ok.
/// - Outside tests the only implementation is [`OsEntropy`].
pub trait Entropy: Send + Sync {
    /// Fills `buffer`.
    ///
    /// # Errors
    /// [`EntropyError`] when the source cannot deliver.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError>;

    /// A fresh random (version 4) rotation id.
    ///
    /// # Errors
    /// As [`Entropy::fill`].
    fn rotation_id(&self) -> Result<RotationId, EntropyError> {
        let mut bytes = [0; 16];
        self.fill(&mut bytes)?;
        Ok(RotationId::from_random(bytes))
    }
}

/// The operating system's CSPRNG (`getrandom(2)` on Linux).
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        rand::rngs::SysRng.try_fill_bytes(buffer).map_err(|error| EntropyError(error.to_string()))
    }
}
