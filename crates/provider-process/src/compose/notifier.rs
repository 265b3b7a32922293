//! Makes containers anew, through `docker compose`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Clock, Error, ErrorKind, Result,
    notifier::{Adoption, Notice, Notifier},
    provider::Finding,
};

use crate::{
    command::{CommandLine, Outcome, Run, tell, time_left},
    evidence::Evidence,
    inventory_path::InventoryPath,
};

const OPERATION: &str = "recreate services";

/// How long `doctor` waits for `docker`.
const LOOK_TIME: Duration = Duration::from_secs(10);

/// Runs `docker compose -f FILE up --detach --force-recreate --no-deps SERVICE…`, without a shell. Failures are those of
/// a [command](crate::CommandNotifier). A recreation that takes longer than a call may (30 seconds) is killed and begun
/// again later: give the services a short `stop_grace_period`.
pub struct ComposeNotifier {
    line: CommandLine,
    version: CommandLine,
    file: InventoryPath,
    evidence: Evidence,
    clock: Arc<dyn Clock>,
}

impl ComposeNotifier {
    pub(super) fn new(
        line: CommandLine,
        version: CommandLine,
        file: InventoryPath,
        evidence: Evidence,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { line, version, file, evidence, clock }
    }

    fn file_is_there(&self) -> bool {
        self.file.resolved().is_file()
    }

    async fn compose_is_there(&self) -> bool {
        let outcome = run(&self.version, LOOK_TIME).start(self.clock.as_ref()).await;
        matches!(outcome, Ok(Outcome::Ended { status, .. }) if status.success())
    }
}

#[async_trait]
impl Notifier for ComposeNotifier {
    async fn notify(&self, context: &CallContext, _notice: &Notice) -> Result<()> {
        if !self.file_is_there() {
            let message = format!("there is no compose file {}", self.file);
            return Err(Error::not_applied(ErrorKind::InvalidConfig, OPERATION, message));
        }
        let limit = time_left(context, self.clock.as_ref(), OPERATION, &self.line)?;
        tell(run(&self.line, limit), self.clock.as_ref()).await
    }

    async fn adopted(&self, notice: &Notice) -> Result<Adoption> {
        Ok(self.evidence.observe(notice).await)
    }

    fn tells_everything(&self) -> bool {
        true
    }

    async fn examine(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.line.check().err().map(Finding::from).into_iter().collect();
        if findings.is_empty() && !self.compose_is_there().await {
            findings.push(Finding::error(
                format!("`{} compose version` fails", self.line),
                "install the plugin: docker-compose-v2 or docker-compose-plugin",
            ));
        }
        if !self.file_is_there() {
            findings.push(Finding::error(
                format!("there is no compose file {}", self.file),
                "let `file` name the one that the services are in",
            ));
        }
        findings.extend(self.evidence.examine().await);
        findings
    }
}

fn run(line: &CommandLine, limit: Duration) -> Run<'_> {
    Run {
        operation: OPERATION,
        line,
        environment: Vec::new(),
        input: None,
        file: None,
        keep_output: false,
        limit,
    }
}
