//! The layers that fit anywhere, in their order.

use std::sync::Arc;

use keywheel_core::Clock;

use super::{layer::Layered, retrying::Retrying, timed::Timed, traced::Traced};

/// What [`stack`] makes.
pub type Stack<T> = Layered<Traced, Layered<Retrying, Layered<Timed, T>>>;

/// `traced(retrying(timed(inner)))`; events name it `label`. Without limits and without a lease, which are an engine's own.
pub fn stack<T: ?Sized>(inner: Arc<T>, clock: &Arc<dyn Clock>, label: &str) -> Stack<T> {
    let timed = Arc::new(Timed::around(inner, Arc::clone(clock)));
    let retrying = Arc::new(Retrying::around(timed, Arc::clone(clock)));
    Traced::around(retrying, Arc::clone(clock), label)
}
