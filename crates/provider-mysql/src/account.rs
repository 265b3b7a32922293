//! Accounts: a user name and the host that it comes from.

use std::fmt;

use aws_lc_rs::digest;
use keywheel_core::Identity;

use crate::sql::quote;

/// What the second account of a pair has behind its name.
const CLONE: &str = "_clone";

/// A name and where it comes from. The login name is what stands before the last `@` of an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: String,
    pub(crate) host: String,
}

impl Account {
    /// `app@10.%` says its host; `app` has the one that is given.
    pub(crate) fn of(identity: &str, host: &str) -> Self {
        match identity.rsplit_once('@') {
            Some((user, host)) => Self { user: user.to_owned(), host: host.to_owned() },
            None => Self { user: identity.to_owned(), host: host.to_owned() },
        }
    }

    /// As it stands in a statement.
    pub(crate) fn quoted(&self) -> String {
        format!("{}@{}", quote(&self.user), quote(&self.host))
    }

    /// Whether `current` (the answer of `CURRENT_USER()`) is this one.
    pub(crate) fn is(&self, current: &str) -> bool {
        current
            .rsplit_once('@')
            .is_some_and(|(user, host)| user == self.user && host.eq_ignore_ascii_case(&self.host))
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.quoted())
    }
}

/// The identity that takes turns with `original`: `app_clone`, `app_clone@10.%`. A name that would be longer than `longest`
/// characters is cut, with a short hash of it all in place of its end.
pub(crate) fn clone_of(original: &Identity, longest: usize) -> Identity {
    let (user, host) = match original.as_str().rsplit_once('@') {
        Some((user, host)) => (user, Some(host)),
        None => (original.as_str(), None),
    };
    let user = if user.chars().count() + CLONE.len() <= longest {
        format!("{user}{CLONE}")
    } else {
        let hash = digest::digest(&digest::SHA256, user.as_bytes());
        let hash =
            hash.as_ref().iter().take(4).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let kept = longest - CLONE.len() - hash.len() - 1;
        format!("{}_{hash}{CLONE}", user.chars().take(kept).collect::<String>())
    };
    Identity::new(match host {
        Some(host) => format!("{user}@{host}"),
        None => user,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_name_stands_before_the_last_at() {
        let account = Account::of("app@corp@10.%", "%");
        assert_eq!((account.user.as_str(), account.host.as_str()), ("app@corp", "10.%"));
        assert_eq!(Account::of("app", "10.%"), Account::of("app@10.%", "%"));
        assert!(account.is("app@corp@10.%") && !account.is("app@10.%"));
    }

    #[test]
    fn quotes_cannot_end_a_name() {
        assert_eq!(Account::of("o'\\b`\"@%", "").quoted(), r#"'o\'\\b`\"'@'%'"#);
    }

    #[test]
    fn clones_are_named_for_their_originals_and_never_too_long() {
        assert_eq!(clone_of(&"app".into(), 32).as_str(), "app_clone");
        assert_eq!(clone_of(&"app@10.%".into(), 32).as_str(), "app_clone@10.%");
        for longest in [32, 80] {
            let fits = "ä".repeat(longest - 6);
            assert_eq!(clone_of(&Identity::new(fits.clone()), longest).as_str(), format!("{fits}_clone"));
            let names = ["x", "y"].map(|end| {
                let long = "ä".repeat(longest - 1) + end;
                clone_of(&Identity::new(long), longest).as_str().to_owned()
            });
            assert!(names.iter().all(|name| name.chars().count() == longest), "{names:?}");
            assert_ne!(names[0], names[1]);
        }
    }
}
