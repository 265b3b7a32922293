//! What every mutating call to a store, a target or a consumer carries with it.

use std::time::Duration;

use jiff::Timestamp;

use crate::id::{Fence, Initiator, RotationId};

/// The circumstances of one call.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// The rotation that calls; every system gets it as the idempotency key.
    pub rotation: RotationId,
    /// When the rotation began, for the mark that a pending version carries.
    pub started_at: Timestamp,
    /// Who began it, for the same mark.
    pub initiator: Initiator,
    /// When the caller stops waiting, in the running time of the caller's [`Clock`](crate::Clock): a clock that is set does
    /// not move it. A provider that can pass a time-out on does; the engine gives up at this time in
    /// any case and treats the outcome as unknown.
    pub deadline: Duration,
    /// The lease under which the call is made; stores that can compare fences do.
    pub fence: Fence,
}
