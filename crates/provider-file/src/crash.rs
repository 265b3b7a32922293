//! Crashes at will, in tests: every step that changes something passes a point, and something can be made to happen there.

use std::cell::RefCell;

use keywheel_core::{Error, ErrorKind, Result};

type Event = Box<dyn FnMut() -> Result<()>>;

thread_local! {
    static PLANNED: RefCell<Option<(usize, Event)>> = const { RefCell::new(None) };
}

/// Runs `operation`, which dies, and changes nothing more, before its step number `step` (from 0).
pub(crate) fn before_step<T>(step: usize, operation: impl FnOnce() -> T) -> T {
    let death = || Err(Error::maybe_applied(ErrorKind::Internal, "crash", "the process died here"));
    with_event(step, Box::new(death), operation)
}

/// Runs `operation`; before its step number `step`, somebody else does `event`.
pub(crate) fn meanwhile<T>(
    step: usize,
    mut event: impl FnMut() + 'static,
    operation: impl FnOnce() -> T,
) -> T {
    let mut happened = false;
    let once = move || {
        if !std::mem::replace(&mut happened, true) {
            event();
        }
        Ok(())
    };
    with_event(step, Box::new(once), operation)
}

/// Whether an error is a crash.
pub(crate) fn is_crash(error: &Error) -> bool {
    error.operation == "crash"
}

pub(crate) fn point() -> Result<()> {
    PLANNED.with_borrow_mut(|planned| match planned {
        Some((0, event)) => event(),
        Some((left, _)) => {
            *left -= 1;
            Ok(())
        }
        None => Ok(()),
    })
}

fn with_event<T>(step: usize, event: Event, operation: impl FnOnce() -> T) -> T {
    PLANNED.set(Some((step, event)));
    let outcome = operation();
    PLANNED.set(None);
    outcome
}
