//! A new key.

use keywheel_core::{
    CallContext, Error, ErrorKind, Identity, Result, SecretValue,
    rotator::{IssuedCredential, Minted},
};

use super::{
    keys::{Key, Keys},
    record::Record,
    rotator::AccessKeys,
};
use crate::call::Call;

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const MOST: usize = 2;

impl AccessKeys {
    pub(super) async fn issued(&self) -> Result<Vec<IssuedCredential>> {
        let call = self.call("list", None);
        let keys = self.keys_and_record(&call).await?;
        let made_for = self.made_for(&call, &keys).await?.into_iter();
        let issued = made_for.map(|(key, rotation)| IssuedCredential {
            identity: Identity::new(key.id),
            created_at: key.created_at,
            rotation,
        });
        Ok(issued.collect())
    }

    pub(super) async fn make(&self, context: &CallContext) -> Result<Minted> {
        let mut call = self.call("mint", Some(context));
        let keys = self.keys_and_record(&call).await?;
        if keys.all.len() >= MOST {
            return Err(self.full(&call, &keys).await);
        }
        let known = self.made_for(&call, &keys).await?;
        let now = self.access.clock.now().as_second();
        let mut record = Record {
            minting: Some((context.rotation, now)),
            keys: known.into_iter().map(|(key, rotation)| (key.id, rotation)).collect(),
        };
        // Before the key is there: whoever finds it afterwards knows whose it is.
        self.write(&mut call, &record).await?;
        let client = self.iam(call.operation).await?;
        let made = call.change(Box::pin(client.create_access_key().user_name(&*self.user).send())).await;
        let made = match made {
            Ok(output) => output.access_key,
            Err(failure) if failure.is(&["LimitExceeded"]) => return Err(self.full(&call, &keys).await),
            Err(failure) => return Err(self.about(failure.error)),
        };
        let Some(key) = made else {
            let message = "this is no answer of IAM: check `access.endpoint`";
            return Err(self.about(call.error(ErrorKind::Unsupported, message)));
        };
        let value = SecretValue::from_vec(key.secret_access_key.into_bytes());
        record.minting = None;
        record.keys.insert(key.access_key_id.clone(), Some(context.rotation));
        // Not left out though the first says enough for some minutes: until it is used, and it may never be.
        self.write(&mut call, &record).await?;
        Ok(Minted { identity: Identity::new(key.access_key_id), value })
    }

    /// There are two keys. Which of them nobody needs is for a person to say.
    async fn full(&self, call: &Call<'_>, keys: &Keys) -> Error {
        let mut described = Vec::new();
        for key in &keys.all {
            described.push(self.describe(call, key, &keys.record).await);
        }
        let message = format!(
            "the user has two access keys, and IAM allows no third: {}. keywheel deletes none that it did not make: `aws iam \
             update-access-key --status Inactive` ends the one that nobody needs, and `aws iam delete-access-key` makes room",
            described.join("; ")
        );
        self.about(call.error(ErrorKind::Conflict, message))
    }

    pub(super) async fn describe(&self, call: &Call<'_>, key: &Key, record: &Record) -> String {
        let status = if key.active { "active" } else { "inactive" };
        let made = match record.keys.get(&key.id) {
            Some(Some(rotation)) => format!("made for rotation {rotation}"),
            Some(None) | None => "not made by keywheel".to_owned(),
        };
        let used = match self.last_use(call, &key.id).await {
            Ok(Some(used)) => format!("last used at {} for {} in {}", used.at, used.service, used.region),
            Ok(None) => "never used".to_owned(),
            Err(_) => "its last use is unknown".to_owned(),
        };
        format!("{} ({status}, {made}, {used})", key.id)
    }
}
