//! The keys that a user has, and whose they are.

use aws_sdk_iam::types::{StatusType, Tag};
use jiff::Timestamp;
use keywheel_core::{Error, Result, RotationId};

use super::{
    record::{Record, TAG},
    rotator::AccessKeys,
};
use crate::call::Call;

/// How far apart the clock of whoever asked for a key and AWS's may be: it refuses requests that are further off
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>).
pub(super) const APART: i64 = 300;

/// A key, without its value.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) active: bool,
    pub(super) created_at: Option<Timestamp>,
}

/// When a key was used last, as far as IAM knows by now.
pub(super) struct LastUse {
    pub(super) at: Timestamp,
    pub(super) service: String,
    pub(super) region: String,
}

/// The user's keys and its tag, at one moment.
pub(super) struct Keys {
    pub(super) all: Vec<Key>,
    pub(super) record: Record,
}

impl Keys {
    /// The one key that appeared while the record says that one was being made. Of two, nobody can say which.
    pub(super) fn appeared(&self) -> Option<(&Key, RotationId)> {
        let (rotation, since) = self.record.minting?;
        let mut new = self.all.iter().filter(|key| !self.record.keys.contains_key(&key.id));
        let (key, None) = (new.next()?, new.next()) else { return None };
        let created = key.created_at?.as_second();
        (created.abs_diff(since) <= APART.unsigned_abs()).then_some((key, rotation))
    }
}

impl AccessKeys {
    pub(super) async fn keys(&self, call: &Call<'_>) -> Result<Vec<Key>> {
        let client = self.iam(call.operation).await?;
        let request = client.list_access_keys().user_name(&*self.user);
        let output =
            call.look(Box::pin(request.send())).await.map_err(|failure| self.about(failure.error))?;
        let keys = output.access_key_metadata.into_iter().filter_map(|key| {
            Some(Key {
                id: key.access_key_id?,
                active: key.status == Some(StatusType::Active),
                created_at: key.create_date.and_then(|at| Timestamp::from_second(at.secs()).ok()),
            })
        });
        Ok(keys.collect())
    }

    pub(super) async fn keys_and_record(&self, call: &Call<'_>) -> Result<Keys> {
        let all = self.keys(call).await?;
        let client = self.iam(call.operation).await?;
        let request = client.list_user_tags().user_name(&*self.user);
        let output =
            call.look(Box::pin(request.send())).await.map_err(|failure| self.about(failure.error))?;
        let tag = output.tags.into_iter().find(|tag| tag.key == TAG);
        Ok(Keys { all, record: tag.map(|tag| Record::read(&tag.value)).unwrap_or_default() })
    }

    /// Which rotation each key was made for, as far as that is certain.
    pub(super) async fn made_for(
        &self,
        call: &Call<'_>,
        keys: &Keys,
    ) -> Result<Vec<(Key, Option<RotationId>)>> {
        let appeared = match keys.appeared() {
            // Nobody has the value of a key whose answer was lost; of one that was used, somebody has.
            Some((key, rotation)) if self.last_use(call, &key.id).await?.is_none() => {
                Some((key.id.clone(), rotation))
            }
            Some(_) | None => None,
        };
        let made_for = |key: &Key| match &appeared {
            Some((id, rotation)) if *id == key.id => Some(*rotation),
            Some(_) | None => keys.record.keys.get(&key.id).copied().flatten(),
        };
        Ok(keys.all.iter().map(|key| (key.clone(), made_for(key))).collect())
    }

    pub(super) async fn last_use(&self, call: &Call<'_>, id: &str) -> Result<Option<LastUse>> {
        let client = self.iam(call.operation).await?;
        let request = client.get_access_key_last_used().access_key_id(id);
        let output =
            call.look(Box::pin(request.send())).await.map_err(|failure| self.about(failure.error))?;
        let used = output.access_key_last_used;
        Ok(used.and_then(|used| {
            let at = Timestamp::from_second(used.last_used_date?.secs()).ok()?;
            Some(LastUse { at, service: used.service_name, region: used.region })
        }))
    }

    pub(super) async fn write(&self, call: &mut Call<'_>, record: &Record) -> Result<()> {
        let tag = Tag::builder().key(TAG).value(record.to_string()).build();
        let tag = tag
            .map_err(|_| call.error(keywheel_core::ErrorKind::Internal, "a tag without a key or a value"))?;
        let client = self.iam(call.operation).await?;
        let request = client.tag_user().user_name(&*self.user).tags(tag);
        call.change(Box::pin(request.send())).await.map_err(|failure| self.about(failure.error))?;
        Ok(())
    }

    pub(super) fn about(&self, error: Error) -> Error {
        error.with("user", &self.user)
    }
}
