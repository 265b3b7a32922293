//! Actions on a target that makes the next credential of the one that it has. Whatever it made stays made; what it has now
//! can be asked for as often as anybody likes.

use keywheel_core::{
    Effect, Error, ErrorKind, Result,
    rotation::{StepFacts, StoreIndex, VersionFact},
    rotator::{Probe, Reissued},
    secret::{Stage, VersionInfo},
};

use crate::act::{
    acting::Acting,
    leftover,
    store::{compose, fact, old, refuse_company, staged_by_us},
    target::presented,
};

/// Writes down which credential the target has, before it is asked for another.
pub(super) async fn look(acting: &Acting<'_>) -> Result<StepFacts> {
    let generation = acting.rotator()?.generation().await?;
    Ok(StepFacts { generation, ..StepFacts::default() })
}

/// The target makes the next credential, unless it has done so since it was looked at, and the primary store gets it.
pub(super) async fn reissue(acting: &mut Acting<'_>) -> Result<StepFacts> {
    let place = acting.place(StoreIndex::PRIMARY)?;
    let versions = place.secret.versions().await?;
    let old = old(acting, &place, &versions).await?;
    refuse_company(acting, &place, &versions).await?;
    if let Some(pending) = staged_by_us(acting, &versions) {
        // Whether the target still has this one is for `verify` to find out.
        return Ok(StepFacts { new: Some(fact(pending)), old, ..StepFacts::default() });
    }
    let evidence = leftover::drop_staged(acting, &place, &versions).await?;
    let seen = acting.history.facts.generation.as_ref();
    let mut made = acting.rotator()?.reissue(&acting.context(), seen).await?;
    if is_old(acting, &made, old.as_ref()).await? {
        // Another installation had it make this one since we looked, and has brought it into use.
        let present = acting.rotator()?.generation().await?;
        made = acting.rotator()?.reissue(&acting.context(), present.as_ref()).await?;
    }
    let new = stage(acting, made).await.map_err(has_happened)?;
    Ok(StepFacts { old, evidence, ..new })
}

/// Whether what the target has is what is current already.
async fn is_old(acting: &Acting<'_>, made: &Reissued, old: Option<&VersionFact>) -> Result<bool> {
    let Some(old) = old else { return Ok(false) };
    let place = acting.place(StoreIndex::PRIMARY)?;
    let value = compose(acting, &place, made.value.duplicate(), made.identity.as_ref(), Some(old)).await?;
    Ok(acting.fingerprinter()?.of(&value) == old.fingerprint)
}

/// A login with what the target made. Somebody may have had it make another one since, and then that one is staged in the
/// place of the first.
pub(super) async fn verify(acting: &mut Acting<'_>) -> Result<StepFacts> {
    let rotator = acting.rotator()?;
    let new = acting.new_fact(StoreIndex::PRIMARY)?;
    let again = acting.probe_first;
    let staged = match acting.new_value().await {
        Ok(value) => Some(value.duplicate()),
        // An earlier attempt of this very step died after it had taken the first one away.
        Err(error) if again && error.kind == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if let Some(value) = &staged
        && rotator.probe(presented(acting, new, value)?.lend()).await? == Probe::Accepted
    {
        return Ok(StepFacts::evidence("a login with the new value works"));
    }
    let seen = acting.history.facts.generation.as_ref();
    let mut made = rotator.reissue(&acting.context(), seen).await.map_err(has_happened)?;
    if staged.is_some_and(|staged| staged.same_as(&made.value)) {
        // The target hands out what does not work: only another one helps.
        let present = rotator.generation().await.map_err(has_happened)?;
        made = rotator.reissue(&acting.context(), present.as_ref()).await.map_err(has_happened)?;
    }
    let place = acting.place(StoreIndex::PRIMARY)?;
    place.secret.retire(&acting.context(), &new.id).await.map_err(has_happened)?;
    let facts = stage(acting, made).await.map_err(has_happened)?;
    let value = acting.new_value.as_ref().map(keywheel_core::SecretValue::duplicate);
    let works = match (&facts.new, value) {
        (Some(new), Some(value)) => rotator.probe(presented(acting, new, &value)?.lend()).await,
        (Some(_) | None, Some(_) | None) => Ok(Probe::Rejected),
    };
    match works.map_err(has_happened)? {
        Probe::Accepted => {
            let evidence =
                "the target had made another value by then: it is staged instead, and a login with it works";
            Ok(StepFacts { evidence: Some(evidence.to_owned()), ..facts })
        }
        Probe::Rejected => Err(Error::maybe_applied(
            ErrorKind::Rejected,
            "verify",
            "a login with the value that the target made is refused, and with another one that it was asked for too",
        )),
    }
}

/// What stands in a store that the new value is to become current in.
pub(super) enum Found {
    /// What stood there when this rotation began, or its own value; or what no promotion may touch.
    Usual,
    /// Somebody else's version, which gives way to ours, or has.
    GivesWay(VersionFact),
    /// Somebody else's version, which works, and ours is there no more.
    Outpaced,
}

/// What a promotion in the store at `index` has before it. Where a target has one credential at a time, and another installation
/// made a version current since the new value was staged, one of the two is refused by the target: to leave that one there would
/// shut everybody out.
pub(super) async fn found(acting: &mut Acting<'_>, index: StoreIndex) -> Result<Found> {
    if !acting.history.target_moved_on() {
        return Ok(Found::Usual);
    }
    let place = acting.place(index)?;
    let versions = place.secret.versions().await?;
    let new = acting.new_fact(index)?;
    let old = acting.old_fact(index);
    let theirs = |version: &&VersionInfo| version.id != new.id && old.is_none_or(|old| old.id != version.id);
    let Some(current) = versions.at(Stage::Current) else { return Ok(Found::Usual) };
    if current.id == new.id {
        // An earlier attempt got this far, and could not say what it had found.
        let displaced = versions.at(Stage::Previous).filter(theirs).map(fact);
        return Ok(displaced.map_or(Found::Usual, Found::GivesWay));
    }
    if !theirs(&current) {
        return Ok(Found::Usual);
    }
    let gone = versions.by_id(&new.id).is_none();
    let current = fact(current);
    if current.fingerprint == new.fingerprint {
        // They took what the target has, too.
        return Ok(if gone { Found::Outpaced } else { Found::GivesWay(current) });
    }
    let value = acting.value_of(&place, &current.id).await?;
    let works = acting.rotator()?.probe(presented(acting, &current, &value)?.lend()).await?;
    Ok(match (works, gone) {
        (Probe::Accepted, true) => Found::Outpaced,
        (Probe::Rejected, false) => Found::GivesWay(current),
        (Probe::Accepted, false) | (Probe::Rejected, true) => Found::Usual,
    })
}

/// Makes what the target made durable.
async fn stage(acting: &mut Acting<'_>, made: Reissued) -> Result<StepFacts> {
    let place = acting.place(StoreIndex::PRIMARY)?;
    let old = acting.old_fact(StoreIndex::PRIMARY);
    let Reissued { identity, value } = made;
    let value = compose(acting, &place, value, identity.as_ref(), old).await?;
    let new = place.secret.stage(&acting.context(), &value, identity.as_ref()).await?;
    *acting.new_value = Some(value);
    Ok(StepFacts { new: Some(fact(&new)), ..StepFacts::default() })
}

/// The target has made its credential, whatever becomes of the rest.
fn has_happened(error: Error) -> Error {
    Error { effect: Effect::MaybeApplied, ..error }
}
