//! Into the store: put, then made pending.

use keywheel_core::{
    CallContext, Effect, Error, ErrorKind, Identity, Result, SecretValue, VersionId,
    secret::{Stage, VersionInfo},
};

use super::{
    picture::{PENDING, Picture},
    requests::LABEL_MOVED,
    secret::{AwsSecret, LARGEST},
};
use crate::{
    call::Call,
    mark::{Note, in_flight},
};

const STAGE: &str = "stage";

impl AwsSecret {
    pub(super) async fn stage_value(
        &self,
        context: &CallContext,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo> {
        self.admit(value)?;
        let note = Note::new(context, identity);
        let label = note.label(STAGE)?;
        let mut call = self.call(STAGE, Some(context));
        let id = context.rotation.to_string();
        let seen = self.looked.take().filter(|picture| {
            // Only what leads to the request that the service refuses to all but one: every other answer needs a look of its own.
            let room = picture.at(Stage::Current).is_some() && picture.at(Stage::Pending).is_none();
            room && !picture.has(&id) && picture.writable(&call, &self.name).is_ok()
        });
        let picture = match seen {
            Some(picture) => picture,
            None => self.describe(&call, &self.name).await?,
        };
        picture.writable(&call, &self.name)?;
        if picture.at(Stage::Current).is_none() {
            return self.stage_first(&mut call, &note, &label, value).await;
        }
        if picture.has(&id) {
            let staged = self.staged_before(&call, &picture, &id, value).await?;
            if picture.holder(PENDING) == Some(&*id) || staged.stage != Stage::Pending {
                return Ok(staged);
            }
            // An earlier attempt put it and did not come to the label.
            self.make_pending(&mut call, &picture, &id, &label).await?;
            return Ok(staged);
        }
        if let Some(other) = picture.at(Stage::Pending) {
            return Err(self.company(&picture, other));
        }
        let put = self.put(&mut call, &id, value, &label).await.map_err(|failure| {
            if failure.is(&["ResourceExistsException"]) { self.other_bytes(&call) } else { failure.error }
        })?;
        if !put.version_stages().contains(&label) {
            // It was there, without a label: put and dropped by this rotation before.
            self.attach(&mut call, &label, &id, None).await?;
        }
        self.make_pending(&mut call, &picture, &id, &label).await?;
        Ok(VersionInfo {
            id: VersionId::new(id),
            stage: Stage::Pending,
            fingerprint: self.fingerprinter.of(value),
            created_at: None,
            mark: Some(note.mark),
            identity: note.identity,
        })
    }

    /// Attaches the label. The service refuses it while another version has it, but for one that we saw it left behind on.
    async fn make_pending(
        &self,
        call: &mut Call<'_>,
        picture: &Picture,
        id: &str,
        label: &str,
    ) -> Result<()> {
        let Err(failure) = self.attach(call, PENDING, id, picture.holder(PENDING)).await else {
            return Ok(());
        };
        if !failure.is(LABEL_MOVED) {
            return Err(failure.error);
        }
        let now = self.describe(call, &self.name).await?;
        match now.holder(PENDING) {
            Some(holder) if holder == id => Ok(()),
            Some(other) => {
                let error = Error { effect: Effect::MaybeApplied, ..self.company(&now, other) };
                // Without a label nobody reads it, and nobody takes it for a rotation.
                let _left_for_discard = self.detach(call, label, id).await;
                Err(error)
            }
            None => Err(failure.error),
        }
    }

    /// What an earlier attempt of this rotation put, if it was these bytes.
    async fn staged_before(
        &self,
        call: &Call<'_>,
        picture: &Picture,
        id: &str,
        value: &SecretValue,
    ) -> Result<VersionInfo> {
        let found = self.value(call, &self.name, id).await?;
        let Some(found) = found.filter(|found| found.value.same_as(value)) else {
            return Err(self.other_bytes(call));
        };
        let stage = picture.stage_of(id).unwrap_or(Stage::Pending);
        Ok(self.info(stage, &found, picture.note(id)))
    }

    /// What the store has no room for, before anything is sent.
    pub(super) fn admit(&self, value: &SecretValue) -> Result<()> {
        let message = match value.len() {
            0 => "Secrets Manager takes no empty value".to_owned(),
            length if length > LARGEST => {
                format!("the value has {length} bytes, Secrets Manager takes {LARGEST}")
            }
            _ => return Ok(()),
        };
        Err(self.about(Error::not_applied(ErrorKind::InvalidValue, STAGE, message)))
    }

    pub(super) fn other_bytes(&self, call: &Call<'_>) -> Error {
        self.about(call.error(ErrorKind::Conflict, "this rotation has staged other bytes already"))
    }

    /// Version `other` is pending.
    fn company(&self, picture: &Picture, other: &str) -> Error {
        let error = match picture.note(other) {
            Some(note) => in_flight(STAGE, &note.mark),
            None => Error::not_applied(
                ErrorKind::Conflict,
                STAGE,
                format!(
                    "somebody without keywheel has a rotation in flight, or left it unfinished: if nobody needs the \
                     version, drop it with `aws secretsmanager update-secret-version-stage --secret-id {} \
                     --version-stage AWSPENDING --remove-from-version-id {other}`",
                    self.name
                ),
            )
            .with("version", other),
        };
        self.about(error)
    }
}
