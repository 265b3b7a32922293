//! Out of the store: a version without labels is nobody's, and the service drops it when a hundred newer ones are there.

use keywheel_core::{CallContext, ErrorKind, Result, VersionId};

use super::{labels::PREVIOUS, parameter::Version, secret::AwsParameter};

impl AwsParameter {
    pub(super) async fn retire_version(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        let mut call = self.call("retire", Some(context));
        let id = version.as_str();
        if let Some(previous) = self.seen_as_previous(id) {
            // What it says that it took away it took from what is previous still: a version that went back has left its labels.
            if self.unlabel(&mut call, previous.number, retiring(&previous)).await? {
                return Ok(());
            }
        }
        let mut picture = self.look_at_parameter(&call).await?;
        if picture.is_current(id) {
            let error = call.error(ErrorKind::Conflict, "the version is current");
            return Err(self.about(error.with("version", version)));
        }
        if let (Some(current), Some(latest)) = (&picture.current, picture.latest())
            && !latest.has_id()
            && current.id != latest.number.to_string()
        {
            // The way back ended between its put and its labels: they are still on the version that is to go, and whoever asks
            // for `current` would be given that one.
            self.settle(&mut call, &picture, current, latest.number, picture.previous()).await?;
            picture = self.look_at_parameter(&call).await?;
        }
        if picture.stage_of(id).is_none() && picture.pending.is_none() {
            picture.pending = self.pending(&call).await?;
        }
        if picture.pending().is_some_and(|pending| pending.id() == id) {
            return self.drop_pending(&mut call).await;
        }
        for earlier in picture.parameter.named().filter(|earlier| earlier.id() == id) {
            self.unlabel(&mut call, earlier.number, retiring(earlier)).await?;
        }
        Ok(())
    }

    /// The version, if the last call of this handle saw it as previous. Every other answer needs a look of its own.
    fn seen_as_previous(&self, id: &str) -> Option<Version> {
        // Without an id on the latest, a way back has left its labels behind: they are settled first.
        let picture = self.looked.take().filter(|picture| picture.pending.is_none())?;
        picture.latest().filter(|latest| latest.has_id())?;
        // One alone: what somebody left labelled besides is found by a look.
        let mut called = picture.parameter.named().filter(|version| version.id() == id);
        let previous = picture.previous().filter(|version| version.id() == id)?;
        (called.next()?.number == previous.number && called.next().is_none()).then(|| previous.clone())
    }
}

/// The labels that a version loses.
fn retiring(version: &Version) -> Vec<String> {
    version.own_labels().chain(version.labels.get(PREVIOUS).cloned()).collect()
}
