//! Whole lives of secrets, as `keywheel rotate --all` runs them: the real engine with its journal and its audit.

use std::{fs, path::Path, time::Duration};

use keywheel::{
    core::{
        Clock as _,
        plan::{Options, Selection, plan},
        rotation::Outcome as Ended,
    },
    engine::{Ended as ItemEnded, SystemClock, observe},
};

use crate::{
    inventory,
    measure::{Outcome, words},
    processor,
};

/// What it took.
#[derive(Clone, Copy)]
pub(crate) struct Life {
    pub(crate) time: Duration,
    pub(crate) processor: Duration,
}

/// What the stores of an inventory in `directory` hold before it is rotated.
pub(crate) fn fill_store(directory: &Path, secrets: usize, value: impl Fn(usize) -> Vec<u8>) -> Outcome<()> {
    fs::create_dir(directory.join("secrets")).map_err(words)?;
    for number in 0..secrets {
        fs::write(file(directory, number), value(number)).map_err(words)?;
    }
    Ok(())
}

/// What the store holds by now.
pub(crate) fn stored(directory: &Path, number: usize) -> Outcome<String> {
    fs::read_to_string(file(directory, number)).map_err(words)
}

fn file(directory: &Path, number: usize) -> std::path::PathBuf {
    directory.join("secrets").join(inventory::secret(number))
}

/// Rotates every secret of the inventory at `path` once, from `stage` to `retire`. That all of them got a new value is
/// checked afterwards.
pub(crate) fn of_all(path: &Path) -> Outcome<Life> {
    let directory = path.parent().ok_or("the inventory is in no directory")?;
    let secrets = inventory::load(path)?.secrets.len();
    let before = (0..secrets).map(|number| stored(directory, number)).collect::<Outcome<Vec<_>>>()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(words)?;
    let life = runtime.block_on(run(path, Options::default(), || ()))?;
    for (number, old) in before.iter().enumerate() {
        if stored(directory, number)? == *old {
            return Err(format!("secret {number} still has its old value"));
        }
    }
    Ok(life)
}

/// The same without a look at what the stores hold. `planned` is called when the plan is made and nothing has begun.
pub(crate) async fn run(path: &Path, options: Options, planned: impl FnOnce()) -> Outcome<Life> {
    let loaded = inventory::load(path)?;
    let secrets = loaded.secrets.len();
    let engine = inventory::engine(&loaded, false)?;
    let now = SystemClock.now();
    let observed = observe(&engine, &Selection::All, now).await.map_err(words)?;
    let plan = plan(&loaded, &observed, &Selection::All, options, now);
    planned();
    let used_before = processor::this_process()?;
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    let start = std::time::Instant::now();
    let report = engine.run(&plan, None).await.map_err(words)?;
    let time = start.elapsed();
    let processor = processor::this_process()?.saturating_sub(used_before);
    let succeeded =
        |ended: &ItemEnded| matches!(ended, ItemEnded::Finished { outcome: Ended::Succeeded, .. });
    let done = report.items.iter().filter(|item| succeeded(&item.ended)).count();
    if done != secrets {
        let other = report.items.iter().find(|item| !succeeded(&item.ended));
        let why = other.map_or_else(|| "nothing was planned".to_owned(), |item| format!("{:?}", item.ended));
        return Err(format!("{done} of {secrets} secrets were rotated; another one: {why}"));
    }
    Ok(Life { time, processor })
}
