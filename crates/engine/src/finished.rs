//! What this journal knows about rotations that have ended, for what they may have left behind: a request that got no
//! answer can arrive after everything else is over.

use keywheel_core::{
    Fingerprint, Identity, Result, RotationId, SecretName,
    journal::Journal,
    rotation::{History, StoreIndex},
};

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

/// Whom the last finished rotation of `secret` knew the value with `fingerprint` to be for. Stores such as a file keep
/// nothing beside a current value, and with users that take turns the inventory names only the first.
pub(crate) async fn last_identity(
    journal: &dyn Journal,
    secret: &SecretName,
    fingerprint: Fingerprint,
) -> Result<Option<Identity>> {
    let Some(last) = journal.last_rotation(secret).await? else { return Ok(None) };
    let Some(last) = observe::fold(&journal.records(last.rotation).await?)? else { return Ok(None) };
    let known = [&last.facts.new, &last.facts.old].map(|facts| facts.get(&StoreIndex::PRIMARY));
    let of_this_value = known.into_iter().flatten().find(|version| version.fingerprint == fingerprint);
    Ok(of_this_value.and_then(|version| version.identity.clone()))
}
