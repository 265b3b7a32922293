//! Actions on the system that checks the credential.

use keywheel_core::{
    Effect, Error, ErrorKind, Result, SecretValue,
    document::Presented,
    rotation::{StepFacts, StoreIndex, VersionFact},
    rotator::{Probe, Rotator},
    secret::Stage,
};

use crate::act::{
    acting::Acting,
    leftover,
    store::{compose, fact, old, refuse_change, refuse_company, staged_by_us},
};

/// What the target is told of `value`, the version that `fact` describes.
pub(super) fn presented(acting: &Acting<'_>, fact: &VersionFact, value: &SecretValue) -> Result<Presented> {
    acting.layout().present(value, fact.identity.as_ref())
}

/// The target issues the value, and the primary store gets it at once.
pub(super) async fn mint(acting: &mut Acting<'_>) -> Result<StepFacts> {
    let place = acting.place(StoreIndex::PRIMARY)?;
    let rotator = acting.rotator()?;
    // First what there is, then what the store knows of it: a credential that is listed and was not stored by then is
    // nobody's, whoever else may be at work.
    let issued = rotator.list().await?;
    let versions = place.secret.versions().await?;
    let old = old(acting, &place, &versions).await?;
    refuse_company(acting, &place, &versions).await?;
    if let Some(pending) = staged_by_us(acting, &versions) {
        // It was issued before it was stored: asked now, the target lists it unless it was revoked.
        if rotator.list().await?.iter().any(|issued| Some(&issued.identity) == pending.identity.as_ref()) {
            return Ok(StepFacts { new: Some(fact(pending)), old, ..StepFacts::default() });
        }
        // It arrived late: by then an attempt that did not see it had revoked the credential as an orphan.
        place.secret.retire(&acting.context(), &pending.id).await?;
    }
    let dropped = leftover::drop_staged(acting, &place, &versions).await?;
    let revoked = leftover::revoke_orphans(acting, &*rotator, &issued, &versions, old.as_ref()).await?;
    let evidence = dropped.into_iter().chain(revoked).reduce(|all, next| format!("{all}; {next}"));
    let minted = rotator.mint(&acting.context()).await?;
    // The mint has happened, whatever becomes of staging it.
    let value = compose(acting, &place, minted.value, Some(&minted.identity), old.as_ref())
        .await
        .map_err(|error| Error { effect: Effect::MaybeApplied, ..error })?;
    let new = place
        .secret
        .stage(&acting.context(), &value, Some(&minted.identity))
        .await
        .map_err(|error| Error { effect: Effect::MaybeApplied, ..error })?;
    *acting.new_value = Some(value);
    Ok(StepFacts { new: Some(fact(&new)), old, evidence, ..StepFacts::default() })
}

/// The target accepts the new value.
pub(super) async fn apply(acting: &mut Acting<'_>) -> Result<StepFacts> {
    let rotator = acting.rotator()?;
    refuse_change(acting).await?;
    let new = acting.new_fact(StoreIndex::PRIMARY)?;
    let old = acting.old_fact(StoreIndex::PRIMARY);
    let old_value = acting.old_value().await?;
    let probe_first = acting.probe_first;
    let value = acting.new_value().await?.duplicate();
    let new = presented(acting, new, &value)?;
    if probe_first && rotator.probe(new.lend()).await? == Probe::Accepted {
        return Ok(StepFacts::evidence("an earlier attempt had succeeded: a login with the new value works"));
    }
    let current =
        old.zip(old_value.as_ref()).map(|(old, value)| presented(acting, old, value)).transpose()?;
    rotator.apply(&acting.context(), new.lend(), current.as_ref().map(Presented::lend)).await?;
    Ok(StepFacts::default())
}

/// A real login with the new value.
pub(super) async fn verify(acting: &mut Acting<'_>) -> Result<StepFacts> {
    let rotator = acting.rotator()?;
    let new = acting.new_fact(StoreIndex::PRIMARY)?;
    let value = acting.new_value().await?.duplicate();
    match rotator.probe(presented(acting, new, &value)?.lend()).await? {
        Probe::Accepted => Ok(StepFacts::evidence("a login with the new value works")),
        Probe::Rejected => Err(Error::not_applied(
            ErrorKind::Rejected,
            "verify",
            "the target said yes to the new value and refuses a login with it",
        )),
    }
}

/// The target refuses the old value.
pub(super) async fn revoke(acting: &mut Acting<'_>) -> Result<StepFacts> {
    let rotator = acting.rotator()?;
    let Some((old, old_value)) = acting.old_fact(StoreIndex::PRIMARY).zip(acting.old_value().await?) else {
        return Ok(StepFacts::evidence("there was no earlier value"));
    };
    let new = acting.new_fact(StoreIndex::PRIMARY)?;
    if new.fingerprint == old.fingerprint {
        return Ok(StepFacts::evidence("the old value is the new one: it must not be ended"));
    }
    let value = acting.new_value().await?.duplicate();
    let [old, new] = [presented(acting, old, &old_value)?, presented(acting, new, &value)?];
    // It was proven before the promotion, and the overlap may have been long: a target that lost it, or whose operator
    // changed it, would leave everybody outside.
    if rotator.probe(new.lend()).await? == Probe::Rejected {
        return Err(Error::not_applied(
            ErrorKind::Rejected,
            "revoke",
            "the target refuses a login with the new value by now: the old one is left alone",
        ));
    }
    rotator.revoke(&acting.context(), old.lend(), Some(new.lend())).await?;
    Ok(StepFacts::default())
}

/// A real login with the old value, which must fail.
pub(super) async fn confirm(acting: &mut Acting<'_>) -> Result<StepFacts> {
    let rotator = acting.rotator()?;
    let Some((old, old_value)) = acting.old_fact(StoreIndex::PRIMARY).zip(acting.old_value().await?) else {
        return Ok(StepFacts::evidence("there was no earlier value"));
    };
    if acting.new_fact(StoreIndex::PRIMARY)?.fingerprint == old.fingerprint {
        return Ok(StepFacts::evidence(
            "somebody else had made the same value current: it is not dead, and must not be",
        ));
    }
    let dead = || StepFacts::evidence("a login with the old value is refused");
    let old = presented(acting, old, &old_value)?;
    if rotator.probe(old.lend()).await? == Probe::Rejected {
        return Ok(dead());
    }
    // Revoking is safe to repeat, and whoever released a parked rotation expects it to be tried again.
    let new = acting.new_fact(StoreIndex::PRIMARY)?;
    let value = acting.new_value().await?.duplicate();
    let new = presented(acting, new, &value)?;
    rotator.revoke(&acting.context(), old.lend(), Some(new.lend())).await?;
    match rotator.probe(old.lend()).await? {
        Probe::Rejected => Ok(dead()),
        Probe::Accepted => Err(Error::not_applied(
            ErrorKind::Rejected,
            "confirm",
            "the old value was revoked and a login with it still works",
        )),
    }
}

/// What an in-place target accepts when somebody else made another value current since: that one. Done if there is
/// nothing of the kind.
async fn yield_to_current(acting: &mut Acting<'_>, rotator: &dyn Rotator) -> Result<Option<StepFacts>> {
    let place = acting.place(StoreIndex::PRIMARY)?;
    let versions = place.secret.versions().await?;
    let Some(current) = versions.at(Stage::Current) else { return Ok(None) };
    let facts = &acting.history.facts;
    let ours = [facts.new.get(&StoreIndex::PRIMARY), facts.old.get(&StoreIndex::PRIMARY)];
    let Some(new) = ours[0].filter(|_| ours.iter().flatten().all(|ours| ours.id != current.id)) else {
        return Ok(None);
    };
    let value = acting.new_value().await?.duplicate();
    let new = presented(acting, new, &value)?;
    if rotator.probe(new.lend()).await? == Probe::Rejected {
        return Ok(Some(StepFacts::evidence(
            "somebody else made another value current, and a login with the new value is refused",
        )));
    }
    let theirs = fact(current);
    let value = acting.value_of(&place, &theirs.id).await?;
    let theirs = presented(acting, &theirs, &value)?;
    rotator.apply(&acting.context(), theirs.lend(), Some(new.lend())).await?;
    Ok(Some(StepFacts::evidence("somebody else made another value current: the target accepts that one now")))
}

/// The target accepts the old value again, and the new one no more.
pub(super) async fn unapply(acting: &mut Acting<'_>) -> Result<StepFacts> {
    let rotator = acting.rotator()?;
    let keeps_old = acting.history.spec().target.as_ref().is_some_and(|target| target.strategy.keeps_old());
    if !keeps_old && let Some(done) = yield_to_current(acting, &*rotator).await? {
        return Ok(done);
    }
    let old_value = match acting.old_value().await {
        // It is not needed to end the new one: somebody else has replaced it meanwhile.
        Err(error) if keeps_old && error.kind == ErrorKind::NotFound => None,
        old_value => old_value?,
    };
    let old = acting
        .old_fact(StoreIndex::PRIMARY)
        .zip(old_value.as_ref())
        .map(|(old, value)| presented(acting, old, value))
        .transpose()?;
    if let (Some(old), false) = (&old, keeps_old) {
        if rotator.probe(old.lend()).await? == Probe::Accepted {
            return Ok(StepFacts::evidence("a login with the old value works"));
        }
        let new = acting.new_fact(StoreIndex::PRIMARY)?;
        let value = acting.new_value().await?.duplicate();
        let new = presented(acting, new, &value)?;
        rotator.apply(&acting.context(), old.lend(), Some(new.lend())).await?;
        return match rotator.probe(old.lend()).await? {
            Probe::Accepted => Ok(StepFacts::evidence("a login with the old value works again")),
            Probe::Rejected => Err(Error::maybe_applied(
                ErrorKind::Rejected,
                "unapply",
                "the target said yes to the old value and refuses a login with it",
            )),
        };
    }
    if acting.history.facts.new.contains_key(&StoreIndex::PRIMARY) {
        let new = acting.new_fact(StoreIndex::PRIMARY)?;
        let value = acting.new_value().await?.duplicate();
        let new = presented(acting, new, &value)?;
        rotator.revoke(&acting.context(), new.lend(), old.as_ref().map(Presented::lend)).await?;
        return Ok(StepFacts::default());
    }
    // A mint whose answer was lost: its value is nowhere, its listing is.
    for orphan in rotator.list().await? {
        if orphan.rotation == Some(acting.history.id) {
            rotator.revoke_orphan(&acting.context(), &orphan.identity).await?;
        }
    }
    Ok(StepFacts::default())
}
