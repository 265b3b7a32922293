//! Actions on a target that makes the next credential of the one that it has. Whatever it made stays made; what it has now
//! can be asked for as often as anybody likes.

use keywheel_core::{
    Effect, Error, ErrorKind, Result,
    rotation::{StepFacts, StoreIndex, VersionFact},
    rotator::{Probe, Reissued},
    secret::Stage,
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

/// The version that somebody else made current since the new value was staged in the store at `index`, if it is the same value
/// or the target refuses it: where a target has one credential at a time, ours took the place of theirs, and to leave theirs there would shut
/// everybody out. Where it is accepted, or nobody changed anything, nothing is displaced but what was there.
pub(super) async fn displaced(acting: &mut Acting<'_>, index: StoreIndex) -> Result<Option<VersionFact>> {
    if !acting.history.target_moved_on() {
        return Ok(None);
    }
    let place = acting.place(index)?;
    let versions = place.secret.versions().await?;
    let known = [Some(acting.new_fact(index)?), acting.old_fact(index)];
    let theirs = versions
        .at(Stage::Current)
        .filter(|current| known.iter().flatten().all(|known| known.id != current.id));
    let Some(theirs) = theirs.map(fact) else { return Ok(None) };
    if known[0].is_some_and(|new| new.fingerprint == theirs.fingerprint) {
        // They took what the target has, too.
        return Ok(Some(theirs));
    }
    let value = acting.value_of(&place, &theirs.id).await?;
    let probe = acting.rotator()?.probe(presented(acting, &theirs, &value)?.lend()).await?;
    Ok((probe == Probe::Rejected).then_some(theirs))
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
