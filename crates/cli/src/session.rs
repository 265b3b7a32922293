//! From the command line to an engine: runtime, inventory, who is at work.

use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

use keywheel::{
    core::{Initiator, SecretName, inventory::Inventory, plan::Selection, yaml::near_miss},
    engine::{Boundary, Engine, Observer, Silent, StdinValue},
    open::{self, Opening},
};
use tokio::runtime::{Builder, Runtime};

use crate::{args::Global, exit, failure::Failure, run};

/// Threads of a run: file systems and databases block, and a step that blocks must not hold up the others.
const LEAST_THREADS: usize = 4;

/// The inventory that the command line names.
pub(crate) fn inventory(global: &Global) -> Result<Arc<Inventory>, Failure> {
    let path = &global.inventory;
    // A path with directories is made absolute, so that whatever is kept beside the inventory is found again from
    // wherever keywheel is started.
    let named_alone = path.parent().is_none_or(|parent| parent.as_os_str().is_empty());
    let path = if named_alone { path.clone() } else { absolute(path.clone()) };
    Ok(Arc::new(open::load(&path)?))
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// How an engine is wanted.
pub(crate) struct Wish {
    /// Who listens.
    pub(crate) observer: Arc<dyn Observer>,
    /// A value piped in by the operator.
    pub(crate) stdin: StdinValue,
    /// How long a run waits within itself.
    pub(crate) patience: Duration,
    /// Whether nothing may be written.
    pub(crate) read_only: bool,
}

impl Wish {
    /// To look, and to write nothing.
    pub(crate) fn to_look() -> Self {
        Self {
            observer: Arc::new(Silent),
            stdin: StdinValue::default(),
            patience: Duration::ZERO,
            read_only: true,
        }
    }

    /// To look at values, which the audit notes.
    pub(crate) fn to_read() -> Self {
        Self { read_only: false, ..Self::to_look() }
    }
}

/// A runtime and an engine in it.
pub(crate) struct Session {
    runtime: Runtime,
    pub(crate) engine: Arc<Engine>,
}

impl Session {
    /// For commands that only look: one thread, started in no time.
    pub(crate) fn light(global: &Global, inventory: Arc<Inventory>, wish: Wish) -> Result<Self, Failure> {
        Self::open(global, inventory, wish, Builder::new_current_thread())
    }

    /// For commands that do work.
    pub(crate) fn working(global: &Global, inventory: Arc<Inventory>, wish: Wish) -> Result<Self, Failure> {
        let threads = std::thread::available_parallelism().map_or(LEAST_THREADS, usize::from);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads.max(LEAST_THREADS));
        Self::open(global, inventory, wish, builder)
    }

    fn open(
        global: &Global,
        inventory: Arc<Inventory>,
        wish: Wish,
        mut builder: Builder,
    ) -> Result<Self, Failure> {
        let runtime = builder
            .enable_all()
            .build()
            .map_err(|error| Failure::new(exit::NOT_DONE, format!("no threads can be started: {error}")))?;
        let opening = Opening {
            initiator: initiator(global),
            observer: wish.observer,
            boundary: run::boundary() as Arc<dyn Boundary>,
            clock: run::clock(),
            stdin: wish.stdin,
            patience: wish.patience,
            read_only: wish.read_only,
        };
        // Some parts of an engine want to be made inside the runtime that runs them.
        let engine = {
            let _inside = runtime.enter();
            open::engine(inventory, opening).map_err(|error| Failure::state(&error))?
        };
        Ok(Self { runtime, engine })
    }

    /// Runs `work` to its end.
    pub(crate) fn block_on<F: Future>(&self, work: F) -> F::Output {
        self.runtime.block_on(work)
    }
}

/// `--initiator`, else `user@host`.
pub(crate) fn initiator(global: &Global) -> Initiator {
    if let Some(name) = &global.initiator {
        return Initiator::new(name.as_str());
    }
    let uid = rustix::process::getuid().as_raw();
    let user = user_name(uid).unwrap_or_else(|| format!("uid{uid}"));
    let system = rustix::system::uname();
    Initiator::new(format!("{user}@{}", system.nodename().to_string_lossy()))
}

/// The name of a user. Not from `$USER`, which `sudo` and timers leave as it was or leave out.
fn user_name(uid: u32) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let uid = uid.to_string();
    users.lines().find_map(|line| {
        // name:password:uid:…
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

/// The names as the inventory knows them, or what was probably meant.
pub(crate) fn names(inventory: &Inventory, typed: &[String]) -> Result<Vec<SecretName>, Failure> {
    typed.iter().map(|name| known(inventory, name)).collect()
}

/// As [`names`]; every secret where none was typed.
pub(crate) fn names_or_all(inventory: &Inventory, typed: &[String]) -> Result<Vec<SecretName>, Failure> {
    if typed.is_empty() {
        return Ok(inventory.secrets.iter().map(|entry| entry.name.clone()).collect());
    }
    names(inventory, typed)
}

/// The name as the inventory knows it, or what was probably meant.
pub(crate) fn known(inventory: &Inventory, name: &str) -> Result<SecretName, Failure> {
    let secret = SecretName::from(name);
    if inventory.secret(&secret).is_some() {
        return Ok(secret);
    }
    let known = inventory.secrets.iter().map(|entry| entry.name.as_str());
    Err(unknown("secret", name, known))
}

/// Refuses a selection that names what the inventory does not have.
pub(crate) fn check_selection(inventory: &Inventory, selection: &Selection) -> Result<(), Failure> {
    match selection {
        Selection::Due | Selection::All => Ok(()),
        Selection::Names(names) => {
            names.iter().try_for_each(|name| known(inventory, name.as_str()).map(drop))
        }
        Selection::Tiers(tiers) => tiers.iter().try_for_each(|tier| {
            let known = || inventory.tiers.keys().map(|name| &**name);
            if known().any(|name| name == tier) { Ok(()) } else { Err(unknown("tier", tier, known())) }
        }),
        Selection::Tags(tags) => tags.iter().try_for_each(|tag| {
            let known = || inventory.secrets.iter().flat_map(|entry| &*entry.tags).map(|tag| &**tag);
            if known().any(|name| name == tag) { Ok(()) } else { Err(unknown("tag", tag, known())) }
        }),
    }
}

fn unknown<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n str>) -> Failure {
    let failure = Failure::usage(format!("the inventory has no {what} `{name}`"));
    match near_miss(name, known) {
        Some(near) => failure.next(format!("did you mean `{near}`?")),
        None => failure.next("`keywheel list` shows what it has"),
    }
}
