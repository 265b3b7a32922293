//! What earlier rotations of this journal left behind after they had ended: requests that arrived late. Nobody knows about
//! it any more but the system in which it lies, where it stands in the way of every rotation to come.

use std::collections::BTreeSet;

use keywheel_core::{
    Identity, Result,
    rotation::{Outcome, StoreIndex, VersionFact},
    rotator::{IssuedCredential, Rotator},
    secret::{Stage, Versions},
};

use crate::{
    act::acting::{Acting, Place},
    finished::finished,
};

/// Drops what ended rotations staged in `place`; says so, in words. A mark that this journal does not know is another
/// installation's business, and stays.
pub(super) async fn drop_staged(
    acting: &Acting<'_>,
    place: &Place<'_>,
    versions: &Versions,
) -> Result<Option<String>> {
    let secret = &acting.history.spec().secret;
    let mut dropped = Vec::new();
    for (version, mark) in versions.all_staged() {
        let ours = mark.rotation == acting.history.id;
        if ours || finished(&*acting.engine.journal, secret, mark.rotation).await?.is_none() {
            continue;
        }
        place.secret.retire(&acting.context(), &version.id).await?;
        let words = format!("dropped the {} version that rotation {} left", version.stage, mark.rotation);
        tracing::warn!(store = %place.at.store, version = %version.id, "{words}: it arrived after its rotation had ended");
        dropped.push(words);
    }
    Ok((!dropped.is_empty()).then(|| dropped.join("; ")))
}

/// Revokes what was issued and never became anybody's: to an earlier attempt of this rotation, whose value never became
/// durable, and to rotations of this journal that have ended. `issued` was listed before `versions` were looked at; `old` is
/// what is current.
pub(super) async fn revoke_orphans(
    acting: &Acting<'_>,
    rotator: &dyn Rotator,
    issued: &[IssuedCredential],
    versions: &Versions,
    old: Option<&VersionFact>,
) -> Result<Option<String>> {
    let in_use = in_use(versions, old);
    let mut revoked = Vec::new();
    for issued in issued {
        // Where the store has it, another process took this one for gone, and got further.
        let stored = versions.0.iter().any(|version| version.identity.as_ref() == Some(&issued.identity));
        let earlier_attempt = issued.rotation == Some(acting.history.id) && !stored;
        if !earlier_attempt && !left_behind(acting, issued, in_use.as_ref()).await? {
            continue;
        }
        rotator.revoke_orphan(&acting.context(), &issued.identity).await?;
        if !earlier_attempt {
            let words = format!("revoked {}, which a rotation that has ended left", issued.identity);
            tracing::warn!(rotation = ?issued.rotation, "{words}");
            revoked.push(words);
        }
    }
    Ok((!revoked.is_empty()).then(|| revoked.join("; ")))
}

/// Whom the current and the previous version are for; `None` if that is not known of one of them.
fn in_use(versions: &Versions, old: Option<&VersionFact>) -> Option<BTreeSet<Identity>> {
    let previous = versions.at(Stage::Previous).map(|version| version.identity.clone());
    let current = old.map(|old| old.identity.clone());
    current.into_iter().chain(previous).collect()
}

/// Whether an ended rotation of this journal was issued this credential, and nobody can be using it.
async fn left_behind(
    acting: &Acting<'_>,
    issued: &IssuedCredential,
    in_use: Option<&BTreeSet<Identity>>,
) -> Result<bool> {
    // Without knowing whose the current value is, any of them may be.
    let (Some(rotation), Some(in_use)) = (issued.rotation, in_use) else { return Ok(false) };
    if in_use.contains(&issued.identity) {
        return Ok(false);
    }
    let secret = &acting.history.spec().secret;
    let Some(history) = finished(&*acting.engine.journal, secret, rotation).await? else { return Ok(false) };
    // What a rotation brought into use was taken out of use by somebody without keywheel, who may still need it.
    let brought = history.facts.new.get(&StoreIndex::PRIMARY).and_then(|new| new.identity.as_ref());
    Ok(history.outcome != Some(Outcome::Succeeded) || brought != Some(&issued.identity))
}
