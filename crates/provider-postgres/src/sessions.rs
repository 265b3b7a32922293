//! Sessions as evidence: who still uses an old credential.
//!
//! A session lasts with the credential it began with. So the server's list of sessions, with the role that each logged in
//! as and when, tells who moved:
//! - roles that take turns: a session of the new role can only have begun with the new value, since that role accepts no
//!   other; and while a session of the replaced role is there, somebody has not moved;
//! - one role: a session that began after the new value was there to be used can only have begun with it, since the role
//!   refuses the old one by then; one that began before has the old one.
//!
//! `adopted` says `Yes` when no old session is left *and* new ones are seen (`at-least`): these name the expected version.
//! With `at-least: 0` the operator says that absence is enough.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use keywheel_core::{
    CallContext, Clock, Effect, Error, ErrorKind, Result,
    notifier::{Adoption, Notice, Notifier, Phase},
    provider::{Consumer, Finding, Mistake, Surroundings},
};
use postgres_protocol::escape::escape_identifier;

use crate::{
    admin::Admin,
    catalog::{get, rows},
    examine, failure,
    server::{APPLICATION, Session},
    settings::{SessionsSettings, Written},
};

/// In seconds: longer ago than any session began.
const FOREVER: f64 = 3e9;

const NOTIFY: &str = "notify";
const ADOPTED: &str = "look at sessions";

/// A declared consumer of kind `postgres-sessions`.
pub struct SessionsConsumer {
    notifier: Arc<SessionsNotifier>,
}

/// Tells nobody; sees who moved.
pub struct SessionsNotifier {
    admin: Admin,
    application: Option<String>,
    at_least: u32,
    clock: Arc<dyn Clock>,
}

impl SessionsSettings {
    /// Checks the settings, without looking at files or servers.
    pub(crate) fn resolve(self, surroundings: &Surroundings) -> Result<SessionsConsumer, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let Self { host, port, database, sslmode, root_certificate, client_certificate, .. } = self;
        let written = Written { host, port, database, sslmode, root_certificate, client_certificate };
        let address = Arc::new(written.resolve(&surroundings.base, &mut mistakes));
        if self.application_name.as_deref() == Some(APPLICATION) {
            mistakes.push(Mistake::new(
                "application-name",
                "keywheel's own sessions are called that, and are left out",
                "write what the consumer sets as `application_name`",
            ));
        }
        let login = self.login.resolve(surroundings, &mut mistakes);
        let Some(login) = login.filter(|_| mistakes.is_empty()) else { return Err(mistakes) };
        let clock = Arc::clone(&surroundings.clock);
        let notifier = SessionsNotifier {
            admin: Admin::new(address, login, Arc::clone(&clock)),
            application: self.application_name,
            at_least: self.at_least,
            clock,
        };
        Ok(SessionsConsumer { notifier: Arc::new(notifier) })
    }
}

impl Consumer for SessionsConsumer {
    fn describe(&self) -> String {
        let SessionsNotifier { admin, application, .. } = &*self.notifier;
        match application {
            Some(application) => format!("sessions of `{application}` at {}", admin.address),
            None => format!("sessions at {}", admin.address),
        }
    }

    fn shows_plain_fingerprints(&self) -> bool {
        false
    }

    fn trusted(&self) -> Option<String> {
        None
    }

    fn notifier(&self) -> Arc<dyn Notifier> {
        Arc::clone(&self.notifier) as _
    }
}

/// What the server's list of sessions shows.
struct Seen {
    /// Sessions that began with the credential to be used.
    new: i64,
    /// Sessions that began with the one to be given up.
    old: i64,
    /// Sessions whose beginning or kind keywheel may not see.
    hidden: i64,
}

#[async_trait]
impl Notifier for SessionsNotifier {
    /// A session cannot be told anything. That the server answers is all that is checked: what can be told is another
    /// consumer of the same secret.
    async fn notify(&self, _context: &CallContext, _notice: &Notice) -> Result<()> {
        let session = self.admin.borrow(NOTIFY).await?;
        let answer = session.session().client().check_connection().await;
        answer.map_err(|error| failure::of_statement(&error, NOTIFY, Effect::NotApplied))?;
        session.give_back();
        Ok(())
    }

    async fn adopted(&self, notice: &Notice) -> Result<Adoption> {
        if notice.phase == Phase::NextPublished {
            let why = "sessions show who uses a value, not who would accept one".to_owned();
            return Ok(Adoption::NotYet { why });
        }
        let Some(expected) = &notice.identity else {
            let message =
                "the secret's versions do not say which role they are for: give its entry `identity: ROLE`";
            return Err(Error::not_applied(ErrorKind::InvalidConfig, ADOPTED, message));
        };
        let session = self.admin.borrow(ADOPTED).await?;
        let seen = self.look(session.session(), notice, expected.as_str()).await;
        session.give_back();
        let Seen { new, old, hidden } = seen?;
        if hidden > 0 {
            let login = escape_identifier(&self.admin.login.user);
            let message =
                format!("{hidden} sessions are hidden from keywheel: GRANT pg_read_all_stats TO {login}");
            return Err(Error::not_applied(ErrorKind::PermissionDenied, ADOPTED, message));
        }
        let replaced = notice.replaced.as_ref().filter(|replaced| *replaced != expected);
        let of_old = match replaced {
            Some(replaced) => format!("{} of `{replaced}`", sessions(old)),
            None => format!("{} of `{expected}` from before {}", sessions(old), notice.since),
        };
        let of_new = match notice.phase {
            Phase::RolledBack if replaced.is_some() => format!("{} of `{expected}`", sessions(new)),
            Phase::NextPublished | Phase::Promoted | Phase::RolledBack => {
                format!("{} of `{expected}` from after {}", sessions(new), notice.since)
            }
        };
        Ok(if old > 0 {
            Adoption::NotYet { why: format!("{of_old}, {of_new}") }
        } else if new < i64::from(self.at_least) {
            Adoption::NotYet { why: format!("{of_new}, at least {} expected; {of_old}", self.at_least) }
        } else {
            Adoption::Yes { evidence: format!("{of_new}, {of_old}") }
        })
    }

    async fn examine(&self) -> Vec<Finding> {
        let mut findings = examine::encryption(&self.admin.address);
        match self.rights().await {
            Ok(true) => {}
            Ok(false) => findings.push(Finding::error(
                format!("`{}` may not see when sessions of other roles began", self.admin.login.user),
                format!("GRANT pg_read_all_stats TO {}", escape_identifier(&self.admin.login.user)),
            )),
            Err(error) => {
                findings.push(examine::failed(&error, "see that keywheel can log in, as `login` says"));
            }
        }
        findings
    }
}

impl SessionsNotifier {
    async fn look(&self, session: &Session, notice: &Notice, expected: &str) -> Result<Seen> {
        let replaced = notice.replaced.as_ref().map_or(expected, |replaced| replaced.as_str());
        // In the server's time: its clock may differ from ours. Who goes back to another role's value may be in a session
        // that never left it.
        let back = notice.phase == Phase::RolledBack && replaced != expected;
        let since = if back { FOREVER } else { self.seconds_since(notice.since) };
        let since = format!("{since:.6}");
        let query = "WITH seen AS (SELECT usename, backend_start IS NULL OR backend_type IS NULL AS hidden, \
                     backend_start >= pg_catalog.clock_timestamp() - $3::text::float8 * interval '1 second' AS fresh \
                     FROM pg_catalog.pg_stat_activity \
                     WHERE usename IN ($1::text, $2::text) AND pid <> pg_catalog.pg_backend_pid() \
                     AND coalesce(backend_type IN ('client backend', 'walsender'), true) \
                     AND application_name <> $4::text AND (application_name = $5::text OR $5::text = '')) \
                     SELECT count(*) FILTER (WHERE hidden), \
                     count(*) FILTER (WHERE usename = $1::text AND fresh), \
                     count(*) FILTER (WHERE usename = $2::text AND ($1::text <> $2::text OR NOT fresh)) FROM seen";
        let application = self.application.as_deref().unwrap_or_default();
        let rows =
            rows(session, ADOPTED, query, &[expected, replaced, &since, APPLICATION, application]).await?;
        let Some(row) = rows.first() else { return Ok(Seen { new: 0, old: 0, hidden: 0 }) };
        Ok(Seen { hidden: get(row, 0, ADOPTED)?, new: get(row, 1, ADOPTED)?, old: get(row, 2, ADOPTED)? })
    }

    fn seconds_since(&self, since: Timestamp) -> f64 {
        self.clock.now().duration_since(since).as_secs_f64()
    }

    async fn rights(&self) -> Result<bool> {
        let session = self.admin.borrow(ADOPTED).await?;
        let query = "SELECT pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')";
        let answer = rows(session.session(), ADOPTED, query, &[]).await;
        session.give_back();
        answer?.first().map_or(Ok(false), |row| get(row, 0, ADOPTED))
    }
}

fn sessions(count: i64) -> String {
    match count {
        0 => "no session".to_owned(),
        1 => "1 session".to_owned(),
        _ => format!("{count} sessions"),
    }
}
