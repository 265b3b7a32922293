//! Why no value was made.

use super::{KeyAlgorithm, RecipeMistake};
use crate::{
    entropy::EntropyError,
    error::{Error, ErrorKind},
};

/// No value was made. Nothing has been stored or changed anywhere.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The recipe asks for something that the policy refuses. The inventory reports the same mistakes earlier.
    #[error("the recipe has a mistake: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<RecipeMistake>),
    /// The source of randomness failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The source of randomness answers, but with bytes that no sound source would give.
    #[error("the random bytes look broken: no value came of far more draws than could ever be needed")]
    Stuck,
    /// The cryptographic library refused to make or encode the key pair; it gives no reason.
    #[error("the cryptographic library failed to make an {0} key pair")]
    KeyPair(KeyAlgorithm),
    /// This build cannot make key pairs.
    #[error("this build cannot make an {0} key pair: it lacks the feature `key-pairs`")]
    WithoutKeyPairs(KeyAlgorithm),
}

impl From<GenerateError> for Error {
    fn from(error: GenerateError) -> Self {
        let kind = match &error {
            GenerateError::Invalid(_) => ErrorKind::InvalidConfig,
            GenerateError::Entropy(_) => ErrorKind::Unavailable,
            GenerateError::Stuck | GenerateError::KeyPair(_) => ErrorKind::Internal,
            GenerateError::WithoutKeyPairs(_) => ErrorKind::Unsupported,
        };
        Self::not_applied(kind, "generate", error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::error::Effect;

    #[rstest]
    #[case(GenerateError::Invalid(Vec::new()), ErrorKind::InvalidConfig, false)]
    #[case(GenerateError::Entropy(EntropyError("gone".to_owned())), ErrorKind::Unavailable, true)]
    #[case(GenerateError::Stuck, ErrorKind::Internal, false)]
    #[case(GenerateError::KeyPair(KeyAlgorithm::Rsa2048), ErrorKind::Internal, false)]
    #[case(GenerateError::WithoutKeyPairs(KeyAlgorithm::Rsa2048), ErrorKind::Unsupported, false)]
    fn a_failure_changed_nothing_and_only_a_silent_source_is_worth_a_retry(
        #[case] error: GenerateError,
        #[case] kind: ErrorKind,
        #[case] transient: bool,
    ) {
        let error = Error::from(error);
        assert_eq!((error.kind, error.effect), (kind, Effect::NotApplied));
        assert_eq!(error.kind.is_transient(), transient);
    }
}
