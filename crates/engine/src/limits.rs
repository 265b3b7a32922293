//! Limits: how many calls to one store, target or consumer run at once, and how many begin in a second. A hung target
//! holds its own permits and nobody else's.

use std::{collections::HashMap, fmt, num::NonZeroU32, sync::Arc};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock as _};
use keywheel_core::{CallContext, Clock, ConsumerName, Result, RotatorName, StoreName, inventory::Inventory};
use tokio::sync::Semaphore;

use crate::layers::Layer;

/// The limit of one store, target or consumer.
struct Limit {
    at_once: Semaphore,
    rate: Option<DefaultDirectRateLimiter>,
}

impl Limit {
    fn new(at_once: usize, rate: Option<NonZeroU32>) -> Self {
        Self {
            at_once: Semaphore::new(at_once.max(1)),
            // One call may begin at a time: a burst at the start of each second is what a quota is there to prevent.
            rate: rate.map(|rate| {
                let one = NonZeroU32::MIN;
                RateLimiter::direct(Quota::per_second(rate).allow_burst(one))
            }),
        }
    }
}

/// The limits of an inventory.
pub(crate) struct Limits {
    clock: Arc<dyn Clock>,
    stores: HashMap<StoreName, Arc<Limit>>,
    targets: HashMap<RotatorName, Arc<Limit>>,
    consumers: HashMap<ConsumerName, Arc<Limit>>,
}

impl Limits {
    pub(crate) fn new(inventory: &Inventory, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            stores: inventory
                .stores
                .iter()
                .map(|(name, declared)| {
                    (name.clone(), Arc::new(Limit::new(declared.concurrency, declared.rate)))
                })
                .collect(),
            targets: inventory
                .targets
                .iter()
                .map(|(name, declared)| {
                    (name.clone(), Arc::new(Limit::new(declared.concurrency, declared.rate)))
                })
                .collect(),
            // One at a time: two reloads at once teach a consumer nothing more than one.
            consumers: inventory
                .consumers
                .keys()
                .map(|name| (name.clone(), Arc::new(Limit::new(1, None))))
                .collect(),
        }
    }

    /// The limit of calls to the store called `name`.
    pub(crate) fn store(&self, name: &StoreName) -> Limited {
        self.layer(self.stores.get(name), "store", name)
    }

    /// The limit of calls to the target called `name`.
    pub(crate) fn target(&self, name: &RotatorName) -> Limited {
        self.layer(self.targets.get(name), "rotator", name)
    }

    /// The limit of calls to the consumer called `name`.
    pub(crate) fn consumer(&self, name: &ConsumerName) -> Limited {
        self.layer(self.consumers.get(name), "consumer", name)
    }

    fn layer(&self, limit: Option<&Arc<Limit>>, what: &'static str, name: impl fmt::Display) -> Limited {
        Limited { clock: Arc::clone(&self.clock), limit: limit.cloned(), what, name: name.to_string() }
    }
}

/// The layer that makes each call when its turn comes, and names in its errors whom it was for.
#[derive(Clone)]
pub(crate) struct Limited {
    clock: Arc<dyn Clock>,
    limit: Option<Arc<Limit>>,
    what: &'static str,
    name: String,
}

impl Limited {
    #[cfg(test)]
    pub(crate) fn new(clock: Arc<dyn Clock>, at_once: usize, rate: Option<NonZeroU32>) -> Self {
        let limit = Some(Arc::new(Limit::new(at_once, rate)));
        Self { clock, limit, what: "store", name: "model".to_owned() }
    }

    async fn in_turn<T, F>(&self, call: impl FnOnce() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let _permit = match &self.limit {
            Some(limit) => Some(limit.at_once.acquire().await.expect("limits are never closed")),
            None => None,
        };
        if let Some(rate) = self.limit.as_ref().and_then(|limit| limit.rate.as_ref()) {
            while let Err(not_yet) = rate.check() {
                self.clock.sleep(not_yet.wait_time_from(rate.clock().now())).await;
            }
        }
        call().await.map_err(|error| error.with(self.what, &self.name))
    }
}

impl Layer for Limited {
    async fn look<T, F>(&self, _operation: &'static str, call: impl Fn() -> F + Send + Sync) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        self.in_turn(call).await
    }

    async fn change<T, F>(
        &self,
        _operation: &'static str,
        context: CallContext,
        call: impl FnOnce(CallContext) -> F + Send,
    ) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        self.in_turn(|| call(context)).await
    }

    async fn write<T, F>(&self, _operation: &'static str, call: impl FnOnce() -> F + Send) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        self.in_turn(call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "the rate is one of real time")]
    async fn no_more_calls_begin_in_a_second_than_the_rate_allows() {
        let limited = Limited::new(Arc::new(SystemClock), 8, NonZeroU32::new(100));
        let start = std::time::Instant::now();
        for _ in 0..6 {
            limited.look("versions", || async { Ok(()) }).await.expect("the call succeeds");
        }
        assert!(start.elapsed() >= std::time::Duration::from_millis(50), "{:?}", start.elapsed());
    }
}
