//! The order of the actions, forward and back. DESIGN section 5 in code.

use crate::{
    mutation::{Mutation, mutated},
    notifier::Phase,
    rotation::{
        action::{Action, StoreIndex},
        spec::{Flow, RotationSpec, Source},
    },
};

/// The way forward: what a rotation of `spec` does from first to last.
pub fn forward(spec: &RotationSpec) -> Vec<Action> {
    let mut route = Vec::with_capacity(16);
    let secondaries = || spec.store_indexes().skip(1);
    match spec.source {
        Source::Minted => {
            if spec.reissues() {
                route.push(Action::Look);
            }
            route.push(Action::Mint);
        }
        Source::Generated(_) | Source::Provided => route.push(Action::Stage(StoreIndex::PRIMARY)),
    }
    if !spec.reissues() {
        route.extend(secondaries().map(Action::Stage));
    }
    let unverified = mutated(Mutation::PromoteBeforeVerify);
    if unverified {
        route.extend(spec.store_indexes().map(Action::Promote));
    }
    if let Some(target) = &spec.target {
        // An issued credential is accepted from the moment that the target issued it.
        if !target.strategy.issues() {
            route.push(Action::Apply);
        }
        route.push(Action::Verify);
    }
    if spec.reissues() {
        // Whoever asked the target meanwhile has made it issue another one, which `verify` finds and takes.
        route.extend(secondaries().map(Action::Stage));
    }
    if spec.flow == Flow::SigningKey {
        route.extend(spec.store_indexes().map(Action::PublishNext));
        if !mutated(Mutation::SigningBeforeAccept) {
            tell(&mut route, spec, Phase::NextPublished);
        }
    }
    if !unverified {
        route.extend(spec.store_indexes().map(Action::Promote));
    }
    tell(&mut route, spec, Phase::Promoted);
    if !spec.overlap.is_zero() {
        route.push(Action::Overlap);
    }
    if let Some(target) = &spec.target {
        // The old value must still be readable for the login that proves it dead, so the stores drop it last.
        if target.strategy.keeps_old() {
            route.push(Action::Revoke);
        }
        if target.confirms {
            route.push(Action::Confirm);
        }
    }
    route.extend(spec.store_indexes().rev().map(Action::Retire));
    route
}

/// The way back, given the actions of which an effect may exist.
///
/// The new value leaves the primary store last: until then it is there for whatever still has to name it.
pub fn undo(spec: &RotationSpec, may_exist: &[Action]) -> Vec<Action> {
    let touched = |wanted: &dyn Fn(&Action) -> bool| may_exist.iter().any(wanted);
    let promoted = touched(&|action| matches!(action, Action::Promote(_)));
    let published = touched(&|action| matches!(action, Action::PublishNext(_)));
    // What a target made of the credential that it had cannot be taken back: there only the stores have a way back.
    let applied = !spec.reissues() && touched(&|action| matches!(action, Action::Apply | Action::Mint));
    let target_keeps_old = spec.target.as_ref().map(|target| target.strategy.keeps_old());

    let mut route = Vec::with_capacity(8);
    if applied && target_keeps_old == Some(false) {
        // First what the target may refuse (a password history, say): a refusal then leaves stores and target agreed.
        route.push(Action::Unapply);
    }
    route.extend(
        spec.store_indexes()
            .rev()
            .filter(|index| may_exist.contains(&Action::Promote(*index)))
            .map(Action::Unpromote),
    );
    if promoted {
        // Consumers may hold the new value: it stays accepted until they are seen to have left it, and as long again as
        // the old one would have been.
        tell(&mut route, spec, Phase::RolledBack);
        let both_accepted = spec.flow == Flow::SigningKey || target_keeps_old == Some(true);
        if both_accepted && !spec.overlap.is_zero() {
            route.push(Action::Overlap);
        }
    }
    if applied && target_keeps_old == Some(true) {
        route.push(Action::Unapply);
    }
    route.extend(
        spec.store_indexes()
            .rev()
            .filter(|index| {
                may_exist.contains(&Action::Stage(*index))
                    || (*index == StoreIndex::PRIMARY && may_exist.contains(&Action::Mint))
            })
            .map(Action::Discard),
    );
    if published && !promoted {
        route.extend(spec.consumer_indexes().map(|index| Action::Notify(index, Phase::RolledBack)));
    }
    route
}

fn tell(route: &mut Vec<Action>, spec: &RotationSpec, phase: Phase) {
    route.extend(spec.consumer_indexes().map(|index| Action::Notify(index, phase)));
    route.extend(spec.consumer_indexes().map(|index| Action::Adopt(index, phase)));
}
