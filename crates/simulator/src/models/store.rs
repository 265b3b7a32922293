//! Stores with the three ways of keeping stages, each as the requests that a provider makes of such a system.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Clock, Effect, Error, ErrorKind, Fingerprinter, Identity, Result, SecretValue, VersionId,
    provider::{Entrusted, Finding, Store},
    rotation::Location,
    secret::{RotationMark, Secret, SecretCapabilities, Stage, VersionInfo, Versions},
};

use super::shelf::{Entry, Places, Shelf};
use crate::{
    fault::Server,
    judge::{Deed, Judge},
    network::Network,
    schedule::Request,
};

/// The largest value, in bytes: as much as AWS Secrets Manager and Google's take.
const LARGEST: usize = 64 * 1024;

/// How a store keeps the stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreModel {
    /// Labels on versions, moved by the store itself under a check: AWS Secrets Manager.
    Native,
    /// A sibling keeps the pending version; the current one is written under check-and-set: Vault, Kubernetes, Google.
    Sibling,
    /// A sibling keeps the pending version; the current one is overwritten, whatever it is by then: AWS SSM.
    LastWriter,
}

impl StoreModel {
    /// Every model.
    pub const ALL: [Self; 3] = [Self::Native, Self::Sibling, Self::LastWriter];

    /// The name that scenarios are written with.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Sibling => "sibling",
            Self::LastWriter => "last-writer",
        }
    }
}

/// A declared store that holds one secret.
pub(crate) struct SimStore {
    pub(crate) model: StoreModel,
    pub(crate) shelf: Shelf,
    pub(crate) label: &'static str,
    pub(crate) network: Network,
    pub(crate) judge: Option<Judge>,
}

#[async_trait]
impl Store for SimStore {
    fn describe(&self) -> String {
        self.label.to_owned()
    }

    fn check_location(&self, _location: &Location) -> Result<(), String> {
        Ok(())
    }

    fn beside(&self, key: &str, stage: Stage) -> Option<Arc<str>> {
        Some(format!("{key}.{stage}").into())
    }

    fn secret(&self, _location: &Location, fingerprinter: Fingerprinter) -> Arc<dyn Secret> {
        Arc::new(SimSecret {
            model: self.model,
            shelf: self.shelf.clone(),
            label: self.label,
            network: self.network.clone(),
            judge: self.judge.clone(),
            fingerprinter,
        })
    }

    async fn examine(&self, _entrusted: &[Entrusted]) -> Vec<Finding> {
        Vec::new()
    }
}

/// A handle of the secret in a modelled store.
pub struct SimSecret {
    model: StoreModel,
    shelf: Shelf,
    label: &'static str,
    network: Network,
    judge: Option<Judge>,
    fingerprinter: Fingerprinter,
}

impl SimSecret {
    /// A handle of what is on `shelf`, over a network on which nothing fails.
    pub fn calm(model: StoreModel, shelf: Shelf, clock: keywheel_testkit::ManualClock) -> Self {
        Self {
            model,
            shelf,
            label: "store",
            network: Network::new(crate::schedule::Schedule::Calm, clock),
            judge: None,
            fingerprinter: Fingerprinter::plain(),
        }
    }

    async fn look<T>(&self, verb: &'static str, look: impl FnOnce(&Places) -> Result<T>) -> Result<T> {
        let request = Request { on: self.label, verb, about: "" };
        self.network.look(Server::Remote, request, || look(&self.shelf.places())).await
    }

    /// Nothing is sent after the deadline: between the look and the change that follows from it the process may have been
    /// stopped, and others may have come.
    async fn change<T: Send + 'static>(
        &self,
        context: &CallContext,
        verb: &'static str,
        change: impl FnOnce(&mut Places) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.network.clock().running() > context.deadline {
            return Err(Error::not_applied(ErrorKind::TimedOut, verb, "the deadline has passed"));
        }
        let request = Request { on: self.label, verb, about: "" };
        let places = self.shelf.clone();
        self.network.change(Server::Remote, request, move || change(&mut places.places())).await
    }

    fn deed(&self, context: &CallContext, deed: Deed) {
        if let Some(judge) = &self.judge {
            judge.deed(self.network.current(), context, deed);
        }
    }

    fn describe(&self, entry: &Entry, stage: Stage) -> VersionInfo {
        VersionInfo {
            id: entry.id.clone(),
            stage,
            fingerprint: self.fingerprinter.of(&entry.value),
            created_at: entry.created_at,
            mark: entry.mark.clone(),
            identity: entry.identity.clone(),
        }
    }

    /// The version is current: whatever it left behind on its way goes.
    async fn tidy(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        let (pending, next) = self
            .look("look", |places| {
                let holds = |place: &Option<Entry>| place.as_ref().is_some_and(|entry| entry.id == *version);
                Ok((holds(&places.pending), holds(&places.next)))
            })
            .await?;
        if pending {
            self.drop_pending(context, version.clone()).await?;
        }
        if next {
            self.drop_next(context, version.clone()).await?;
        }
        Ok(())
    }

    async fn drop_pending(&self, context: &CallContext, version: VersionId) -> Result<()> {
        self.change(context, "drop-pending", move |places| {
            places.pending.take_if(|entry| entry.id == version);
            Ok(())
        })
        .await
    }

    async fn drop_next(&self, context: &CallContext, version: VersionId) -> Result<()> {
        self.change(context, "drop-next", move |places| {
            places.next.take_if(|entry| entry.id == version);
            Ok(())
        })
        .await
    }

    /// Makes the entry current if `expected` is: the store itself looks and writes in one.
    async fn put_current_checked(
        &self,
        context: &CallContext,
        entry: Entry,
        expected: Option<VersionId>,
    ) -> Result<()> {
        self.change(context, "put-current", move |places| {
            let current = places.current.as_ref().map(|current| &current.id);
            if current == Some(&entry.id) {
                return Ok(());
            }
            if current != expected.as_ref() {
                return Err(another_is_current(places));
            }
            places.previous = places.current.replace(entry);
            Ok(())
        })
        .await
    }

    /// Makes the entry current whatever is, then sees whether it was the next version, then moves the labels.
    async fn put_current_blindly(&self, context: &CallContext, entry: Entry) -> Result<()> {
        let id = entry.id.clone();
        self.change(context, "put-current", move |places| {
            let same = places.current.as_ref().is_some_and(|current| current.id == entry.id);
            if !same {
                places.unlabelled = places.current.replace(entry);
            }
            Ok(())
        })
        .await?;
        let check = self.look("check-version", |places| {
            if places.current.as_ref().is_some_and(|current| current.id == id) {
                return Ok(());
            }
            Err(Error::maybe_applied(ErrorKind::Conflict, "promote", "somebody wrote at the same moment"))
        });
        check.await.map_err(half_done)?;
        self.move_labels(context).await.map_err(half_done)
    }

    async fn move_labels(&self, context: &CallContext) -> Result<()> {
        self.change(context, "move-labels", |places| {
            if let Some(displaced) = places.unlabelled.take() {
                places.previous = Some(displaced);
            }
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl Secret for SimSecret {
    fn capabilities(&self) -> SecretCapabilities {
        SecretCapabilities {
            native_staging: self.model == StoreModel::Native,
            check_and_set: self.model != StoreModel::LastWriter,
            publishes_next: true,
            history: 1,
            max_bytes: LARGEST,
            binary: true,
        }
    }

    async fn versions(&self) -> Result<Versions> {
        self.look("look", |places| {
            let seen = Stage::ALL
                .into_iter()
                .filter_map(|stage| places.at(stage).map(|entry| self.describe(entry, stage)));
            Ok(Versions(seen.collect()))
        })
        .await
    }

    async fn read(&self, stage: Stage) -> Result<SecretValue> {
        self.look("read", |places| {
            places.at(stage).map(|entry| entry.value.duplicate()).ok_or_else(|| {
                Error::not_applied(ErrorKind::NotFound, "read", format!("there is no {stage} version"))
            })
        })
        .await
    }

    async fn stage(
        &self,
        context: &CallContext,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo> {
        if value.len() > LARGEST {
            return Err(Error::not_applied(ErrorKind::InvalidValue, "stage", "the value is too large"));
        }
        self.deed(context, Deed::Stage);
        let ours = |entry: &Entry| entry.mark.as_ref().is_some_and(|mark| mark.rotation == context.rotation);
        let staged = self
            .look("look", |places| {
                for stage in Stage::ALL {
                    let Some(entry) = places.at(stage).filter(|entry| ours(entry)) else { continue };
                    if !entry.value.same_as(value) {
                        return Err(other_bytes());
                    }
                    return Ok(Some(self.describe(entry, stage)));
                }
                match places.at(Stage::Pending).or(places.at(Stage::Next)) {
                    Some(entry) => Err(in_flight(entry)),
                    None => Ok(None),
                }
            })
            .await?;
        if let Some(staged) = staged {
            return Ok(staged);
        }
        let entry = Entry {
            id: VersionId::new(format!("of-{}", context.rotation)),
            value: value.duplicate(),
            created_at: Some(context.started_at),
            mark: Some(RotationMark {
                rotation: context.rotation,
                started_at: context.started_at,
                initiator: context.initiator.clone(),
            }),
            identity: identity.cloned(),
        };
        let info = self.describe(&entry, Stage::Pending);
        let (judge, process, circumstances) = (self.judge.clone(), self.network.current(), context.clone());
        self.change(context, "put-pending", move |places| {
            match places.by_id(&entry.id) {
                Some(there) if there.value.same_as(&entry.value) => return Ok(()),
                Some(_) => return Err(other_bytes()),
                None => {}
            }
            // A sibling is made, or is there already; a label that another version has is not moved unless asked. What is
            // current by now, and has the label still, does not need it.
            if let Some(other) = places.at(Stage::Pending) {
                return Err(in_flight(other));
            }
            if let Some(judge) = &judge {
                judge.staged(process, &circumstances, &entry.value);
            }
            places.pending = Some(entry);
            Ok(())
        })
        .await?;
        Ok(info)
    }

    async fn publish(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        self.deed(context, Deed::Publish);
        let found = self
            .look("look", |places| {
                if places.by_id(version).is_none() {
                    return Err(unknown("publish", version));
                }
                let pending = places.pending.clone().filter(|entry| entry.id == *version);
                Ok((pending, places.at(Stage::Pending).is_none_or(|entry| entry.id != *version)))
            })
            .await?;
        let (Some(entry), published) = found else { return Ok(()) };
        if !published {
            self.change(context, "put-next", move |places| {
                if places.at(Stage::Next).is_some_and(|next| next.id != entry.id) {
                    return Err(Error::not_applied(
                        ErrorKind::Conflict,
                        "publish",
                        "another version is published",
                    ));
                }
                places.next = Some(entry);
                Ok(())
            })
            .await?;
        }
        self.drop_pending(context, version.clone()).await.map_err(half_done)
    }

    async fn promote(
        &self,
        context: &CallContext,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        self.deed(context, Deed::Promote);
        let entry = self
            .look("look", |places| {
                if places.current.as_ref().is_some_and(|current| current.id == *version) {
                    return Ok(None);
                }
                let Some(entry) = places.by_id(version) else { return Err(unknown("promote", version)) };
                if places.current.as_ref().map(|current| &current.id) != expected {
                    return Err(another_is_current(places));
                }
                Ok(Some(entry.clone()))
            })
            .await?;
        match (entry, self.model) {
            (Some(entry), StoreModel::Native | StoreModel::Sibling) => {
                self.put_current_checked(context, entry, expected.cloned()).await?;
            }
            (Some(entry), StoreModel::LastWriter) => self.put_current_blindly(context, entry).await?,
            // An earlier attempt got that far, and perhaps not to the labels.
            (None, StoreModel::LastWriter) => self.move_labels(context).await?,
            (None, StoreModel::Native | StoreModel::Sibling) => {}
        }
        // A label that is left behind on the current version says nothing; a sibling would.
        if self.model == StoreModel::Native {
            return Ok(());
        }
        self.tidy(context, version).await.map_err(half_done)
    }

    async fn retire(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        self.deed(context, Deed::Retire(version));
        let version = version.clone();
        self.change(context, "drop", move |places| {
            if places.current.as_ref().is_some_and(|current| current.id == version) {
                return Err(Error::not_applied(ErrorKind::Conflict, "retire", "the version is current"));
            }
            let Places { pending, next, previous, unlabelled, current: _ } = places;
            for place in [pending, next, previous, unlabelled] {
                place.take_if(|entry| entry.id == version);
            }
            Ok(())
        })
        .await
    }
}

/// What fails after the first of several requests leaves something behind.
fn half_done(error: Error) -> Error {
    Error { effect: Effect::MaybeApplied, ..error }
}

fn unknown(operation: &'static str, version: &VersionId) -> Error {
    Error::not_applied(ErrorKind::NotFound, operation, "there is no such version").with("version", version)
}

fn another_is_current(places: &Places) -> Error {
    let found = places.current.as_ref().map_or("none", |current| current.id.as_str());
    Error::not_applied(ErrorKind::Conflict, "promote", "another version is current").with("current", found)
}

fn other_bytes() -> Error {
    Error::not_applied(ErrorKind::Conflict, "stage", "this rotation has staged other bytes already")
}

fn in_flight(entry: &Entry) -> Error {
    let error = Error::not_applied(ErrorKind::Conflict, "stage", "another rotation is in flight");
    match &entry.mark {
        Some(mark) => error
            .with("rotation", mark.rotation)
            .with("started", mark.started_at)
            .with("initiator", &mark.initiator),
        None => error.with("version", &entry.id),
    }
}
