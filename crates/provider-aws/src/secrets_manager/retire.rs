//! Out of the store: a version without labels can be read under no stage, and the service removes it in its own time.

use keywheel_core::{CallContext, ErrorKind, Result, VersionId, secret::Stage};

use super::{
    picture::{PENDING, PREVIOUS, Picture},
    requests::LABEL_MOVED,
    secret::AwsSecret,
};
use crate::call::Call;

impl AwsSecret {
    pub(super) async fn retire_version(&self, context: &CallContext, version: &VersionId) -> Result<()> {
        let mut call = self.call("retire", Some(context));
        let id = version.as_str();
        if let Some(picture) = self.looked.take().filter(|picture| self.is_previous(&call, picture, id)) {
            // The service refuses it once the version is anything else: then a look says what.
            match self.detach(&mut call, PREVIOUS, id).await {
                Ok(()) => {
                    let others = picture.own_labels(id).into_iter().filter(|label| label != PREVIOUS);
                    return self.take_labels(&mut call, id, others.collect()).await;
                }
                Err(failure) if failure.is(LABEL_MOVED) => {}
                Err(failure) => return Err(failure.error),
            }
        }
        let picture = self.describe(&call, &self.name).await?;
        picture.writable(&call, &self.name)?;
        if picture.at(Stage::Current) == Some(id) {
            let error = call.error(ErrorKind::Conflict, "the version is current");
            return Err(self.about(error.with("version", version)));
        }
        if !picture.has(id) {
            return self.retire_first(&mut call, version).await;
        }
        self.take_labels(&mut call, id, picture.own_labels(id)).await
    }

    /// Only what leads to a request that the service may refuse: every other answer needs a look of its own.
    fn is_previous(&self, call: &Call<'_>, picture: &Picture, id: &str) -> bool {
        let labelled = |wanted: &str| picture.labels(id).any(|label| label == wanted);
        picture.at(Stage::Previous) == Some(id)
            && !labelled(PENDING)
            && picture.writable(call, &self.name).is_ok()
    }

    async fn take_labels(&self, call: &mut Call<'_>, id: &str, labels: Vec<String>) -> Result<()> {
        for label in labels {
            if let Err(failure) = self.detach(call, &label, id).await {
                let gone = failure.is(LABEL_MOVED)
                    && self.describe(call, &self.name).await?.labels(id).all(|left| left != label);
                if !gone {
                    return Err(failure.error);
                }
            }
        }
        Ok(())
    }
}
