//! How many requests one rotation costs, beside the least that would do.

use std::sync::Arc;

use keywheel::core::{
    CallContext, Clock as _, Entropy as _, Fingerprinter, Initiator, OsEntropy, SecretValue,
    id::Fence,
    plan::Options,
    secret::{Secret, Stage},
};
use keywheel::engine::SystemClock;

use crate::{
    inventory::{self, Kept, Shape},
    life,
    measure::{Outcome, words},
    rotations::Server,
};

/// How many requests above the least a rotation may make.
const ALLOWED: usize = 1;

/// Why a rotation needs some of its requests.
pub(crate) struct Needed {
    pub(crate) requests: usize,
    pub(crate) what: &'static str,
}

/// The least that a whole rotation can do with, and what it makes beside.
pub(crate) struct Least {
    pub(crate) stage: &'static [Needed],
    pub(crate) promote: &'static [Needed],
    pub(crate) retire: &'static [Needed],
    /// What is made besides, in words.
    pub(crate) besides: &'static str,
}

impl Least {
    fn steps(&self) -> [(&'static str, &'static [Needed]); 3] {
        [("stage", self.stage), ("promote", self.promote), ("retire", self.retire)]
    }

    fn total(&self) -> usize {
        self.steps().into_iter().flat_map(|(_, needed)| needed).map(|needed| needed.requests).sum()
    }
}

/// Counts a rotation of the real engine, the third of its secret, and the same calls without an engine.
///
/// # Errors
/// When it makes more requests than one above the least.
pub(crate) fn count<S: Server>(server: &S, least: &Least) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(words)?;
    let directory = tempfile::tempdir_in(".").map_err(words)?;
    let declaration = server.declaration(directory.path())?;
    let path = server.path(usize::MAX);
    let store = Kept::Server { declaration: &declaration, path: &path };
    let shape = Shape { secrets: 1, tier: "at-once", at_once: 1, target: None, store };
    let file = shape.write(directory.path())?;
    runtime.block_on(server.fill(&format!("{path}/{}", inventory::secret(0))))?;
    let counted = || server.asked().ok_or("the server does not count its requests");
    let mut made = 0;
    for _ in 0..3 {
        let mut asked = None;
        let options = Options { force: true, ..Options::default() };
        runtime.block_on(life::run(&file, options, || asked = server.asked()))?;
        made = counted()? - asked.ok_or("nothing was planned")?;
    }
    let total = least.total();
    println!("  requests of a rotation, the engine's looks among them: {made}; the least possible: {total}");
    for (step, needed) in least.steps() {
        let parts: Vec<_> =
            needed.iter().map(|Needed { requests, what }| format!("{requests} {what}")).collect();
        println!("    {step:<8} {}", parts.join(", "));
    }
    println!("    besides  {}", least.besides);
    let loaded = inventory::load(&file)?;
    let declared = loaded.stores.values().next().ok_or("the inventory has no store")?;
    let place = loaded.secrets.first().and_then(|entry| entry.stores.first()).ok_or("it has no secret")?;
    let handle = || declared.store.secret(&place.location, Fingerprinter::plain());
    let [stage, promote, retire] = runtime.block_on(alone(server, handle))?;
    println!(
        "    the same calls without an engine, each through a handle of its own: stage {stage}, promote {promote}, retire {retire}"
    );
    if made > total + ALLOWED {
        return Err(format!("{made} requests for a rotation, and at most {} are allowed", total + ALLOWED));
    }
    Ok(())
}

/// The calls of one rotation, each through a handle that has seen nothing.
async fn alone<S: Server>(server: &S, handle: impl Fn() -> Arc<dyn Secret>) -> Outcome<[usize; 3]> {
    let context = CallContext {
        rotation: OsEntropy.rotation_id().map_err(words)?,
        started_at: SystemClock.now(),
        initiator: Initiator::from("bench"),
        deadline: SystemClock.running() + std::time::Duration::from_secs(30),
        fence: Fence(1),
    };
    let versions = handle().versions().await.map_err(words)?;
    let old = versions.at(Stage::Current).ok_or("there is no current version")?.id.clone();
    let mut asked = server.asked().unwrap_or_default();
    let mut since = || {
        let now = server.asked().unwrap_or_default();
        std::mem::replace(&mut asked, now).abs_diff(now)
    };
    let value = SecretValue::copy_from(b"the value of a rotation by hand.");
    let new = handle().stage(&context, &value, None).await.map_err(words)?.id;
    let stage = since();
    handle().promote(&context, &new, Some(&old)).await.map_err(words)?;
    let promote = since();
    handle().retire(&context, &old).await.map_err(words)?;
    Ok([stage, promote, since()])
}
