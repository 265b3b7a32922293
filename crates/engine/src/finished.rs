//! What this journal knows about rotations that have ended, for what they may have left behind: a request that got no
//! answer can arrive after everything else is over.

use keywheel_core::{Result, RotationId, SecretName, journal::Journal, rotation::History};

use crate::observe;

/// The rotation of `secret` that left a version or a credential with this mark, if it is in this journal and has ended.
pub(crate) async fn finished(
    journal: &dyn Journal,
    secret: &SecretName,
    mark: RotationId,
) -> Result<Option<History>> {
    for rotation in [mark, way_back(mark)] {
        let history = observe::fold(&journal.records(rotation).await?)?;
        let ours = history.filter(|history| history.outcome.is_some() && history.spec().secret == *secret);
        if ours.is_some() {
            return Ok(ours);
        }
    }
    Ok(None)
}

/// The name under which an undo stages the old value. A rotation stages one value in one store, and under its own name
/// that is the new one: stores refuse other bytes. Derived, so that a repetition finds what an earlier attempt staged,
/// and from it the rotation again.
pub(crate) fn way_back(rotation: RotationId) -> RotationId {
    let mut bytes = *rotation.as_bytes();
    bytes[15] ^= 0xff;
    RotationId::from_bytes(bytes)
}
