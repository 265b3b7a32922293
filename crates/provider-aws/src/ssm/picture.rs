//! Which version is which, at one moment.

use keywheel_core::{Result, secret::Stage};

use super::{
    labels,
    parameter::{Parameter, Version},
    pending::Pending,
    secret::AwsParameter,
};
use crate::{call::Call, mark::Note};

/// A secret: its parameter, and what is pending beside it.
pub(super) struct Picture {
    pub(super) parameter: Parameter,
    pub(super) pending: Option<Pending>,
    pub(super) current: Option<Current>,
}

/// The latest version, as keywheel knows it.
pub(super) struct Current {
    pub(super) id: String,
    /// What its labels say, or are to say: whoever put it died before they were attached.
    pub(super) note: Option<Note>,
    /// Its labels, or those that it is to get.
    pub(super) labels: Vec<String>,
}

impl Picture {
    pub(super) fn latest(&self) -> Option<&Version> {
        self.parameter.latest()
    }

    /// The version that was current before, until it is retired.
    pub(super) fn previous(&self) -> Option<&Version> {
        let current = self.current.as_ref()?;
        self.parameter.named().find(|version| version.id() != current.id)
    }

    /// What is pending. What was promoted and not dropped yet is so no more.
    pub(super) fn pending(&self) -> Option<&Pending> {
        let current = self.current.as_ref().map(|current| current.id.as_str());
        self.pending.as_ref().filter(|pending| Some(&*pending.id()) != current)
    }

    pub(super) fn is_current(&self, id: &str) -> bool {
        self.current.as_ref().is_some_and(|current| current.id == id)
    }

    /// The stage of version `id`.
    pub(super) fn stage_of(&self, id: &str) -> Option<Stage> {
        if self.is_current(id) {
            Some(Stage::Current)
        } else if self.previous().is_some_and(|version| version.id() == id) {
            Some(Stage::Previous)
        } else {
            self.pending().filter(|pending| pending.id() == id).map(|_| Stage::Pending)
        }
    }
}

impl AwsParameter {
    pub(super) async fn look(&self, call: &Call<'_>) -> Result<Picture> {
        let parameter = self.parameter(call).await?;
        let pending = self.pending(call).await?;
        let current = self.current(call, &parameter, pending.as_ref()).await?;
        Ok(Picture { parameter, pending, current })
    }

    /// Looks for what is pending only where nobody knows without it which version is current.
    pub(super) async fn look_at_parameter(&self, call: &Call<'_>) -> Result<Picture> {
        let parameter = self.parameter(call).await?;
        let named = parameter.latest().is_none_or(Version::has_id);
        let pending = if named { None } else { self.pending(call).await? };
        let current = self.current(call, &parameter, pending.as_ref()).await?;
        Ok(Picture { parameter, pending, current })
    }

    pub(super) async fn parameter(&self, call: &Call<'_>) -> Result<Parameter> {
        let parameter = Parameter::of(self.history(call, &self.name, false).await?);
        parameter.readable(call).map_err(|error| self.about(error))?;
        Ok(parameter)
    }

    /// The latest version. Without a name of its own it is the pending value or an earlier one if it holds the same: a
    /// promotion that ended before the labels were attached.
    pub(super) async fn current(
        &self,
        call: &Call<'_>,
        parameter: &Parameter,
        pending: Option<&Pending>,
    ) -> Result<Option<Current>> {
        let Some(latest) = parameter.latest() else { return Ok(None) };
        if let Some((id, note)) = latest.called() {
            return Ok(Some(Current { id, note, labels: latest.own_labels().collect() }));
        }
        let stranger = Current {
            id: latest.number.to_string(),
            note: None,
            labels: labels::written(&latest.number.to_string(), None),
        };
        if pending.is_none() && parameter.named().next().is_none() {
            return Ok(Some(stranger));
        }
        let Some(value) = self.value(call, latest.number).await? else { return Ok(Some(stranger)) };
        if let Some(pending) = pending.filter(|pending| pending.value.same_as(&value)) {
            let (id, note) = (pending.id(), pending.note.clone());
            return Ok(Some(Current { labels: labels::written(&id, Some(&note)), id, note: Some(note) }));
        }
        for earlier in parameter.named() {
            let same = self.value(call, earlier.number).await?.is_some_and(|found| found.same_as(&value));
            if let (true, Some((id, note))) = (same, earlier.called()) {
                return Ok(Some(Current { id, note, labels: earlier.own_labels().collect() }));
            }
        }
        Ok(Some(stranger))
    }
}
