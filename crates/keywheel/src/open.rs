//! From an inventory file to an engine that can run it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use keywheel_core::{
    Clock, Effect, Error, ErrorKind, Initiator, OsEntropy,
    inventory::{self, Inventory},
    journal::Journal,
    yaml::Diagnostics,
};
use keywheel_engine::{
    Boundary, Engine, EngineParts, Keys, NoBoundary, Observer, Silent, StdinValue, SystemClock,
};

use crate::table;

/// Larger inventories are refused before they are read into memory.
const LARGEST_INVENTORY: u64 = 256 * 1024 * 1024;

/// The inventory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(Error),
    /// The file has mistakes.
    #[error("the inventory has {} mistakes", .0.len())]
    Mistakes(Box<Diagnostics>),
}

/// Reads the inventory at `path` with every kind that this build has.
///
/// # Errors
/// [`LoadError`] with every mistake in the file.
pub fn load(path: &Path) -> Result<Inventory, LoadError> {
    let failed = |error| {
        let error = Error::from_io("read inventory", Effect::NotApplied, error).with("path", path.display());
        LoadError::Unreadable(error)
    };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > LARGEST_INVENTORY {
        let message = format!("the file has {size} bytes; at most {LARGEST_INVENTORY} are read");
        let error = Error::not_applied(ErrorKind::InvalidConfig, "read inventory", message);
        return Err(LoadError::Unreadable(error.with("path", path.display())));
    }
    let text = std::fs::read(path).map_err(failed)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    inventory::read(path, text, &table::kinds(), &clock)
        .map_err(|mistakes| LoadError::Mistakes(Box::new(mistakes)))
}

/// How an engine is opened.
pub struct Opening {
    /// Who is at work.
    pub initiator: Initiator,
    /// Who listens.
    pub observer: Arc<dyn Observer>,
    /// Where a crash harness may kill the process.
    pub boundary: Arc<dyn Boundary>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// A value piped in by the operator.
    pub stdin: StdinValue,
    /// How long one run waits for a retry before it leaves it to the next run.
    pub patience: Duration,
    /// Whether nothing may be written: for commands that only look.
    pub read_only: bool,
}

impl Opening {
    /// An opening that nobody listens to.
    pub fn new(initiator: Initiator) -> Self {
        Self {
            initiator,
            observer: Arc::new(Silent),
            boundary: Arc::new(NoBoundary),
            clock: Arc::new(SystemClock),
            stdin: StdinValue::default(),
            patience: Duration::from_secs(10),
            read_only: false,
        }
    }
}

/// Where the embedded journal of `inventory` lives.
pub fn journal_path(inventory: &Inventory) -> PathBuf {
    inventory.state.join("journal.db")
}

/// Opens the embedded journal at `path`.
///
/// # Errors
/// When it cannot be opened, is damaged, or was written by a newer keywheel.
#[cfg(feature = "sqlite")]
pub fn journal(path: &Path, opening: &Opening) -> Result<Arc<dyn Journal>, Error> {
    use keywheel_journal_sqlite::SqliteJournal;

    if opening.read_only {
        return Ok(SqliteJournal::open_read_only(path)?);
    }
    Ok(SqliteJournal::open(path, opening.clock.clone(), &OsEntropy)?)
}

/// Opens the embedded journal and the keys of `inventory`, and puts an engine together.
///
/// # Errors
/// When journal or keys cannot be opened: nothing has been changed then.
#[cfg(feature = "sqlite")]
pub fn engine(inventory: Arc<Inventory>, opening: Opening) -> Result<Arc<Engine>, Error> {
    let path = journal_path(&inventory);
    // Keys first: once a journal exists, they exist, and a missing one is a loss and not a beginning.
    let keys = if opening.read_only {
        Keys::open_read_only(&inventory, &OsEntropy)?
    } else if path.exists() {
        Keys::open(&inventory)?
    } else {
        Keys::open_or_create(&inventory, &OsEntropy)?
    };
    let journal = journal(&path, &opening)?;
    Ok(engine_over(inventory, journal, keys, opening))
}

/// Puts an engine together over a journal and keys that the caller opened.
pub fn engine_over(
    inventory: Arc<Inventory>,
    journal: Arc<dyn Journal>,
    keys: Keys,
    opening: Opening,
) -> Arc<Engine> {
    Engine::new(EngineParts {
        inventory,
        journal,
        clock: opening.clock,
        entropy: Arc::new(OsEntropy),
        keys,
        provided: table::provided_values(),
        stdin: opening.stdin,
        observer: opening.observer,
        boundary: opening.boundary,
        initiator: opening.initiator,
        patience: opening.patience,
    })
}
