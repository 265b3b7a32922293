//! What `doctor` asks of a rotator: the server, the login, the name, and every right that a rotation needs. Changes nothing.

use keywheel_core::{Result, provider::Finding};

use super::named::Named;
use crate::{examine::finding_of, rights::missing_on};

/// The operation, for errors.
pub(super) const EXAMINE: &str = "examine";

/// The findings about what `named` is about: `needed` says the rights for its name, `look` looks at it.
pub(super) async fn rotator(
    named: &Named,
    needed: impl Fn(&str) -> Vec<(String, &'static [&'static str])>,
    look: impl Future<Output = Result<Option<Finding>>>,
) -> Vec<Finding> {
    let examined = async {
        let (mut session, name) = named.begin(EXAMINE, None)?;
        let missing = missing_on(&mut session, &needed(name)).await?;
        // Without a right it would be said again, and less clearly.
        if missing.is_empty() { look.await.map(|finding| finding.into_iter().collect()) } else { Ok(missing) }
    };
    examined.await.unwrap_or_else(|error| vec![finding_of(&error)])
}
