//! Into the store, where nobody looks.

use keywheel_core::{
    CallContext, Error, ErrorKind, Identity, Result, SecretValue,
    secret::{Stage, VersionInfo},
};

use super::{
    labels,
    picture::Picture,
    secret::{AwsParameter, Tier},
};
use crate::{call::Call, mark::Note};

const STAGE: &str = "stage";

impl AwsParameter {
    pub(super) async fn stage_value(
        &self,
        context: &CallContext,
        value: &SecretValue,
        identity: Option<&Identity>,
    ) -> Result<VersionInfo> {
        self.admit(value)?;
        let id = context.rotation.to_string();
        labels::admit(STAGE, &id, identity).map_err(|error| self.about(error))?;
        let note = Note::new(context, identity);
        note.label(STAGE).map_err(|error| self.about(error))?;
        let mut call = self.call(STAGE, Some(context));
        let seen = self.looked.take().filter(|picture| {
            // Only what leads to a put that the service refuses if there is anything: every other answer needs a look of its own.
            let room = picture.pending.is_none() && picture.stage_of(&id).is_none();
            room && picture.parameter.writable(&call, &self.name).is_ok()
        });
        let mut picture = match seen {
            Some(picture) => picture,
            None => self.look_at_parameter(&call).await?,
        };
        // Not only when it is promoted: by then the target would know the value.
        picture.parameter.writable(&call, &self.name).map_err(|error| self.about(error))?;
        if let Some(stage @ (Stage::Current | Stage::Previous)) = picture.stage_of(&id) {
            return self.promoted_before(&call, &picture, stage, value).await;
        }
        if picture.pending.is_none() {
            let put = self.put_pending(&mut call, &picture.parameter.kept, &note, value).await?;
            if let Some(staged) = put {
                return Ok(staged);
            }
            picture.pending = self.pending(&call).await?;
        }
        let promoted = match (&picture.pending, &picture.current, picture.latest()) {
            (Some(left), Some(current), Some(latest)) if left.id() == current.id => Some((current, latest)),
            (_, _, _) => None,
        };
        if let Some((current, latest)) = promoted {
            // Its maker died before it was dropped, or before anything else says whose it is.
            self.settle(&mut call, &picture, current, latest.number, picture.previous()).await?;
            let put = self.put_pending(&mut call, &picture.parameter.kept, &note, value).await?;
            return put.ok_or_else(|| self.still_deleting(&call));
        }
        match picture.pending {
            Some(found) => self.staged_before(&call, &note, value, &found),
            None => Err(self.still_deleting(&call)),
        }
    }

    async fn promoted_before(
        &self,
        call: &Call<'_>,
        picture: &Picture,
        stage: Stage,
        value: &SecretValue,
    ) -> Result<VersionInfo> {
        let version = if stage == Stage::Current { picture.latest() } else { picture.previous() };
        let found = match version {
            Some(version) => self.version_info(call, picture, stage, version).await?,
            None => None,
        };
        match found {
            Some(found) if found.fingerprint == self.fingerprinter.of(value) => Ok(found),
            Some(_) | None => Err(self.other_bytes(call)),
        }
    }

    /// What the store has no room for, before anything is sent.
    fn admit(&self, value: &SecretValue) -> Result<()> {
        let largest = self.shared.tier.largest();
        let message = match (value.len(), std::str::from_utf8(value.expose_secret())) {
            (0, _) => "Parameter Store takes no empty value".to_owned(),
            (length, _) if length > largest => {
                let hint = if largest < Tier::Advanced.largest() {
                    ": `tier: advanced` has room for 8192"
                } else {
                    ""
                };
                format!("the value has {length} bytes, a parameter of this tier takes {largest}{hint}")
            }
            (_, Err(_)) => "Parameter Store takes text alone, and the value is none".to_owned(),
            // <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>
            (_, Ok(text)) if text.contains("{{") => {
                "Parameter Store takes no value with `{{`, which would name another parameter".to_owned()
            }
            (_, Ok(_)) => return Ok(()),
        };
        Err(self.about(Error::not_applied(ErrorKind::InvalidValue, STAGE, message)))
    }
}
