//! Out of the store: a version without labels can be read under no stage, and the service removes it in its own time.

use keywheel_core::{CallContext, ErrorKind, Result, VersionId, secret::Stage};

use super::{requests::LABEL_MOVED, secret::AwsSecret};

impl AwsSecret {
    pub(super) async fn retire_version(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        let mut call = self.call("retire", Some(context));
        let id = version.as_str();
        let picture = self.describe(&call, &self.name).await?;
        picture.writable(&call, &self.name)?;
        if picture.at(Stage::Current) == Some(id) {
            let error = call.error(ErrorKind::Conflict, "the version is current");
            return Err(self.about(error.with("version", version)));
        }
        if !picture.has(id) {
            return self.retire_first(&mut call, version).await;
        }
        for label in picture.own_labels(id) {
            if let Err(failure) = self.detach(&mut call, &label, id).await {
                let gone = failure.is(LABEL_MOVED)
                    && self.describe(&call, &self.name).await?.labels(id).all(|left| left != label);
                if !gone {
                    return Err(failure.error);
                }
            }
        }
        Ok(())
    }
}
