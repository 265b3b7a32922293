//! The parameter in which a value is pending.

use keywheel_core::{Error, ErrorKind, Result, SecretValue, VersionId, secret::VersionInfo};

use super::{parameter::Kept, requests::NOT_FOUND, secret::AwsParameter};
use crate::{
    call::Call,
    mark::{Note, in_flight},
};

/// What is pending.
pub(super) struct Pending {
    pub(super) note: Note,
    pub(super) value: SecretValue,
    pub(super) created_at: Option<jiff::Timestamp>,
}

impl Pending {
    pub(super) fn id(&self) -> String {
        self.note.mark.rotation.to_string()
    }
}

impl AwsParameter {
    /// Below a root of its own: whoever reads the whole path of a parameter must not find it.
    pub(super) fn beside(&self) -> String {
        format!("{}/{}", super::store::PENDING_ROOT, self.name.trim_start_matches('/'))
    }

    pub(super) async fn pending(&self, call: &Call<'_>) -> Result<Option<Pending>> {
        let found = self.history(call, &self.beside(), true).await?;
        let Some(found) = found.into_iter().max_by_key(|version| version.version) else { return Ok(None) };
        let note = found.description.as_deref().and_then(Note::read);
        let (Some(note), Some(value)) = (note, found.value) else {
            let message = "this parameter is where keywheel keeps a pending value, and somebody else made it";
            return Err(call.error(ErrorKind::Conflict, message).with("parameter", self.beside()));
        };
        Ok(Some(Pending {
            note,
            value: SecretValue::from_vec(value.into_bytes()),
            created_at: found.last_modified_date.and_then(|at| jiff::Timestamp::from_second(at.secs()).ok()),
        }))
    }

    /// Puts the value; `None` if there is another.
    pub(super) async fn put_pending(
        &self,
        call: &mut Call<'_>,
        kept: &Kept,
        note: &Note,
        value: &SecretValue,
    ) -> Result<Option<VersionInfo>> {
        let description = note.label(call.operation)?;
        let kept = Kept {
            key: kept.key.clone(),
            description: Some(description),
            // The largest ones have no room in the standard tier.
            advanced: value.len() > super::secret::STANDARD,
            ..Kept::default()
        };
        match self.put(call, &self.beside(), value, &kept, false).await {
            Ok(_) => {}
            Err(failure) if failure.is(&["ParameterAlreadyExists"]) => return Ok(None),
            Err(failure) => return Err(self.about(failure.error)),
        }
        let pending = Pending { note: note.clone(), value: value.duplicate(), created_at: None };
        Ok(Some(self.pending_info(&pending)))
    }

    pub(super) fn still_deleting(&self, call: &Call<'_>) -> Error {
        let message = "the service is still deleting the value that was pending before";
        self.about(call.error(ErrorKind::Unavailable, message))
    }

    /// What is pending already, if this rotation put these bytes.
    pub(super) fn staged_before(
        &self,
        call: &Call<'_>,
        note: &Note,
        value: &SecretValue,
        found: &Pending,
    ) -> Result<VersionInfo> {
        if found.note.mark.rotation != note.mark.rotation {
            return Err(self.about(in_flight(call.operation, &found.note.mark)));
        }
        if !found.value.same_as(value) {
            return Err(self.other_bytes(call));
        }
        Ok(self.pending_info(found))
    }

    pub(super) fn pending_info(&self, pending: &Pending) -> VersionInfo {
        VersionInfo {
            id: VersionId::new(pending.id()),
            stage: keywheel_core::secret::Stage::Pending,
            fingerprint: self.fingerprinter.of(&pending.value),
            created_at: pending.created_at,
            mark: Some(pending.note.mark.clone()),
            identity: pending.note.identity.clone(),
        }
    }

    pub(super) fn other_bytes(&self, call: &Call<'_>) -> Error {
        self.about(call.error(ErrorKind::Conflict, "this rotation has staged other bytes already"))
    }

    pub(super) async fn drop_pending(&self, call: &mut Call<'_>) -> Result<()> {
        let client = self.client(call).await?;
        match call.change(Box::pin(client.delete_parameter().name(self.beside()).send())).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is(NOT_FOUND) => Ok(()),
            Err(failure) => Err(self.about(failure.error)),
        }
    }
}
