//! From an action to the function that does it.

use keywheel_core::{
    ErrorKind, Result,
    mutation::{Mutation, mutated},
    rotation::{Action, StepFacts, StoreIndex},
};

use crate::act::{acting::Acting, consumer, reissue, store, superseded::or_superseded, target};

/// Does `action`. `None` if the run was asked to stop before a look gave an answer.
pub(crate) async fn perform(mut acting: Acting<'_>, action: Action) -> Result<Option<StepFacts>> {
    let acting = &mut acting;
    let done = match action {
        Action::Look => reissue::look(acting).await,
        Action::Mint if acting.history.spec().reissues() => reissue::reissue(acting).await,
        Action::Mint => target::mint(acting).await,
        Action::Stage(index) => store::stage(acting, index).await,
        Action::Apply => target::apply(acting).await,
        Action::Verify if acting.history.spec().reissues() => reissue::verify(acting).await,
        Action::Verify => target::verify(acting).await,
        Action::PublishNext(index) => store::publish(acting, index).await,
        Action::Promote(index) => store::promote(acting, index).await,
        Action::Notify(index, phase) => return consumer::notify(acting, action, index, phase).await,
        Action::Adopt(index, phase) => return consumer::adopt(acting, action, index, phase).await,
        // A gate: the state machine passes it without an intent.
        Action::Overlap => Ok(StepFacts::default()),
        Action::Revoke => target::revoke(acting).await,
        Action::Confirm => target::confirm(acting).await,
        Action::Retire(index) => store::retire(acting, index).await,
        Action::Unpromote(index) => store::unpromote(acting, index).await,
        Action::Unapply => target::unapply(acting).await,
        Action::Discard(index) => store::discard(acting, index).await,
    };
    if mutated(Mutation::PendingDroppedOnTimeout)
        && done.as_ref().is_err_and(|error| error.kind == ErrorKind::TimedOut)
    {
        store::discard(acting, StoreIndex::PRIMARY).await?;
    }
    or_superseded(acting, action, done).await.map(Some)
}
