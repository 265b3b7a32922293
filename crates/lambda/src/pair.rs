//! Whom the next credential is for, and what two documents must have in common before anybody is told a password.
//!
//! Whoever may write a secret must not be able to have the function log in elsewhere, or change somebody else's password: it
//! has rights that they have not.

use keywheel_core::{Error, ErrorKind, Identity, Result};

use crate::{
    document::{Login, Which},
    engine::Engine,
    settings::Users,
};

const CHECK: &str = "compare documents";

/// What the second user of a pair has behind its name, by the published functions' convention.
const CLONE: &str = "_clone";

/// The user that owns what both make: the name without the suffix.
pub(crate) fn original(user: &Identity) -> Identity {
    Identity::new(user.as_str().strip_suffix(CLONE).unwrap_or(user.as_str()))
}

/// Whom the credential after one for `user` is for.
///
/// # Errors
/// `InvalidConfig` when a clone's name would be longer than the server takes.
pub(crate) fn next(users: Users, engine: Engine, user: &Identity) -> Result<Identity> {
    match users {
        Users::Single => Ok(user.clone()),
        Users::Alternating if user.as_str().ends_with(CLONE) => Ok(original(user)),
        Users::Alternating => {
            let clone = format!("{user}{CLONE}");
            let (length, longest) = (engine.length(&clone), engine.longest_name());
            if length <= longest {
                return Ok(Identity::new(clone));
            }
            let message = format!(
                "`{clone}` would be longer than the {longest} that the server takes: give the secret a user with a shorter name, \
                 or rotate it with a function for single users"
            );
            Err(Error::not_applied(ErrorKind::InvalidConfig, CHECK, message).with("length", length))
        }
    }
}

/// # Errors
/// `InvalidConfig` when `other` is for another server than `current`.
pub(crate) fn same_place(current: &Login, other: &Login, which: Which) -> Result<()> {
    let same = current.engine == other.engine
        && current.host.eq_ignore_ascii_case(&other.host)
        && current.port == other.port;
    if same {
        return Ok(());
    }
    let mend = match which {
        Which::Master => {
            "`masterarn` must name a secret with an administrator of the same server, with the same `engine`, `host` and \
             `port` (a master secret that RDS manages names none, and cannot be used)"
        }
        Which::Current | Which::Pending | Which::Previous => {
            "drop it with `aws secretsmanager update-secret-version-stage --version-stage AWSPENDING \
             --remove-from-version-id …` and begin again"
        }
    };
    let message = format!("the {which} is for another server than the one with AWSCURRENT: {mend}");
    Err(Error::not_applied(ErrorKind::InvalidConfig, CHECK, message)
        .with("current", current.place())
        .with("other", other.place()))
}

/// # Errors
/// `InvalidConfig` when `pending` is not what a rotation of `current` leads to.
pub(crate) fn check(users: Users, current: &Login, pending: &Login) -> Result<()> {
    same_place(current, pending, Which::Pending)?;
    let expected = next(users, current.engine, &current.user)?;
    if pending.user == expected {
        return Ok(());
    }
    let message = "the document with AWSPENDING is for another user than the next one: drop it with `aws secretsmanager \
         update-secret-version-stage --version-stage AWSPENDING --remove-from-version-id …` and begin again";
    Err(Error::not_applied(ErrorKind::InvalidConfig, CHECK, message)
        .with("expected", expected)
        .with("found", &pending.user))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Users::Single, "app", "app")]
    #[case(Users::Single, "app_clone", "app_clone")]
    #[case(Users::Alternating, "app", "app_clone")]
    #[case(Users::Alternating, "app_clone", "app")]
    fn two_users_take_turns_and_one_stays(#[case] users: Users, #[case] user: &str, #[case] expected: &str) {
        assert_eq!(next(users, Engine::Postgres, &user.into()).unwrap().as_str(), expected);
    }

    #[rstest]
    #[case(Engine::Postgres, 57)]
    #[case(Engine::MySql, 26)]
    #[case(Engine::MariaDb, 74)]
    fn a_clone_that_the_server_would_cut_is_refused(#[case] engine: Engine, #[case] longest: usize) {
        let fits = Identity::new("x".repeat(longest));
        assert!(next(Users::Alternating, engine, &fits).is_ok());
        let long = Identity::new("x".repeat(longest + 1));
        let error = next(Users::Alternating, engine, &long).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidConfig);
        // In bytes for PostgreSQL, in characters for the others.
        let umlauts = Identity::new("ü".repeat(longest));
        assert_eq!(next(Users::Alternating, engine, &umlauts).is_ok(), engine != Engine::Postgres);
    }
}
