//! Limits: how many calls to one store, target or consumer run at once, and how long one may take. A hung target holds
//! its own permits and nobody else's.

use std::{collections::HashMap, future::Future, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock as _};

use keywheel_core::{
    Clock, ConsumerName, Effect, Error, ErrorKind, Result, RotatorName, StoreName, inventory::Inventory,
};
use tokio::sync::Semaphore;

/// How long one call may take before its outcome counts as unknown.
pub(crate) const CALL_TIME: Duration = Duration::from_secs(30);

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
    stores: HashMap<StoreName, Limit>,
    targets: HashMap<RotatorName, Limit>,
    consumers: HashMap<ConsumerName, Limit>,
}

impl Limits {
    pub(crate) fn new(inventory: &Inventory, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            stores: inventory
                .stores
                .iter()
                .map(|(name, declared)| (name.clone(), Limit::new(declared.concurrency, declared.rate)))
                .collect(),
            targets: inventory
                .targets
                .iter()
                .map(|(name, declared)| (name.clone(), Limit::new(declared.concurrency, declared.rate)))
                .collect(),
            // One at a time: two reloads at once teach a consumer nothing more than one.
            consumers: inventory.consumers.keys().map(|name| (name.clone(), Limit::new(1, None))).collect(),
        }
    }

    pub(crate) async fn store<T>(
        &self,
        name: &StoreName,
        effect: Effect,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.within(self.stores.get(name), effect, call).await.map_err(|error| error.with("store", name))
    }

    pub(crate) async fn target<T>(
        &self,
        name: &RotatorName,
        effect: Effect,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.within(self.targets.get(name), effect, call).await.map_err(|error| error.with("rotator", name))
    }

    pub(crate) async fn consumer<T>(
        &self,
        name: &ConsumerName,
        effect: Effect,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.within(self.consumers.get(name), effect, call)
            .await
            .map_err(|error| error.with("consumer", name))
    }

    /// Runs `call` when the limit lets it. `effect` says what a time-out means: a look that timed out changed nothing.
    async fn within<T>(
        &self,
        limit: Option<&Limit>,
        effect: Effect,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let _permit = match limit {
            Some(limit) => Some(limit.at_once.acquire().await.expect("limits are never closed")),
            None => None,
        };
        if let Some(rate) = limit.and_then(|limit| limit.rate.as_ref()) {
            while let Err(not_yet) = rate.check() {
                self.clock.sleep(not_yet.wait_time_from(rate.clock().now())).await;
            }
        }
        tracing::trace!("call");
        tokio::select! {
            biased;
            result = call => {
                tracing::trace!(ok = result.is_ok(), "answer");
                result
            }
            () = self.clock.sleep(CALL_TIME) => Err(Error {
                effect,
                ..Error::not_applied(
                    ErrorKind::TimedOut,
                    "wait",
                    format!("no answer within {} s", CALL_TIME.as_secs()),
                )
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn limits() -> Limits {
        let clock = Arc::new(SystemClock);
        Limits { clock, stores: HashMap::new(), targets: HashMap::new(), consumers: HashMap::new() }
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "the rate is one of real time")]
    async fn no_more_calls_begin_in_a_second_than_the_rate_allows() {
        let limit = Limit::new(8, NonZeroU32::new(100));
        let start = std::time::Instant::now();
        for _ in 0..6 {
            limits()
                .within(Some(&limit), Effect::NotApplied, async { Ok(()) })
                .await
                .expect("the call succeeds");
        }
        assert!(start.elapsed() >= std::time::Duration::from_millis(50), "{:?}", start.elapsed());
    }
}
