//! The second user, in its turn.

use keywheel_core::{CallContext, ErrorKind, Result, SecretValue};
use serde_json::json;

use crate::{
    api::{Session, User},
    rights,
    rotator::{APPLY, RabbitmqRotator, existing, set_password},
};

/// The tag of users that keywheel made. `RabbitMQ` gives no meaning to tags that it does not know.
pub(crate) const MARK: &str = "keywheel-clone";

impl RabbitmqRotator {
    /// The clone gets what the original may do, and `value`.
    pub(crate) async fn take_turn(&self, context: &CallContext, value: &SecretValue) -> Result<()> {
        let pair = self.pair(APPLY)?;
        let (original, clone) = (pair.original.as_str(), pair.clone.as_str());
        let mut session = Session::new(&self.shared, APPLY, Some(context))?;
        let model = existing(&session, original).await?;
        let found = session.user(clone).await?;
        let live = found.as_ref().is_some_and(|found| found.accepts(value) == Some(true));
        if let Some(message) = found.as_ref().filter(|_| !live).and_then(obstacle) {
            return Err(session.error(ErrorKind::Conflict, message).with("user", clone));
        }
        // The password comes last: half a copy never serves anybody.
        copy_user(&mut session, &model, found.as_ref(), clone).await?;
        rights::copy(&mut session, original, clone).await?;
        if live {
            return Ok(());
        }
        let made = existing(&session, clone).await?;
        set_password(&mut session, APPLY, clone, &made, value).await
    }
}

/// Why a user of the clone's name cannot become the clone.
pub(crate) fn obstacle(found: &User) -> Option<&'static str> {
    if !found.tags.has(MARK) {
        return Some(
            "a user of the second user's name exists, and keywheel did not make it (it lacks the tag \
             `keywheel-clone`): choose another identity, or remove the user if nobody needs it",
        );
    }
    (!found.is_retired()).then_some(
        "the second user has a password, and it is not its turn: if nobody uses it, run `rabbitmqctl clear_password`",
    )
}

/// Tags and limits.
async fn copy_user(session: &mut Session<'_>, model: &User, found: Option<&User>, clone: &str) -> Result<()> {
    let tags = model.tags.and(MARK);
    let same = found.is_some_and(|found| found.tags.names() == tags.names() && found.limits == model.limits);
    if same {
        return Ok(());
    }
    let mut body = json!({
        "password_hash": found.map_or("", User::password_hash),
        "tags": tags,
        "limits": model.limits,
    });
    if let Some(found) = found {
        body["hashing_algorithm"] = json!(found.algorithm());
    }
    session.put(&["users", clone], &body).await?;
    // A limit that is left out stays.
    for limit in found.iter().flat_map(|found| found.limits.keys()) {
        if !model.limits.contains_key(limit) {
            session.delete(&["user-limits", clone, limit]).await?;
        }
    }
    Ok(())
}
