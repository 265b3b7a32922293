//! Hands out what the engine calls: every store, target and consumer with all layers around it.

use std::{fmt, sync::Arc};

use keywheel_core::{
    Clock, ConsumerName, Error, ErrorKind, Fingerprinter, Identity, Result, RotatorName, notifier::Notifier,
    rotation::StoreRef, rotator::Rotator, secret::Secret,
};

use crate::{
    elsewhere::{LoginElsewhere, RotatorFor},
    engine::Engine,
    layers::{Layered, Retrying, Timed, Traced},
    lease::{HeldLease, Leased},
    limits::Limited,
};

/// The whole stack. [`layers`](crate::layers) says why in this order.
type Dressed<T> = Layered<Traced, Layered<Retrying, Layered<Limited, Layered<Leased, Layered<Timed, T>>>>>;

/// Handles to what the inventory declares.
pub(crate) struct Handles<'a> {
    engine: &'a Engine,
    leased: Leased,
}

impl Engine {
    /// Handles to look with: a call that would change something is a defect, and refused.
    pub(crate) fn looking(&self) -> Handles<'_> {
        Handles { engine: self, leased: Leased(None) }
    }

    /// Handles to change something with, for as long as `lease` is held.
    pub(crate) fn changing_under(&self, lease: &Arc<HeldLease>) -> Handles<'_> {
        Handles { engine: self, leased: Leased(Some(Arc::clone(lease))) }
    }
}

impl Handles<'_> {
    /// One secret in one store.
    pub(crate) fn secret(&self, place: &StoreRef, fingerprinter: Fingerprinter) -> Result<Arc<dyn Secret>> {
        let declared = self.engine.inventory.stores.get(&place.store);
        let declared = declared.ok_or_else(|| gone("store", place.store.as_str()))?;
        let secret = declared.store.secret(&place.location, fingerprinter);
        Ok(Arc::new(self.dress(secret, self.engine.limits.store(&place.store), &place.store)))
    }

    /// One target, for a secret that the inventory says is for `identity`; logins are tried at `login`, if that is another
    /// one.
    pub(crate) fn rotator(
        &self,
        name: &RotatorName,
        login: Option<&RotatorName>,
        identity: Option<&Identity>,
    ) -> Result<Arc<dyn Rotator>> {
        let target = self.target(name)?(identity);
        let Some(login) = login else { return Ok(target) };
        Ok(Arc::new(LoginElsewhere { target, login: self.target(login)? }))
    }

    /// What makes a rotator for whom a secret of the target called `name` is for.
    fn target(&self, name: &RotatorName) -> Result<RotatorFor> {
        let declared = self.engine.inventory.targets.get(name);
        let target = Arc::clone(&declared.ok_or_else(|| gone("rotator", name.as_str()))?.target);
        let (clock, leased) = (Arc::clone(&self.engine.clock), self.leased.clone());
        let (limited, label) = (self.engine.limits.target(name), name.to_string());
        Ok(Box::new(move |identity| {
            Arc::new(dress(target.rotator(identity), &clock, leased.clone(), limited.clone(), &label))
        }))
    }

    /// One consumer.
    pub(crate) fn notifier(&self, name: &ConsumerName) -> Result<Arc<dyn Notifier>> {
        let declared = self.engine.inventory.consumers.get(name);
        let declared = declared.ok_or_else(|| gone("consumer", name.as_str()))?;
        let notifier = self.dress(declared.consumer.notifier(), self.engine.limits.consumer(name), name);
        // Outermost: whoever waits for others has not asked for the consumer's turn yet, nor for its own lease.
        Ok(self.engine.gathers.around(name, Arc::new(notifier)))
    }

    fn dress<T: ?Sized>(&self, inner: Arc<T>, limited: Limited, label: impl fmt::Display) -> Dressed<T> {
        dress(inner, &self.engine.clock, self.leased.clone(), limited, &label.to_string())
    }
}

fn dress<T: ?Sized>(
    inner: Arc<T>,
    clock: &Arc<dyn Clock>,
    leased: Leased,
    limited: Limited,
    label: &str,
) -> Dressed<T> {
    let timed = Arc::new(Timed::around(inner, Arc::clone(clock)));
    let leased = Arc::new(Layered::new(leased, timed));
    let limited = Arc::new(Layered::new(limited, leased));
    let retrying = Arc::new(Retrying::around(limited, Arc::clone(clock)));
    Traced::around(retrying, Arc::clone(clock), label)
}

fn gone(what: &str, name: &str) -> Error {
    Error::not_applied(
        ErrorKind::InvalidConfig,
        "find",
        format!("the inventory has no {what} `{name}` any more; put its entry back, then `keywheel resume`"),
    )
}

#[cfg(test)]
mod tests;
