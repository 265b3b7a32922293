//! What one account may do, given to another.

use std::collections::BTreeSet;

use keywheel_core::{Error, ErrorKind, Result};

use crate::{account::Account, admin::Session, record::Record, sql::quote};

/// What a right may have behind the account that it is for.
const ENDS: [&str; 3] = ["", " WITH GRANT OPTION", " WITH ADMIN OPTION"];

impl Session<'_> {
    /// Gives `clone` every right of `original` that it has not.
    pub(crate) async fn copy_grants(
        &mut self,
        original: &Account,
        model: &Record,
        clone: &Account,
    ) -> Result<()> {
        let wanted = self.grants(original, model.grants_on, clone).await?;
        // Its own are written in the same way, for itself.
        let has = self.grants(clone, true, clone).await?;
        let has_not: Vec<_> = {
            let plain: BTreeSet<_> = self.grants(clone, false, clone).await?.into_iter().collect();
            let has: BTreeSet<_> = has.into_iter().collect();
            wanted.into_iter().filter(|grant| !has.contains(grant) && !plain.contains(grant)).collect()
        };
        for grant in has_not {
            self.change(&grant).await?;
        }
        Ok(())
    }

    /// The statements that give `to` what `from` has.
    async fn grants(&mut self, from: &Account, grants_on: bool, to: &Account) -> Result<Vec<String>> {
        let lines: Vec<String> = self.all(&format!("SHOW GRANTS FOR {}", from.quoted())).await?;
        let operation = self.operation();
        let statements = lines.iter().filter_map(|line| rewritten(line, from, grants_on, to).transpose());
        statements.collect::<Result<_, ()>>().map_err(|()| {
            let message =
                "the account has a right that cannot be copied safely: create the other account by hand";
            self.after(Error::not_applied(ErrorKind::Unsupported, operation, message)).with("account", from)
        })
    }
}

/// `line` of `SHOW GRANTS FOR from`, for `to`. `None` if there is nothing in it. The server wrote and quoted it; only whom it is
/// for is replaced, and nothing that could hold a hash is kept.
fn rewritten(line: &str, from: &Account, grants_on: bool, to: &Account) -> Result<Option<String>, ()> {
    // In MariaDB the default role is a line too. It is set from the account's record.
    if line.starts_with("SET DEFAULT ROLE ") {
        return Ok(None);
    }
    let Some((right, end)) = parted(line, from) else { return Err(()) };
    if !right.starts_with("GRANT ") {
        // MySQL's partial revokes.
        return Err(());
    }
    // Everything that MariaDB says about the login stands behind the rights on everything.
    if right.ends_with(" ON *.*") {
        let option = if grants_on { " WITH GRANT OPTION" } else { "" };
        if right == "GRANT USAGE ON *.*" && option.is_empty() {
            return Ok(None);
        }
        return Ok(Some(format!("{right} TO {}{option}", to.quoted())));
    }
    if !ENDS.contains(&end) {
        return Err(());
    }
    Ok(Some(format!("{right} TO {}{end}", to.quoted())))
}

/// What stands before and behind the account. Quoted text cannot hold it: a quote within is doubled.
fn parted<'a>(line: &'a str, account: &Account) -> Option<(&'a str, &'a str)> {
    let quoted =
        |text: &str, with: char| format!("{with}{}{with}", text.replace(with, &format!("{with}{with}")));
    let ways = ['`', '\'']
        .map(|with| format!(" TO {}@{}", quoted(&account.user, with), quoted(&account.host, with)));
    ways.iter().find_map(|way| {
        let mut places = line.match_indices(way.as_str());
        let (place, _) = places.next()?;
        // Twice: something is named to look like it.
        places.next().is_none().then(|| (&line[..place], &line[place + way.len()..]))
    })
}

/// `SET DEFAULT ROLE`, for `MariaDB`.
pub(crate) fn default_role(role: &str, account: &Account) -> String {
    format!("SET DEFAULT ROLE {} FOR {}", quote(role), account.quoted())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(line: &str, grants_on: bool) -> Result<Option<String>, ()> {
        rewritten(line, &Account::of("app", "%"), grants_on, &Account::of("app_clone", "%"))
    }

    #[test]
    fn rights_are_written_for_the_other_account() {
        for (line, grants_on, expected) in [
            (
                "GRANT SELECT, INSERT ON `shop`.* TO `app`@`%`",
                false,
                "GRANT SELECT, INSERT ON `shop`.* TO 'app_clone'@'%'",
            ),
            (
                "GRANT SELECT (`a`) ON `s`.`t` TO `app`@`%` WITH GRANT OPTION",
                false,
                "GRANT SELECT (`a`) ON `s`.`t` TO 'app_clone'@'%' WITH GRANT OPTION",
            ),
            (
                "GRANT `r` TO `app`@`%` WITH ADMIN OPTION",
                false,
                "GRANT `r` TO 'app_clone'@'%' WITH ADMIN OPTION",
            ),
            ("GRANT `r`@`%` TO `app`@`%`", false, "GRANT `r`@`%` TO 'app_clone'@'%'"),
            (
                "GRANT PROCESS ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*94BD' REQUIRE SSL WITH GRANT OPTION MAX_USER_CONNECTIONS 3",
                true,
                "GRANT PROCESS ON *.* TO 'app_clone'@'%' WITH GRANT OPTION",
            ),
            (
                "GRANT SELECT ON `a TO ``app``@``%``` .* TO `app`@`%`",
                false,
                "GRANT SELECT ON `a TO ``app``@``%``` .* TO 'app_clone'@'%'",
            ),
        ] {
            assert_eq!(copied(line, grants_on).unwrap().as_deref(), Some(expected));
        }
    }

    #[test]
    fn nothing_is_not_granted() {
        let usage = "GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED VIA ed25519 USING 'abc'";
        assert_eq!(copied(usage, false), Ok(None));
        assert_eq!(copied("SET DEFAULT ROLE `r` FOR `app`@`%`", false), Ok(None));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in [
            "REVOKE SELECT ON `secret`.* FROM `app`@`%`",
            "GRANT SELECT ON `shop`.* TO `app`@`localhost`",
            "GRANT SELECT ON `shop`.* TO `app`@`%` IDENTIFIED BY PASSWORD '*94BD'",
            "GRANT SELECT ON `shop`.* TO `app`@`%` TO `app`@`%`",
        ] {
            assert_eq!(copied(line, false), Err(()), "{line}");
        }
    }
}
