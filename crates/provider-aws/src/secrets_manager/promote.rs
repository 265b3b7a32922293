//! From pending, or from previous, to current.

use keywheel_core::{CallContext, Result, VersionId, secret::Stage};

use super::{
    picture::{CURRENT, Picture},
    requests::LABEL_MOVED,
    secret::AwsSecret,
};
use crate::{call::Call, mark::Note};

impl AwsSecret {
    pub(super) async fn promote_version(
        &self,
        context: &CallContext,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        // Not from what `versions` saw: the service compares who is current, and not whether the new version was dropped since.
        self.looked.take();
        let mut call = self.call("promote", Some(context));
        let picture = self.describe(&call, &self.name).await?;
        picture.writable(&call, &self.name)?;
        let Some(current) = picture.at(Stage::Current) else {
            return self.promote_first(&mut call, &picture, version, expected).await;
        };
        if current == version.as_str() {
            return self.tidy_first(&mut call, &picture, version).await;
        }
        if picture.stage_of(version.as_str()).is_none() {
            // A first value, and somebody else was faster to put one.
            let late = expected.is_none() && self.is_first(&call, version).await?;
            return Err(if late {
                self.another_is_current(&call, Some(current))
            } else {
                self.unknown(&call, version)
            });
        }
        if expected.map(VersionId::as_str) != Some(current) {
            return Err(self.another_is_current(&call, Some(current)));
        }
        if let Err(failure) = self.attach(&mut call, CURRENT, version.as_str(), Some(current)).await {
            if !failure.is(LABEL_MOVED) {
                return Err(failure.error);
            }
            // The label was elsewhere by then, or the version is gone.
            let now = self.describe(&call, &self.name).await?;
            return match now.at(Stage::Current) {
                Some(found) if found == version.as_str() => Ok(()),
                found if found != Some(current) => Err(self.another_is_current(&call, found)),
                _ if !now.has(version.as_str()) => Err(self.unknown(&call, version)),
                _ => Err(failure.error),
            };
        }
        self.forget_displaced(&mut call, &picture, version).await
    }

    /// The version that was previous until now has lost its label to the one that was current. What says who staged it would
    /// make it look pending.
    async fn forget_displaced(
        &self,
        call: &mut Call<'_>,
        picture: &Picture,
        promoted: &VersionId,
    ) -> Result<()> {
        let Some(displaced) = picture.at(Stage::Previous).filter(|id| *id != promoted.as_str()) else {
            return Ok(());
        };
        for label in picture.labels(displaced).filter(|label| Note::read(label).is_some()) {
            self.detach(call, label, displaced).await?;
        }
        Ok(())
    }
}
