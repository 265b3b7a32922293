//! Blocking calls beside the caller's runtime, so that the `fsync`s of many rotations wait side by side.

use keywheel_core::{Error, ErrorKind, Result};
use tokio::runtime::Handle;

/// Runs `call` on the runtime's blocking threads, or right here where there is no runtime.
///
/// A caller that stops waiting does not stop `call`: it runs to its end, and the next one for the same secret waits.
///
/// # Errors
/// Those of `call`; `MaybeApplied` when it panicked or the runtime shut down.
pub(crate) async fn blocking<T: Send + 'static>(
    operation: &'static str,
    call: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let Ok(runtime) = Handle::try_current() else { return call() };
    runtime.spawn_blocking(call).await.unwrap_or_else(|error| {
        let kind = if error.is_cancelled() { ErrorKind::Unavailable } else { ErrorKind::Internal };
        // The text of a panic could hold anything.
        let message = if error.is_cancelled() { "the runtime is shutting down" } else { "the call panicked" };
        Err(Error::maybe_applied(kind, operation, message))
    })
}
