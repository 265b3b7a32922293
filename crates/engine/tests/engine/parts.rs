//! What the inventory of a test declares: models with a witness and the faults of a plan in front of them.

use std::{
    any::Any,
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use futures::future::BoxFuture;
use keywheel_core::{
    CallContext, Fingerprinter, Identity, Result, SecretValue, VersionId,
    notifier::Notifier,
    provider::{Connection, Consumer, Entrusted, Finding, Store, Target},
    rotation::Location,
    rotator::{Rotator, Strategy},
    secret::{Secret, SecretCapabilities, Stage, VersionInfo, Versions},
};
use keywheel_engine::ProvidedValues;
use keywheel_testkit::{
    faults::{FaultPlan, Faulty},
    memory::{MemoryConsumer, MemorySecret, MemoryStore, MemoryTarget},
};

use crate::witness::{Witness, Witnessed};

/// Puts something else in front of a handle: a gate, a counter, a call that never returns.
pub(crate) type Wrap<T> = Arc<dyn Fn(Arc<T>) -> Arc<T> + Send + Sync>;

/// Nothing in front.
pub(crate) fn bare<T: ?Sized + 'static>() -> Wrap<T> {
    Arc::new(|inner| inner)
}

/// What is asked before a call goes through; what it gives back lives until the call has returned.
pub(crate) type Hook =
    Arc<dyn Fn(&'static str) -> BoxFuture<'static, Result<Box<dyn Any + Send>>> + Send + Sync>;

/// A handle of a secret with a hook in front of every call.
pub(crate) struct Hooked {
    pub(crate) inner: Arc<dyn Secret>,
    pub(crate) hook: Hook,
}

#[async_trait]
impl Secret for Hooked {
    fn capabilities(&self) -> SecretCapabilities {
        self.inner.capabilities()
    }

    async fn versions(&self) -> Result<Versions> {
        let _guard = (self.hook)("versions").await?;
        self.inner.versions().await
    }

    async fn cautions(&self) -> Result<Vec<String>> {
        let _guard = (self.hook)("cautions").await?;
        self.inner.cautions().await
    }

    async fn read(&self, stage: Stage) -> Result<SecretValue> {
        let _guard = (self.hook)("read").await?;
        self.inner.read(stage).await
    }

    async fn stage(
        &self,
        context: &CallContext,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo> {
        let _guard = (self.hook)("stage").await?;
        self.inner.stage(context, value, identity).await
    }

    async fn publish(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        let _guard = (self.hook)("publish").await?;
        self.inner.publish(context, version).await
    }

    async fn promote(
        &self,
        context: &CallContext,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        let _guard = (self.hook)("promote").await?;
        self.inner.promote(context, version, expected).await
    }

    async fn retire(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        let _guard = (self.hook)("retire").await?;
        self.inner.retire(context, version).await
    }
}

/// A store of the inventory.
pub(crate) struct SceneStore {
    pub(crate) model: MemoryStore,
    pub(crate) label: String,
    pub(crate) faults: FaultPlan,
    pub(crate) witness: Witness,
    pub(crate) wrap: Wrap<dyn Secret>,
}

#[async_trait]
impl Store for SceneStore {
    fn describe(&self) -> String {
        self.label.clone()
    }

    fn check_location(&self, location: &Location) -> Result<(), String> {
        self.model.check_location(location)
    }

    fn beside(&self, key: &str, stage: Stage) -> Option<Arc<str>> {
        self.model.beside(key, stage)
    }

    fn secret(&self, location: &Location, fingerprinter: Fingerprinter) -> Arc<dyn Secret> {
        let inner = self.model.open(location, fingerprinter);
        let witnessed: Arc<dyn Secret> = Arc::new(Witnessed { inner, witness: self.witness.clone() });
        let faulty = Faulty::new(witnessed, self.faults.clone(), &self.label);
        (self.wrap)(Arc::new(faulty))
    }

    async fn examine(&self, entrusted: &[Entrusted]) -> Vec<Finding> {
        self.model.examine(entrusted).await
    }
}

/// A target of the inventory.
pub(crate) struct SceneTarget {
    pub(crate) model: MemoryTarget,
    /// Where the value must be durable before the target hears of it.
    pub(crate) primary: MemorySecret,
    pub(crate) faults: FaultPlan,
    pub(crate) witness: Witness,
    pub(crate) wrap: Wrap<dyn Rotator>,
}

impl Target for SceneTarget {
    fn describe(&self) -> String {
        "target".to_owned()
    }

    fn strategy(&self) -> Strategy {
        self.model.strategy()
    }

    fn connection(&self) -> Option<Connection> {
        Some(Connection { engine: "memory", host: "localhost".to_owned(), port: 5432, database: None })
    }

    fn rotator(&self, _identity: Option<&Identity>) -> Arc<dyn Rotator> {
        let inner = (self.model.open(), self.primary.clone());
        let witnessed: Arc<dyn Rotator> = Arc::new(Witnessed { inner, witness: self.witness.clone() });
        (self.wrap)(Arc::new(Faulty::new(witnessed, self.faults.clone(), "target")))
    }
}

/// A consumer of the inventory.
pub(crate) struct SceneConsumer {
    pub(crate) model: MemoryConsumer,
    pub(crate) label: String,
    pub(crate) faults: FaultPlan,
    pub(crate) witness: Witness,
}

impl Consumer for SceneConsumer {
    fn describe(&self) -> String {
        self.label.clone()
    }

    fn shows_plain_fingerprints(&self) -> bool {
        true
    }

    fn trusted(&self) -> Option<String> {
        None
    }

    fn notifier(&self) -> Arc<dyn Notifier> {
        let witnessed: Arc<dyn Notifier> =
            Arc::new(Witnessed { inner: self.model.open(), witness: self.witness.clone() });
        Arc::new(Faulty::new(witnessed, self.faults.clone(), &self.label))
    }
}

/// The files in which a person provides values.
#[derive(Default)]
pub(crate) struct Files(pub(crate) Mutex<BTreeMap<PathBuf, Vec<u8>>>);

impl ProvidedValues for Files {
    fn variable(&self, _path: &Path, _variable: &str) -> Result<Option<SecretValue>> {
        Ok(None)
    }

    fn file(&self, path: &Path) -> Result<Option<SecretValue>> {
        let name = Path::new(path.file_name().unwrap_or_default());
        Ok(self
            .0
            .lock()
            .expect("nobody panicked under it")
            .get(name)
            .map(|bytes| SecretValue::copy_from(bytes)))
    }
}
