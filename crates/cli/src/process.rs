//! What is done to the process itself before anything else: no core dumps, private files, panics without payloads.

use std::{
    panic::PanicHookInfo,
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::{
    fs::Mode,
    process::{DumpableBehavior, Resource, Rlimit},
};

static PANICKED: AtomicBool = AtomicBool::new(false);

/// Keeps values out of core dumps and of other users' reach. A system that refuses is no reason to stop: it is then as
/// safe as its own settings make it.
pub(crate) fn harden() {
    // Both limits, so that nothing in the process can raise the lower one again. What a reload command starts inherits
    // them; a service manager that starts the service itself is not concerned.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(Resource::Core, none);
    // The limits do not count where the kernel hands dumps to a program (core(5)); this does. It also keeps other
    // processes of the same user from attaching a debugger and from reading the memory in /proc.
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    rustix::process::umask(Mode::from_raw_mode(0o077));
}

/// A panic's payload may hold whatever a library formatted into it, so only its place is told.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(tell));
}

/// Whether any thread panicked.
pub(crate) fn panicked() -> bool {
    PANICKED.load(Ordering::Relaxed)
}

fn tell(panic: &PanicHookInfo<'_>) {
    PANICKED.store(true, Ordering::Relaxed);
    let place = panic
        .location()
        .map_or_else(|| "an unknown place".to_owned(), |at| format!("{}:{}", at.file(), at.line()));
    let version = env!("CARGO_PKG_VERSION");
    anstream::eprintln!(
        "keywheel {version} has a bug, which showed at {place}.\n\
         What was begun stands in the journal; nothing is lost. `keywheel status` shows it, `keywheel resume` goes on.\n\
         Please report the place above and what you typed."
    );
}
