//! What keywheel is made of: words, contracts and decisions, with no network and no runtime.
//!
//! A reader who follows one secret goes through these modules in this order:
//! [`inventory`] (what the operator wrote) → [`plan`] (what is due and why) → [`rotation`] (the state machine that
//! says which step comes next) → [`secret`], [`rotator`], [`notifier`] (the three traits that a step calls) →
//! [`journal`] (where every step is written down before and after it happens).

pub mod clock;
pub mod context;
pub mod document;
pub mod entropy;
pub mod error;
pub mod evidence;
pub mod fingerprint;
pub mod generate;
pub mod id;
pub mod inventory;
pub mod journal;
pub mod message;
#[doc(hidden)]
pub mod mutation;
pub mod notifier;
pub mod plan;
pub mod provider;
pub mod rotation;
pub mod rotator;
pub mod secret;
pub mod value;
pub mod yaml;

pub use clock::Clock;
pub use context::CallContext;
pub use entropy::{Entropy, OsEntropy};
pub use error::{Effect, Error, ErrorKind, Result};
pub use fingerprint::{Fingerprint, FingerprintMode, Fingerprinter};
pub use id::{
    ConsumerName, Fence, Generation, Identity, Initiator, RotationId, RotatorName, SecretName, StoreName,
    VersionId,
};
pub use value::SecretValue;
