//! The end of a key: inactive, then deleted.

use aws_sdk_iam::types::StatusType;
use keywheel_core::{CallContext, ErrorKind, Identity, Result, rotator::Credential};

use super::{keys::Key, rotator::AccessKeys};
use crate::call::Call;

/// It is gone already.
const GONE: &[&str] = &["NoSuchEntity"];

impl AccessKeys {
    pub(super) async fn end(
        &self,
        context: &CallContext,
        old: Credential<'_>,
        remaining: Option<Credential<'_>>,
    ) -> Result<()> {
        let mut call = self.call("revoke", Some(context));
        let id = self.named(&call, old.identity)?;
        let remaining = remaining.map(|remaining| self.named(&call, remaining.identity)).transpose()?;
        if remaining == Some(id) {
            let message = "the key is the one that remains";
            return Err(self.about(call.error(ErrorKind::Conflict, message)));
        }
        let keys = self.keys_and_record(&call).await?;
        if let Some(remaining) = remaining
            && !keys.all.iter().any(|key| key.active && key.id == remaining.as_str())
        {
            let message = "the key that is to remain is not active any more: the old one is left alone";
            return Err(self.about(call.error(ErrorKind::Conflict, message).with("remaining", remaining)));
        }
        if let Some(key) = keys.all.iter().find(|key| key.id == id.as_str()) {
            // What this rotation made itself and takes back was used by nobody but keywheel.
            let ours = keys.record.keys.get(&key.id).copied().flatten() == Some(context.rotation);
            if key.active && !ours {
                self.unused(&call, key).await?;
            }
            self.delete(&mut call, key).await?;
        }
        self.wait_for_end(&call, id, old.value).await
    }

    pub(super) async fn end_orphan(&self, context: &CallContext, identity: &Identity) -> Result<()> {
        let mut call = self.call("revoke", Some(context));
        let id = self.named(&call, Some(identity))?;
        let keys = self.keys_and_record(&call).await?;
        let made_for = self.made_for(&call, &keys).await?;
        match made_for.into_iter().find(|(key, _)| key.id == id.as_str()) {
            Some((key, Some(_rotation))) => self.delete(&mut call, &key).await,
            Some((_, None)) => {
                let message = "nothing says that keywheel made this key: it is left alone";
                Err(self.about(call.error(ErrorKind::Conflict, message).with("key", id)))
            }
            None => Ok(()),
        }
    }

    /// Says when the key was used last.
    ///
    /// # Errors
    /// `Unavailable` while somebody uses it, where the settings say for how long nobody may have.
    async fn unused(&self, call: &Call<'_>, key: &Key) -> Result<()> {
        let Some(used) = self.last_use(call, &key.id).await? else {
            tracing::info!(user = %self.user, key = %key.id, "the old key was never used");
            return Ok(());
        };
        tracing::info!(
            user = %self.user, key = %key.id, at = %used.at, service = %used.service, region = %used.region,
            "the old key was used last"
        );
        let Some(unused_for) = self.unused_for else { return Ok(()) };
        if self.access.clock.now().duration_since(used.at) >= unused_for {
            return Ok(());
        }
        let message = format!(
            "the old key was used at {} for {} in {}, and `unused-for` lets it end {unused_for:#} after its last use",
            used.at, used.service, used.region
        );
        Err(self.about(call.error(ErrorKind::Unavailable, message).with("key", &key.id)))
    }

    async fn delete(&self, call: &mut Call<'_>, key: &Key) -> Result<()> {
        let client = self.iam(call.operation).await?;
        if key.active {
            let request = client.update_access_key().user_name(&*self.user).access_key_id(&key.id);
            match call.change(Box::pin(request.status(StatusType::Inactive).send())).await {
                Ok(_) => {}
                Err(failure) if failure.is(GONE) => return Ok(()),
                Err(failure) => return Err(self.about(failure.error)),
            }
        }
        let request = client.delete_access_key().user_name(&*self.user).access_key_id(&key.id);
        match call.change(Box::pin(request.send())).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is(GONE) => Ok(()),
            Err(failure) => Err(self.about(failure.error)),
        }
    }
}
