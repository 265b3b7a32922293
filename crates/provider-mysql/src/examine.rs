//! What `doctor` asks.

use keywheel_core::{Error, provider::Finding, rotator::Strategy};

use crate::{
    admin::Session,
    flavour::{Flavour, Server},
    rotator::MysqlRotator,
};

impl MysqlRotator {
    /// One finding for each thing that is missing.
    pub(crate) async fn examined(&self) -> Vec<Finding> {
        let Some(login) = &self.admin.login else {
            return Vec::new();
        };
        let mut session = match self.admin.session(login, "examine", None).await {
            Ok(session) => session,
            Err(error) => return vec![unreachable(&error)],
        };
        let mut findings = Vec::new();
        match self.look(&mut session, &mut findings).await {
            Ok(()) => {}
            Err(error) => findings.push(Finding::error(
                error.to_string(),
                "see that keywheel's login may do what docs/inventory.md lists",
            )),
        }
        findings
    }

    async fn look(&self, session: &mut Session<'_>, findings: &mut Vec<Finding>) -> Result<(), Error> {
        let server = session.server().await?;
        self.look_at_server(&server, findings);
        let Some(identity) = &self.identity else { return Ok(()) };
        let account = self.account_of("examine", Some(identity))?;
        let record = session.meant(&server, &account, self.host_is_said()).await?;
        record.check_password("examine", server.flavour == Flavour::MySql)?;
        Ok(())
    }

    fn look_at_server(&self, server: &Server, findings: &mut Vec<Finding>) {
        if self.rules.strategy == Strategy::Overlap
            && let Err(error) = server.check_dual_passwords("examine")
        {
            findings.push(Finding::error(error.message, "write `strategy: alternating`"));
        }
    }
}

fn unreachable(error: &Error) -> Finding {
    let hint = "see that the server runs at `host` and `port`, and that `login` names an account of it";
    if error.kind.is_transient() {
        Finding::warning(error.to_string(), hint)
    } else {
        Finding::error(error.to_string(), hint)
    }
}
