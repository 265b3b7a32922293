//! The first value of a secret, pending in a secret of its own.

use aws_sdk_secretsmanager::Client;
use keywheel_core::{
    ErrorKind, Result, SecretValue, VersionId,
    secret::{Stage, VersionInfo},
};

use super::{
    picture::{CURRENT, Picture},
    requests::{Found, Payload},
    secret::AwsSecret,
};
use crate::{
    call::Call,
    mark::{Note, in_flight},
};

/// What the other secret's name ends with.
pub(super) const SUFFIX: &str = ".keywheel-pending";

/// What is pending there.
struct First {
    id: String,
    note: Note,
}

impl AwsSecret {
    fn beside(&self) -> String {
        format!("{}{SUFFIX}", self.name)
    }

    async fn first(&self, call: &Call<'_>) -> Result<Option<First>> {
        let picture = self.describe(call, &self.beside()).await?;
        // Deleting takes the service a while.
        if picture.is_deleted() {
            return Ok(None);
        }
        let Some(id) = picture.at(Stage::Current) else { return Ok(None) };
        let Some(note) = picture.description.as_deref().and_then(Note::read) else {
            let message = "this secret is where keywheel keeps a first value, and somebody else made it";
            return Err(call.error(ErrorKind::Conflict, message).with("secret", self.beside()));
        };
        Ok(Some(First { id: id.to_owned(), note }))
    }

    /// Whether `version` is pending there.
    pub(super) async fn is_first(&self, call: &Call<'_>, version: &VersionId) -> Result<bool> {
        Ok(self.first(call).await?.is_some_and(|first| first.id == version.as_str()))
    }

    pub(super) async fn first_value(&self, call: &Call<'_>) -> Result<Option<Found>> {
        match self.first(call).await? {
            Some(first) => self.value(call, &self.beside(), &first.id).await,
            None => Ok(None),
        }
    }

    pub(super) async fn first_version(&self, call: &Call<'_>) -> Result<Option<VersionInfo>> {
        let Some(first) = self.first(call).await? else { return Ok(None) };
        let found = self.value(call, &self.beside(), &first.id).await?;
        Ok(found.map(|found| self.info(Stage::Pending, &found, Some(first.note))))
    }

    pub(super) async fn stage_first(
        &self,
        call: &mut Call<'_>,
        note: &Note,
        label: &str,
        value: &SecretValue,
    ) -> Result<VersionInfo> {
        if let Some(staged) = self.first_before(call, note, value).await? {
            return Ok(staged);
        }
        let id = note.mark.rotation.to_string();
        let client = self.client(call).await?;
        let Payload { string, binary } = self.payload(value);
        let request = self
            .creation(client, self.beside())
            .client_request_token(&id)
            .description(label)
            .set_secret_string(string)
            .set_secret_binary(binary);
        if let Err(failure) = call.change(Box::pin(request.send())).await {
            if failure.is(&["ResourceExistsException"])
                && let Some(staged) = self.first_before(call, note, value).await?
            {
                return Ok(staged);
            }
            if failure.is(&["InvalidRequestException"]) {
                let message = "the service is still deleting the last value that was pending";
                return Err(self.about(call.error(ErrorKind::Unavailable, message)));
            }
            return Err(self.about(failure.error));
        }
        Ok(VersionInfo {
            id: VersionId::new(id),
            stage: Stage::Pending,
            fingerprint: self.fingerprinter.of(value),
            created_at: None,
            mark: Some(note.mark.clone()),
            identity: note.identity.clone(),
        })
    }

    async fn first_before(
        &self,
        call: &Call<'_>,
        note: &Note,
        value: &SecretValue,
    ) -> Result<Option<VersionInfo>> {
        let Some(first) = self.first(call).await? else { return Ok(None) };
        if first.note.mark.rotation != note.mark.rotation {
            return Err(self.about(in_flight(call.operation, &first.note.mark)));
        }
        let found = self.value(call, &self.beside(), &first.id).await?;
        match found.filter(|found| found.value.same_as(value)) {
            Some(found) => Ok(Some(self.info(Stage::Pending, &found, Some(first.note)))),
            None => Err(self.other_bytes(call)),
        }
    }

    /// The first version that is put is current, and no later one is: the service compares for us.
    pub(super) async fn promote_first(
        &self,
        call: &mut Call<'_>,
        picture: &Picture,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        let first = self.first(call).await?.filter(|first| first.id == version.as_str());
        let Some(first) = first else { return Err(self.unknown(call, version)) };
        if expected.is_some() {
            return Err(self.another_is_current(call, None));
        }
        let found = self.value(call, &self.beside(), &first.id).await?;
        let Some(found) = found else { return Err(self.unknown(call, version)) };
        if !picture.exists {
            let client = self.client(call).await?;
            let created = call.change(Box::pin(self.creation(client, self.name.to_string()).send())).await;
            if let Err(failure) = created
                && !failure.is(&["ResourceExistsException"])
            {
                return Err(self.about(failure.error));
            }
        }
        let label = first.note.label(call.operation)?;
        let put = self.put(call, &first.id, &found.value, &label).await?;
        if !put.version_stages().iter().any(|stage| stage == CURRENT) {
            self.insist(call, &label, version).await?;
        }
        self.drop_first(call).await
    }

    /// The version was put and is not current: somebody else's is, or nobody's.
    async fn insist(&self, call: &mut Call<'_>, label: &str, version: &VersionId) -> Result<()> {
        let now = self.describe(call, &self.name).await?;
        match now.at(Stage::Current) {
            Some(found) if found == version.as_str() => Ok(()),
            Some(found) => {
                let error = self.another_is_current(call, Some(found));
                let _left_for_discard = self.detach(call, label, version.as_str()).await;
                Err(error)
            }
            None => Ok(self.attach(call, CURRENT, version.as_str(), None).await?),
        }
    }

    /// The version is current. If it is the secret's first, it may still lie where it was pending.
    pub(super) async fn tidy_first(
        &self,
        call: &mut Call<'_>,
        picture: &Picture,
        version: &VersionId,
    ) -> Result<()> {
        if picture.at(Stage::Previous).is_some() {
            return Ok(());
        }
        self.retire_first(call, version).await
    }

    /// Drops the version from where first values are pending, if it is there.
    pub(super) async fn retire_first(&self, call: &mut Call<'_>, version: &VersionId) -> Result<()> {
        match self.first(call).await? {
            Some(first) if first.id == version.as_str() => self.drop_first(call).await,
            Some(_) | None => Ok(()),
        }
    }

    async fn drop_first(&self, call: &mut Call<'_>) -> Result<()> {
        let client = self.client(call).await?;
        let request = client.delete_secret().secret_id(self.beside()).force_delete_without_recovery(true);
        match call.change(Box::pin(request.send())).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is(super::requests::NOT_FOUND) => Ok(()),
            Err(failure) => Err(self.about(failure.error)),
        }
    }

    fn creation(
        &self,
        client: &Client,
        name: String,
    ) -> aws_sdk_secretsmanager::operation::create_secret::builders::CreateSecretFluentBuilder {
        client.create_secret().name(name).set_kms_key_id(self.shared.kms_key.clone())
    }
}
