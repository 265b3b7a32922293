//! Out of the store: a version without labels is nobody's, and the service drops it when a hundred newer ones are there.

use keywheel_core::{CallContext, ErrorKind, Result, VersionId};

use super::{labels::PREVIOUS, secret::AwsParameter};

impl AwsParameter {
    pub(super) async fn retire_version(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        let mut call = self.call("retire", Some(context));
        let id = version.as_str();
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
            let stage = earlier.labels.get(PREVIOUS).cloned();
            self.unlabel(&mut call, earlier.number, earlier.own_labels().chain(stage).collect()).await?;
        }
        Ok(())
    }
}
