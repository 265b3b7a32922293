//! A target across the network.

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use keywheel_core::{
    CallContext, Clock, Effect, Error, ErrorKind, Generation, Identity, Result, SecretValue,
    provider::{Finding, Target},
    rotator::{Credential, IssuedCredential, Minted, Probe, Reissued, Rotator, Strategy},
};
use keywheel_testkit::memory::MemoryTarget;

use crate::{
    fault::Server,
    judge::{Deed, Judge},
    network::Network,
    schedule::Request,
};

/// A declared target.
#[derive(Clone)]
pub(crate) struct SimTarget {
    pub(crate) model: MemoryTarget,
    pub(crate) network: Network,
    pub(crate) judge: Judge,
}

impl Target for SimTarget {
    fn describe(&self) -> String {
        "target".to_owned()
    }

    fn strategy(&self) -> Strategy {
        self.model.strategy()
    }

    fn rotator(&self, _identity: Option<&Identity>) -> Arc<dyn Rotator> {
        Arc::new(self.clone())
    }
}

/// A credential that a request carries: it outlives the caller.
struct Carried {
    identity: Option<Identity>,
    value: SecretValue,
}

impl Carried {
    fn of(credential: Credential<'_>) -> Self {
        Self { identity: credential.identity.cloned(), value: credential.value.duplicate() }
    }

    fn credential(&self) -> Credential<'_> {
        Credential { identity: self.identity.as_ref(), value: &self.value }
    }
}

/// A model answers at once.
fn now<T>(answer: impl Future<Output = Result<T>>) -> Result<T> {
    answer.now_or_never().unwrap_or_else(|| {
        Err(Error::not_applied(ErrorKind::Internal, "ask model", "a model did not answer at once"))
    })
}

fn request(verb: &'static str) -> Request {
    Request { on: "target", verb, about: "" }
}

#[async_trait]
impl Rotator for SimTarget {
    fn strategy(&self) -> Strategy {
        self.model.strategy()
    }

    fn next_identity(&self, current: Option<&Identity>) -> Result<Option<Identity>> {
        self.model.open().next_identity(current)
    }

    async fn probe(&self, credential: Credential<'_>) -> Result<Probe> {
        let answer = self
            .network
            .look(Server::Remote, request("probe"), || now(self.model.open().probe(credential)))
            .await;
        if answer.is_ok() {
            self.judge.asked(credential.value);
        }
        answer
    }

    async fn apply(
        &self,
        context: &CallContext,
        new: Credential<'_>,
        current: Option<Credential<'_>>,
    ) -> Result<()> {
        self.judge.deed(self.network.current(), context, Deed::Apply(new.value));
        let (rotator, judge, context) = (self.model.open(), self.judge.clone(), context.clone());
        let process = self.network.current();
        let (new, current) = (Carried::of(new), current.map(Carried::of));
        self.network
            .change(Server::Remote, request("apply"), move || {
                judge.told(process, &context, &new.value);
                now(rotator.apply(&context, new.credential(), current.as_ref().map(Carried::credential)))
            })
            .await
    }

    async fn revoke(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        self.judge.deed(self.network.current(), context, Deed::Revoke(old.value));
        let (rotator, context) = (self.model.open(), context.clone());
        let (old, remaining) = (Carried::of(old), remaining.map(Carried::of));
        self.network
            .change(Server::Remote, request("revoke"), move || {
                now(rotator.revoke(&context, old.credential(), remaining.as_ref().map(Carried::credential)))
            })
            .await
    }

    async fn mint(&self, context: &CallContext) -> Result<Minted> {
        self.judge.deed(self.network.current(), context, Deed::Mint);
        let (rotator, context) = (self.model.open(), context.clone());
        self.network.change(Server::Remote, request("mint"), move || now(rotator.mint(&context))).await
    }

    async fn generation(&self) -> Result<Option<Generation>> {
        let look = || now(self.model.open().generation());
        self.network.look(Server::Remote, request("generation"), look).await
    }

    /// Three requests, as a server without a comparison of its own has them: one that was sent may arrive whenever it likes.
    async fn reissue(&self, context: &CallContext, seen: Option<&Generation>) -> Result<Reissued> {
        self.judge.deed(self.network.current(), context, Deed::Reissue);
        let mut may_have = false;
        if self.generation().await?.as_ref() == seen {
            let model = self.model.clone();
            // Between the look and the change the process may have been stopped for as long as others need.
            if self.network.clock().running() > context.deadline {
                let why = "the deadline has passed";
                return Err(Error::not_applied(ErrorKind::TimedOut, "reissue", why));
            }
            let make = move || {
                model.moves_on();
                Ok(())
            };
            self.network.change(Server::Remote, request("reissue"), make).await?;
            may_have = true;
        }
        let present = self.network.look(Server::Remote, request("present"), || self.model.present()).await;
        present
            .map_err(|error| if may_have { Error { effect: Effect::MaybeApplied, ..error } } else { error })
    }

    async fn list(&self) -> Result<Vec<IssuedCredential>> {
        self.network.look(Server::Remote, request("list"), || now(self.model.open().list())).await
    }

    async fn revoke_orphan(&self, context: &CallContext, identity: &Identity) -> Result<()> {
        self.judge.deed(self.network.current(), context, Deed::RevokeOrphan);
        let (rotator, context, identity) = (self.model.open(), context.clone(), identity.clone());
        self.network
            .change(Server::Remote, request("revoke-orphan"), move || {
                now(rotator.revoke_orphan(&context, &identity))
            })
            .await
    }

    async fn examine(&self) -> Vec<Finding> {
        Vec::new()
    }
}
