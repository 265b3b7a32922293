//! What would keep a rotation from working.

use keywheel_core::{Error, ErrorKind, Result, provider::Finding, rotator::Strategy};

use crate::{
    alternating::{MARK, obstacle},
    amqp,
    api::{Login, Permission, Session},
    rotator::RabbitmqRotator,
};

const EXAMINE: &str = "examine";

impl RabbitmqRotator {
    pub(crate) async fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.shared.root_certificate.is_none() && !self.shared.loopback {
            findings.push(Finding::warning(
                "the administrator's password crosses the network unencrypted",
                "write `tls`, and have the management plugin and AMQP listen with TLS",
            ));
        }
        if let Err(error) = amqp::knock(&self.shared).await {
            let hint = "check `host`, `amqp-port` and `tls`, and that the server runs: new passwords are tried there";
            findings.push(Finding::error(error.to_string(), hint));
        }
        match self.look(&mut findings).await {
            Ok(()) => {}
            Err(error) => findings.push(from_error(&error)),
        }
        findings
    }

    async fn look(&self, findings: &mut Vec<Finding>) -> Result<()> {
        let session = Session::new(&self.shared, EXAMINE, None)?;
        let administrator = &self.shared.login.user;
        let login: Option<Login> = session.get(&["whoami"]).await?;
        let Some(login) = login else {
            let hint = "run `rabbitmq-plugins enable rabbitmq_management` on the server, and check `port`";
            findings.push(Finding::error("the management API does not answer there", hint));
            return Ok(());
        };
        if !login.tags.has("administrator") {
            findings.push(Finding::error(
                format!("the user {administrator} may not change users: it lacks the tag `administrator`"),
                format!(
                    "run `rabbitmqctl set_user_tags {administrator} administrator`, with the tags that it has"
                ),
            ));
            return Ok(());
        }
        let pair = self.pair(EXAMINE)?;
        let name = &pair.original;
        let Some(user) = session.user(name).await? else {
            findings.push(Finding::error(
                format!("the server has no user {name}"),
                format!("run `rabbitmqctl add_user {name}` with the password that the store has; keywheel does not"),
            ));
            return Ok(());
        };
        if user.is_retired() && self.shared.strategy == Strategy::InPlace {
            findings.push(Finding::warning(
                format!("the user {name} has no password: nobody can log in with one"),
                format!("run `rabbitmqctl change_password {name}` with the password that the store has"),
            ));
        }
        let permissions: Vec<Permission> =
            session.get(&["users", name, "permissions"]).await?.unwrap_or_default();
        if permissions.is_empty() {
            findings.push(Finding::warning(
                format!("the user {name} has no permissions in any virtual host"),
                format!("run `rabbitmqctl set_permissions -p VHOST {name} CONFIGURE WRITE READ`"),
            ));
        }
        if self.shared.strategy == Strategy::Alternating
            && let Some(clone) = session.user(&pair.clone).await?
            // Whose turn it is only the store knows: a clone with a password may well be the one that serves.
            && !clone.tags.has(MARK)
            && let Some(message) = obstacle(&clone)
        {
            findings.push(Finding::error(
                format!("{}: {message}", pair.clone),
                format!("look at it with `rabbitmqctl list_user_permissions {}`", pair.clone),
            ));
        }
        Ok(())
    }
}

fn from_error(error: &Error) -> Finding {
    let hint = match error.kind {
        ErrorKind::Unauthenticated => {
            "check the password with `rabbitmqctl authenticate_user`, and give the user its tag with `rabbitmqctl \
             set_user_tags USER administrator`"
        }
        ErrorKind::Unavailable | ErrorKind::TimedOut => {
            "check `host`, `port` and `tls`, that the server runs, and that `rabbitmq-plugins enable \
             rabbitmq_management` was run on it"
        }
        ErrorKind::PermissionDenied
        | ErrorKind::NotFound
        | ErrorKind::Conflict
        | ErrorKind::RateLimited
        | ErrorKind::InvalidConfig
        | ErrorKind::Unsupported
        | ErrorKind::Fenced
        | ErrorKind::Corrupt
        | ErrorKind::InvalidValue
        | ErrorKind::DeadlinePassed
        | ErrorKind::Rejected
        | ErrorKind::Internal => "change the settings or the server as it says",
    };
    Finding::error(error.to_string(), hint)
}
