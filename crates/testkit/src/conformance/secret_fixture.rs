//! What the cases about `Secret` are given.

use std::{any::Any, sync::Arc};

use futures::future::BoxFuture;
use keywheel_core::{
    ErrorKind, VersionId,
    secret::{Secret, Stage, VersionInfo},
};

use super::sample::{context, value};

type Reopen = Arc<dyn Fn() -> Arc<dyn Secret> + Send + Sync>;
type Look = Arc<dyn Fn() -> BoxFuture<'static, Vec<Vec<u8>>> + Send + Sync>;

/// A secret that does not exist yet, and what a case needs besides it.
pub struct SecretFixture {
    pub(super) secret: Arc<dyn Secret>,
    pub(super) reopen: Reopen,
    pub(super) consumers_see: Option<Look>,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl SecretFixture {
    /// A secret without any version.
    pub fn new(secret: Arc<dyn Secret>) -> Self {
        let again = Arc::clone(&secret);
        Self { secret, reopen: Arc::new(move || Arc::clone(&again)), consumers_see: None, kept: Vec::new() }
    }

    /// How a new process opens the same secret: shows that nothing lives in the handle alone.
    #[must_use]
    pub fn reopened_by(mut self, reopen: impl Fn() -> Arc<dyn Secret> + Send + Sync + 'static) -> Self {
        self.reopen = Arc::new(reopen);
        self
    }

    /// Every value that a consumer could read now, found without the implementation: the files of the directory, the
    /// fields of the entry.
    #[must_use]
    pub fn seen_by_consumers(
        mut self,
        look: impl Fn() -> BoxFuture<'static, Vec<Vec<u8>>> + Send + Sync + 'static,
    ) -> Self {
        self.consumers_see = Some(Arc::new(look));
        self
    }

    /// Keeps `guard` (a temporary directory, a server) for as long as the case runs.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(guard));
        self
    }

    /// Makes the `number`-th value current.
    pub(super) async fn make_current(&self, number: u8, expected: Option<&VersionId>) -> VersionInfo {
        let staged = self.secret.stage(&context(number), &value(number), None).await.expect("stage");
        self.secret.promote(&context(number), &staged.id, expected).await.expect("promote");
        staged
    }

    /// Everything that can be seen, to compare before and after.
    pub(super) async fn snapshot(&self) -> Vec<(Stage, Option<VersionInfo>, Option<Vec<u8>>)> {
        let secret = (self.reopen)();
        let versions = secret.versions().await.expect("versions");
        let mut seen = Vec::new();
        for stage in Stage::ALL {
            let bytes = bytes_at(&*secret, stage).await;
            seen.push((stage, versions.at(stage).cloned(), bytes));
        }
        seen
    }
}

/// The bytes in `stage`, if there is a version.
pub(super) async fn bytes_at(secret: &dyn Secret, stage: Stage) -> Option<Vec<u8>> {
    match secret.read(stage).await {
        Ok(value) => Some(value.expose_secret().to_vec()),
        Err(error) if error.kind == ErrorKind::NotFound => None,
        Err(error) => panic!("reading {stage}: {error}"),
    }
}
