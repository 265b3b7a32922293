//! The places that consumers read: where `current`, `next` and `previous` of one secret stand.

use jiff::Timestamp;
use keywheel_core::{Result, SecretValue};

/// A value in a place.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) value: SecretValue,
    /// When it came there; `None` where the place shares its file, whose times say nothing about one part of it.
    pub(crate) written_at: Option<Timestamp>,
}

/// What stands in the places at one moment, and what a change must find unchanged.
#[derive(Debug)]
pub(crate) struct Seen<B> {
    pub(crate) current: Option<Found>,
    pub(crate) next: Option<Found>,
    pub(crate) previous: Option<Found>,
    pub(crate) basis: B,
}

/// What happens to `next` or `previous`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Change<'v> {
    #[default]
    Keep,
    Put(&'v SecretValue),
    Clear,
}

/// One move of versions between the places.
#[derive(Debug, Default)]
pub(crate) struct Changes<'v> {
    pub(crate) current: Option<&'v SecretValue>,
    pub(crate) next: Change<'v>,
    pub(crate) previous: Change<'v>,
}

/// How a change ended.
#[derive(Debug)]
pub(crate) enum Applied {
    /// All of it is durable.
    Done,
    /// What was seen had changed before `current` was replaced, which stands as the other one left it.
    Raced {
        /// `next` or `previous` were written already.
        touched: bool,
    },
}

/// A lock, whatever it is made of.
pub(crate) trait Held {}

impl<T> Held for T {}

/// The consumers' places of one secret.
///
/// # Contract
/// - `apply` puts `next` and `previous`, then replaces `current` if nobody changed it since `look`, then clears `next`
///   and `previous`. Each step is durable before the next one begins, or all are one atomic step. So a version that
///   leaves `current` is durable elsewhere first, and one that enters it is removed elsewhere last.
/// - An error of `apply` is `NotApplied` only if none of its steps was taken.
pub(crate) trait Shelf: Send + Sync + 'static {
    /// What `apply` compares.
    type Basis;

    /// The largest value in bytes.
    fn max_bytes(&self) -> usize;

    /// Whether any bytes can stand here, or only text.
    fn binary(&self) -> bool;

    /// Whether there is a place for `next`.
    fn has_next(&self) -> bool;

    /// Whether there is a place for `previous`.
    fn has_previous(&self) -> bool;

    /// Refuses a value that could not be moved through the places later.
    fn admit(&self, value: &SecretValue) -> Result<()>;

    /// Keeps other writers of the same file out until it is dropped, where several secrets share one.
    fn exclusive(&self) -> Result<Box<dyn Held + '_>>;

    /// Every place, read once.
    fn look(&self) -> Result<Seen<Self::Basis>>;

    /// The place of `current` alone.
    fn current(&self) -> Result<Option<SecretValue>>;

    /// Moves versions.
    fn apply(&self, basis: &Self::Basis, changes: &Changes<'_>) -> Result<Applied>;

    /// Makes durable what stands in the places.
    fn sync(&self) -> Result<()>;

    /// Removes temporary files that a crash left; called before the first change.
    fn sweep(&self);
}
