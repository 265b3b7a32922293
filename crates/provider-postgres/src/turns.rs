//! Which roles a rotator manages, and whose turn it is.

use keywheel_core::{Error, ErrorKind, Identity, Result, rotator::Strategy};
use sha2::{Digest, Sha256};

/// As many bytes as a name has: <https://www.postgresql.org/docs/current/limits.html>. What is longer the server cuts,
/// so that two names would be one role.
const LONGEST: usize = 63;

const SUFFIX: &str = "_clone";

/// The roles of one rotator.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    /// Whom the entry is for; with `alternating` it owns what both make.
    pub(crate) role: Identity,
    /// Who takes turns with it.
    pub(crate) clone: Option<Identity>,
}

impl Turns {
    /// # Errors
    /// `InvalidConfig` when the entry names no role, or one that cannot be.
    pub(crate) fn of(
        identity: Option<&Identity>,
        strategy: Strategy,
        operation: &'static str,
    ) -> Result<Self> {
        let refused = |why: String| Err(Error::not_applied(ErrorKind::InvalidConfig, operation, why));
        let Some(role) = identity else {
            return refused(
                "the entry does not say which role its value is for: give it `identity: ROLE`".to_owned(),
            );
        };
        let name = role.as_str();
        if name.is_empty() || name.contains('\0') {
            return refused("no role is called that: the name is empty, or has a zero byte".to_owned());
        }
        if name.len() > LONGEST {
            return refused(format!(
                "the role's name has {} bytes, and PostgreSQL cuts names after {LONGEST}: write the name as the server \
                 has it (`\\du` in psql)",
                name.len()
            ));
        }
        let clone = (strategy == Strategy::Alternating).then(|| Identity::new(clone_of(name)));
        Ok(Self { role: role.clone(), clone })
    }

    /// # Errors
    /// `InvalidConfig` when `current` is none of them.
    pub(crate) fn next(&self, current: Option<&Identity>) -> Result<Identity> {
        let Some(current) = current else { return Ok(self.role.clone()) };
        match &self.clone {
            Some(clone) if current == clone => Ok(self.role.clone()),
            Some(clone) if *current == self.role => Ok(clone.clone()),
            None if *current == self.role => Ok(self.role.clone()),
            Some(_) | None => Err(self.unknown(current, "next identity")),
        }
    }

    /// Which of them a credential is for: the entry's role if the credential does not say.
    ///
    /// # Errors
    /// `InvalidConfig` when it is for somebody else.
    pub(crate) fn managed(&self, identity: Option<&Identity>, operation: &'static str) -> Result<&Identity> {
        let Some(identity) = identity else { return Ok(&self.role) };
        if *identity == self.role {
            return Ok(&self.role);
        }
        self.clone
            .as_ref()
            .filter(|clone| *clone == identity)
            .ok_or_else(|| self.unknown(identity, operation))
    }

    fn unknown(&self, identity: &Identity, operation: &'static str) -> Error {
        let role = &self.role;
        let managed = match &self.clone {
            Some(clone) => format!("`{role}` and `{clone}` take turns"),
            None => format!("only `{role}` is changed"),
        };
        let message = format!("the value is for another role than the entry's: {managed}");
        Error::not_applied(ErrorKind::InvalidConfig, operation, message).with("identity", identity)
    }
}

/// The clone's name: the role's with a suffix, cut where it would be too long, and then told apart by a hash of the whole.
fn clone_of(role: &str) -> String {
    if role.len() + SUFFIX.len() <= LONGEST {
        return format!("{role}{SUFFIX}");
    }
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(role.as_bytes()));
    let hash = format!("{:08x}", u32::from_be_bytes([a, b, c, d]));
    let room = LONGEST - SUFFIX.len() - hash.len() - 1;
    let kept = &role[..role.floor_char_boundary(room)];
    format!("{kept}_{hash}{SUFFIX}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn turns(role: &str) -> Turns {
        Turns::of(Some(&role.into()), Strategy::Alternating, "test").unwrap()
    }

    #[rstest]
    #[case("app", "app_clone")]
    #[case(&"a".repeat(57), &format!("{}_clone", "a".repeat(57)))]
    fn a_short_name_gets_a_suffix(#[case] role: &str, #[case] clone: &str) {
        assert_eq!(turns(role).clone.unwrap().as_str(), clone);
    }

    #[rstest]
    #[case(&"a".repeat(58))]
    #[case(&"a".repeat(63))]
    #[case(&"\u{e4}".repeat(31))]
    #[case(&"\u{1f600}".repeat(15))]
    fn a_long_name_is_cut_between_characters(#[case] role: &str) {
        let clone = turns(role).clone.unwrap();
        assert!(clone.as_str().len() <= LONGEST && clone.as_str().ends_with("_clone"), "{clone}");
        assert!(clone.as_str().len() > LONGEST - 4, "{clone}");
    }

    #[test]
    fn long_names_with_one_beginning_have_different_clones() {
        let (one, other) = (format!("{}1", "a".repeat(62)), format!("{}2", "a".repeat(62)));
        assert_ne!(turns(&one).clone, turns(&other).clone);
    }

    #[rstest]
    #[case("")]
    #[case("a\0b")]
    #[case(&"a".repeat(64))]
    #[case(&"\u{e4}".repeat(32))]
    fn what_cannot_be_a_role_is_refused(#[case] role: &str) {
        let error = Turns::of(Some(&role.into()), Strategy::InPlace, "test").unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidConfig);
    }

    #[test]
    fn two_roles_take_turns_and_a_stranger_is_told_who_they_are() {
        let turns = turns("app");
        let (app, clone) = (Identity::from("app"), Identity::from("app_clone"));
        assert_eq!(turns.next(None).unwrap(), app);
        assert_eq!(turns.next(Some(&app)).unwrap(), clone);
        assert_eq!(turns.next(Some(&clone)).unwrap(), app);
        let error = turns.next(Some(&"bob".into())).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidConfig);
        assert!(error.to_string().contains("`app` and `app_clone`"), "{error}");
    }
}
