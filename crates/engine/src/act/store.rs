//! Actions on stores.

use keywheel_core::{
    CallContext, Error, ErrorKind, Fingerprint, Identity, Result, SecretValue, VersionId,
    document::Layout,
    mutation::{Mutation, mutated},
    rotation::{Flow, History, Source, StepFacts, StoreIndex, VersionFact},
    secret::{Stage, VersionInfo, Versions},
};

use crate::{
    act::{
        acting::{Acting, Place},
        leftover,
        reissue::{self, Found},
    },
    engine::Engine,
    finished::{finished, last_identity, way_back},
    provided,
};

/// Makes the new value durable as pending. In the primary store the value comes into being here, once for a rotation.
pub(super) async fn stage(acting: &mut Acting<'_>, index: StoreIndex) -> Result<StepFacts> {
    let place = acting.place(index)?;
    let versions = place.secret.versions().await?;
    let old = old(acting, &place, &versions).await?;
    // Also when our own value is there: it may have got there while the other one was on its way.
    refuse_company(acting, &place, &versions).await?;
    if let Some(pending) = staged_by_us(acting, &versions) {
        if mutated(Mutation::RegenerateOnRetry) && index == StoreIndex::PRIMARY {
            place.secret.retire(&acting.context(), &pending.id).await?;
            *acting.new_value = None;
            return Box::pin(stage(acting, index)).await;
        }
        refuse_anothers_turn(acting, index, pending, old.as_ref())?;
        // An earlier attempt got this far. Generating again would leave two values for one rotation.
        return Ok(StepFacts { new: Some(fact(pending)), old, ..StepFacts::default() });
    }
    let evidence = leftover::drop_staged(acting, &place, &versions).await?;
    if acting.history.spec().flow == Flow::SigningKey && !place.secret.capabilities().publishes_next {
        return Err(Error::not_applied(
            ErrorKind::Unsupported,
            "stage",
            "this store has no place for the next key: say `next:` where the entry names the store",
        )
        .with("store", &place.at.store));
    }
    let identity = new_identity(acting, index, old.as_ref())?;
    if index == StoreIndex::PRIMARY {
        // A request to stage whose answer was lost may still arrive: what this process made once is the rotation's value,
        // whether the store shows it yet or not.
        if acting.new_value.is_none() {
            let value = new_value(acting)?;
            *acting.new_value = Some(compose(acting, &place, value, identity.as_ref(), old.as_ref()).await?);
        }
        let fingerprint = acting.fingerprinter()?.of(acting.new_value().await?);
        let same_here = old.as_ref().is_some_and(|old| old.fingerprint == fingerprint);
        if same_here && others_hold(acting, fingerprint).await? {
            return Ok(StepFacts { old, evidence, unchanged: true, ..StepFacts::default() });
        }
    }
    let value = acting.new_value().await?.duplicate();
    let new = place.secret.stage(&acting.context(), &value, identity.as_ref()).await?;
    // What an earlier attempt had sent may have arrived just now.
    refuse_anothers_turn(acting, index, &new, old.as_ref())?;
    Ok(StepFacts { new: Some(fact(&new)), old, evidence, ..StepFacts::default() })
}

/// Whom a value is for follows from what was current when it was sent to the store. Where users take turns and somebody
/// else's turn came since, telling the target would end what is current now.
fn refuse_anothers_turn(
    acting: &Acting<'_>,
    index: StoreIndex,
    staged: &VersionInfo,
    old: Option<&VersionFact>,
) -> Result<()> {
    let theirs = index == StoreIndex::PRIMARY
        && staged.identity.is_some()
        && staged.identity != new_identity(acting, index, old)?;
    if !theirs {
        return Ok(());
    }
    let why = "the current version is for another user since the value was staged";
    let store = &acting.place(index)?.at.store;
    Err(Error::maybe_applied(ErrorKind::Conflict, "stage", why).with("store", store))
}

/// A rotation that another installation has in its overlap shows nothing staged: only what it displaced. Beginning beside
/// it would take the old value from under it, and the new one from its consumers.
pub(super) async fn refuse_company(
    acting: &Acting<'_>,
    place: &Place<'_>,
    versions: &Versions,
) -> Result<()> {
    for (_, mark) in versions.in_overlap() {
        let ours = mark.rotation == acting.history.id;
        let journal = &*acting.engine.journal;
        if ours || finished(journal, &acting.history.spec().secret, mark.rotation).await?.is_some() {
            continue;
        }
        let error = Error::not_applied(ErrorKind::Conflict, "stage", "another rotation is in its overlap");
        return Err(error
            .with("rotation", mark.rotation)
            .with("started", mark.started_at)
            .with("initiator", &mark.initiator)
            .with("store", &place.at.store));
    }
    Ok(())
}

/// Before the target hears of anything, and before the new value becomes current: what is current must still be what was
/// current when this rotation began, and nobody else's rotation in its overlap. Since then somebody may have been faster
/// (no later, as our pending value is there), or an editor. An in-place target would refuse theirs from then on.
pub(super) async fn refuse_change(acting: &Acting<'_>) -> Result<()> {
    let place = acting.place(StoreIndex::PRIMARY)?;
    let versions = place.secret.versions().await?;
    let found = versions.at(Stage::Current).map(|current| &current.id);
    let facts = &acting.history.facts;
    // An earlier attempt, or a process that took this one for gone, may have got further.
    let further = facts.new.get(&StoreIndex::PRIMARY).is_some_and(|new| Some(&new.id) == found);
    if further {
        return Ok(());
    }
    if found != facts.old.get(&StoreIndex::PRIMARY).map(|old| &old.id) {
        // Another installation is named, if it was one.
        refuse_company(acting, &place, &versions).await?;
        let why = "somebody else changed the current version since this rotation began";
        return Err(
            Error::not_applied(ErrorKind::Conflict, "find versions", why).with("store", &place.at.store)
        );
    }
    refuse_company(acting, &place, &versions).await
}

/// Whether every store but the primary one has `fingerprint` as its current value.
async fn others_hold(acting: &Acting<'_>, fingerprint: Fingerprint) -> Result<bool> {
    for index in acting.history.spec().store_indexes().skip(1) {
        let place = acting.place(index)?;
        let versions = place.secret.versions().await?;
        if versions.at(Stage::Current).is_none_or(|current| current.fingerprint != fingerprint) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The version that is current before anything is staged, and whom it is for: by the store, else by the last rotation
/// on record, else by the inventory. A login without its user would be tried as another one, and the wrong credential
/// would be taken for dead.
pub(super) async fn old(
    acting: &Acting<'_>,
    place: &Place<'_>,
    versions: &Versions,
) -> Result<Option<VersionFact>> {
    let Some(current) = versions.at(Stage::Current) else { return Ok(None) };
    let mut old = fact(current);
    if old.identity.is_none() && acting.history.spec().target.is_some() {
        old.identity = identity_in_document(acting, place, &old).await?;
        if old.identity.is_none() {
            let journal = &*acting.engine.journal;
            old.identity = last_identity(journal, &acting.history.spec().secret, old.fingerprint).await?;
        }
        if old.identity.is_none() {
            old.identity.clone_from(&acting.entry()?.identity);
        }
    }
    Ok(Some(old))
}

/// Whom a value that is a document says it is for.
async fn identity_in_document(
    acting: &Acting<'_>,
    place: &Place<'_>,
    version: &VersionFact,
) -> Result<Option<Identity>> {
    match acting.layout() {
        Layout::Plain => Ok(None),
        Layout::Document => {
            let value = acting.value_of(place, &version.id).await?;
            Ok(acting.layout().present(&value, None)?.identity)
        }
    }
}

/// What the stores will hold of `secret`, made from what is current where the layout keeps parts of it.
pub(super) async fn compose(
    acting: &Acting<'_>,
    place: &Place<'_>,
    secret: SecretValue,
    identity: Option<&Identity>,
    old: Option<&VersionFact>,
) -> Result<SecretValue> {
    let layout = acting.layout();
    let Some(target) = acting.history.spec().target.as_ref().filter(|_| layout == Layout::Document) else {
        return Ok(secret);
    };
    let declared = acting.engine.inventory.targets.get(&target.rotator);
    let connection = declared.and_then(|declared| declared.target.connection());
    let earlier = match old {
        Some(old) => Some(acting.value_of(place, &old.id).await?),
        None => None,
    };
    layout.compose(secret, identity, connection.as_ref(), earlier.as_ref())
}

/// Whom the new value is for. The primary store decides; what a store further down held before says nothing.
fn new_identity(
    acting: &Acting<'_>,
    index: StoreIndex,
    old: Option<&VersionFact>,
) -> Result<Option<Identity>> {
    if acting.history.spec().target.is_none() {
        return Ok(None);
    }
    if index != StoreIndex::PRIMARY {
        return Ok(acting.new_fact(StoreIndex::PRIMARY)?.identity.clone());
    }
    let current = old.and_then(|old| old.identity.as_ref()).or(acting.entry()?.identity.as_ref());
    acting.rotator()?.next_identity(current)
}

fn new_value(acting: &Acting<'_>) -> Result<SecretValue> {
    match &acting.history.spec().source {
        Source::Generated(recipe) => recipe
            .generate(acting.engine.entropy.as_ref())
            .map_err(|error| Error::not_applied(ErrorKind::InvalidConfig, "generate", error.to_string())),
        Source::Provided => provided::read(
            acting.entry()?,
            &acting.engine.inventory.base,
            acting.engine.provided.as_ref(),
            &acting.engine.stdin,
        )?
        .map_err(|hint| {
            Error::not_applied(
                ErrorKind::InvalidConfig,
                "read provided value",
                format!("none is ready: {hint}"),
            )
        }),
        Source::Minted => Err(Error::not_applied(
            ErrorKind::Internal,
            "stage",
            "a minted value is staged when it is minted",
        )),
    }
}

/// Shows the new key to consumers that verify.
pub(super) async fn publish(acting: &mut Acting<'_>, index: StoreIndex) -> Result<StepFacts> {
    let place = acting.place(index)?;
    let new = acting.new_fact(index)?;
    place.secret.publish(&acting.context(), &new.id).await?;
    Ok(StepFacts::default())
}

/// Makes the new value current, if nobody changed the current one since it was looked at.
pub(super) async fn promote(acting: &mut Acting<'_>, index: StoreIndex) -> Result<StepFacts> {
    let displaced = match reissue::found(acting, index).await? {
        Found::Usual => None,
        Found::GivesWay(theirs) => Some(theirs),
        Found::Outpaced => {
            let words = "the new value is gone: somebody else brought another version into use, and it works";
            return Ok(StepFacts::evidence(words));
        }
    };
    if index == StoreIndex::PRIMARY && displaced.is_none() {
        refuse_change(acting).await?;
    }
    let place = acting.place(index)?;
    let new = acting.new_fact(index)?;
    let expected = displaced.as_ref().or(acting.old_fact(index)).map(|version| &version.id);
    place.secret.promote(&acting.context(), &new.id, expected).await?;
    let evidence = displaced
        .is_some()
        .then(|| "it took the place of a version that somebody else had made current".to_owned());
    Ok(StepFacts { old: displaced, evidence, ..StepFacts::default() })
}

/// Removes the old value.
pub(super) async fn retire(acting: &mut Acting<'_>, index: StoreIndex) -> Result<StepFacts> {
    let place = acting.place(index)?;
    let Some(old) = acting.old_fact(index) else {
        return Ok(StepFacts::evidence("there was no earlier value"));
    };
    let new = acting.new_fact(index)?;
    if old.id == new.id {
        return Ok(StepFacts::evidence("the store held the new value already"));
    }
    let versions = place.secret.versions().await?;
    refuse_another_place(&place, &versions, new, Some(old))?;
    remove(acting, &place, &old.id).await?;
    Ok(StepFacts::default())
}

/// A store that knows neither version is not the one in which this rotation promoted: the inventory points elsewhere
/// now. Removing nothing there and calling it done would leave the old value alive where it was. Another value beside one
/// of the two is an editor's, and stays.
fn refuse_another_place(
    place: &Place<'_>,
    versions: &Versions,
    new: &VersionFact,
    old: Option<&VersionFact>,
) -> Result<()> {
    let known = |fact: &VersionFact| versions.by_id(&fact.id).is_some();
    if known(new) || old.is_some_and(known) {
        return Ok(());
    }
    Err(Error::not_applied(
        ErrorKind::Conflict,
        "find versions",
        "the store holds neither the new value nor the old one: does the inventory still name the place in which this \
         rotation began?",
    )
    .with("store", &place.at.store))
}

/// Makes the old value current again.
pub(super) async fn unpromote(acting: &mut Acting<'_>, index: StoreIndex) -> Result<StepFacts> {
    let place = acting.place(index)?;
    let new = acting.new_fact(index)?;
    let versions = place.secret.versions().await?;
    let current = versions.at(Stage::Current);
    if current.is_none_or(|current| current.id != new.id) {
        if acting.history.facts.promoted.contains(&index) {
            refuse_another_place(&place, &versions, new, acting.old_fact(index))?;
        }
        return Ok(StepFacts::evidence("the new value was not current here"));
    }
    if let Some(old) = acting.old_fact(index) {
        place.secret.promote(&acting.context(), &old.id, Some(&new.id)).await?;
        return Ok(StepFacts::default());
    }
    // This store had no value of its own: it gets the one that the primary store goes back to.
    let Some(old) = acting.old_value().await? else {
        return Err(Error::not_applied(
            ErrorKind::NotFound,
            "unpromote",
            "there was no value before this one, so there is nothing to go back to",
        ));
    };
    let identity = acting.old_fact(StoreIndex::PRIMARY).and_then(|old| old.identity.as_ref());
    let context = CallContext { rotation: way_back(acting.history.id), ..acting.context() };
    let staged = place.secret.stage(&context, &old, identity).await?;
    place.secret.promote(&acting.context(), &staged.id, Some(&new.id)).await?;
    Ok(StepFacts::default())
}

/// Removes the new value after an undo.
pub(super) async fn discard(acting: &mut Acting<'_>, index: StoreIndex) -> Result<StepFacts> {
    let place = acting.place(index)?;
    let versions = place.secret.versions().await?;
    let id = match acting.history.facts.new.get(&index) {
        Some(new) => Some(new.id.clone()),
        // The answer to `stage` was lost: its mark tells which version is ours.
        None => staged_by_us(acting, &versions).map(|pending| pending.id.clone()),
    };
    let Some(id) = id else { return Ok(StepFacts::evidence("nothing was staged here")) };
    if acting.old_fact(index).is_some_and(|old| old.id == id) && staged_by_us(acting, &versions).is_none() {
        return Ok(StepFacts::evidence("the store held this value before"));
    }
    remove(acting, &place, &id).await?;
    Ok(StepFacts::default())
}

async fn remove(acting: &Acting<'_>, place: &Place<'_>, id: &VersionId) -> Result<()> {
    place.secret.retire(&acting.context(), id).await
}

pub(super) fn staged_by_us<'v>(acting: &Acting<'_>, versions: &'v Versions) -> Option<&'v VersionInfo> {
    [Stage::Pending, Stage::Next]
        .into_iter()
        .filter_map(|stage| versions.at(stage))
        .find(|version| version.mark.as_ref().is_some_and(|mark| mark.rotation == acting.history.id))
}

pub(super) fn fact(version: &VersionInfo) -> VersionFact {
    VersionFact {
        id: version.id.clone(),
        fingerprint: version.fingerprint,
        identity: version.identity.clone(),
    }
}

/// What is current in the primary store now, if it can be read.
pub(crate) async fn current_fingerprint(engine: &Engine, history: &History) -> Option<Fingerprint> {
    let entry = engine.inventory.secret(&history.spec().secret)?;
    let place = history.spec().store(StoreIndex::PRIMARY)?;
    let secret = engine.looking().secret(place, engine.keys.fingerprinter(entry.fingerprint)).ok()?;
    let versions = secret.versions().await.ok()?;
    versions.at(Stage::Current).map(|current| current.fingerprint)
}
