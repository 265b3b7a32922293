//! What is left to do when another installation has rotated the secret since: nothing.

use keywheel_core::{
    Error, ErrorKind, Result,
    rotation::{Action, StepFacts, StoreIndex},
    secret::{Stage, Versions},
};

use crate::{act::acting::Acting, finished::way_back};

/// `done`, unless it failed because both values of this rotation are gone and the one that is current instead was made by
/// another rotation. Whoever made it has taken the place of everything that this rotation could still put back or end,
/// and without this it would ask for a person for ever, who would have nothing to say.
pub(super) async fn or_superseded(
    acting: &Acting<'_>,
    action: Action,
    done: Result<StepFacts>,
) -> Result<StepFacts> {
    match done {
        Err(error)
            if tidies_up(action) && matches!(error.kind, ErrorKind::NotFound | ErrorKind::Conflict) =>
        {
            match by_whom(acting).await? {
                Some(words) => Ok(StepFacts::evidence(words)),
                None => Err(error),
            }
        }
        Ok(_) | Err(Error { .. }) => done,
    }
}

/// Whether the action ends the old value, or takes the new one back.
fn tidies_up(action: Action) -> bool {
    match action {
        Action::Revoke
        | Action::Confirm
        | Action::Retire(_)
        | Action::Unpromote(_)
        | Action::Unapply
        | Action::Discard(_) => true,
        Action::Look
        | Action::Mint
        | Action::Stage(_)
        | Action::Apply
        | Action::Verify
        | Action::PublishNext(_)
        | Action::Promote(_)
        | Action::Notify(..)
        | Action::Adopt(..)
        | Action::Overlap => false,
    }
}

/// The rotation that made what is current in the primary store, if both of ours are gone from there. A store that keeps no
/// mark beside its current value cannot say so, and a person decides.
async fn by_whom(acting: &Acting<'_>) -> Result<Option<String>> {
    let place = acting.place(StoreIndex::PRIMARY)?;
    let versions = place.secret.versions().await?;
    if holds_one_of_ours(acting, &versions) {
        return Ok(None);
    }
    let mark = versions.at(Stage::Current).and_then(|current| current.mark.as_ref());
    let ours = [acting.history.id, way_back(acting.history.id)];
    Ok(mark.filter(|mark| !ours.contains(&mark.rotation)).map(|mark| {
        format!("both values are gone: rotation {} by {} took their place", mark.rotation, mark.initiator)
    }))
}

fn holds_one_of_ours(acting: &Acting<'_>, versions: &Versions) -> bool {
    let facts = &acting.history.facts;
    let ours = [facts.new.get(&StoreIndex::PRIMARY), facts.old.get(&StoreIndex::PRIMARY)];
    ours.into_iter().flatten().any(|fact| versions.by_id(&fact.id).is_some())
}
