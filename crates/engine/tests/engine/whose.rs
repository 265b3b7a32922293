//! Whose credential the current value is, where the store does not say.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Identity, Result, SecretValue, VersionId,
    rotation::Outcome,
    rotator::Strategy,
    secret::{Secret, SecretCapabilities, Stage, VersionInfo, Versions},
};
use keywheel_engine::{Ended, verify};

use crate::{
    scene::Scene,
    world::{Settings, World},
};

/// A store that keeps nothing beside a value once it is current, as a plain file does.
struct Forgetful(Arc<dyn Secret>);

#[async_trait]
impl Secret for Forgetful {
    fn capabilities(&self) -> SecretCapabilities {
        self.0.capabilities()
    }

    async fn versions(&self) -> Result<Versions> {
        let mut versions = self.0.versions().await?;
        for version in &mut versions.0 {
            if matches!(version.stage, Stage::Current | Stage::Previous) {
                version.identity = None;
            }
        }
        Ok(versions)
    }

    async fn cautions(&self) -> Result<Vec<String>> {
        self.0.cautions().await
    }

    async fn read(&self, stage: Stage) -> Result<SecretValue> {
        self.0.read(stage).await
    }

    async fn stage(
        &self,
        context: &CallContext,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo> {
        self.0.stage(context, value, identity).await
    }

    async fn publish(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        self.0.publish(context, version).await
    }

    async fn promote(
        &self,
        context: &CallContext,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        self.0.promote(context, version, expected).await
    }

    async fn retire(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        self.0.retire(context, version).await
    }
}

#[tokio::test]
async fn users_take_turns_though_the_store_keeps_no_user() {
    let wrap = Arc::new(|inner| Arc::new(Forgetful(inner)) as Arc<dyn Secret>);
    let settings = Settings { wrap_store: (0, wrap), ..Settings::default() };
    let world = World::with([Scene::credential(Strategy::Alternating)], settings);
    let target = world.view().target.clone().expect("there is a target");
    for (turn, user) in ["a", "b", "a"].into_iter().enumerate() {
        let ended = world.rotate().await;
        assert_eq!(ended, Ended::Finished { outcome: Outcome::Succeeded, reason: None }, "turn {turn}");
        let value = world.view().primary(Stage::Current).expect("a current value");
        assert!(target.accepts(user, &value), "turn {turn} is that of `{user}`");
        assert_eq!(target.accepted().len(), 1, "the other user is dead after turn {turn}");
        let verified = verify(&world.engine(), &[world.name()]).await.unwrap();
        assert_eq!(verified[0].accepted, Some(true), "turn {turn}: {verified:?}");
    }
}
