//! From pending, or from previous, to current.

use keywheel_core::{CallContext, Error, ErrorKind, Result, SecretValue, VersionId};

use super::{
    labels::{self, CURRENT, PREVIOUS},
    parameter::Version,
    picture::{Current, Picture},
    requests::Latest,
    secret::AwsParameter,
};
use crate::call::Call;

impl AwsParameter {
    pub(super) async fn promote_version(
        &self,
        context: &CallContext,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<()> {
        let mut call = self.call("promote", Some(context));
        let picture = match self.looked.take() {
            Some(seen) if self.still_is(&call, &seen, version, expected).await? => seen,
            Some(_) | None => self.look(&call).await?,
        };
        if let (Some(current), Some(latest)) = (&picture.current, picture.latest())
            && current.id == version.as_str()
        {
            return self.settle(&mut call, &picture, current, latest.number, picture.previous()).await;
        }
        let (value, labels) = self.candidate(&call, &picture, version).await?;
        if expected.map(VersionId::as_str) != picture.current.as_ref().map(|current| current.id.as_str()) {
            return Err(self.another_is_current(&call, picture.current.as_ref()));
        }
        picture.parameter.writable(&call, &self.name).map_err(|error| self.about(error))?;
        let becoming = Current { id: version.as_str().to_owned(), note: None, labels };
        let number = match (picture.latest(), &picture.current) {
            (Some(latest), Some(current)) => {
                if !latest.has_id() {
                    // Without it nobody would find the version again once it is no longer the latest.
                    self.label(&mut call, latest.number, with(CURRENT, &current.labels)).await?;
                }
                self.put_over(&mut call, &picture, latest, &value).await?
            }
            (_, _) => self.put_first(&mut call, &picture, &value).await?,
        };
        self.settle(&mut call, &picture, &becoming, number, picture.latest()).await
    }

    /// Whether what `versions` saw still is so, in one request: the service compares nothing, so what is overwritten and what
    /// is put over it must have been looked at just before.
    async fn still_is(
        &self,
        call: &Call<'_>,
        seen: &Picture,
        version: &VersionId,
        expected: Option<&VersionId>,
    ) -> Result<bool> {
        let (Some(latest), Some(pending)) = (seen.latest(), seen.pending()) else { return Ok(false) };
        let wanted = expected.is_some_and(|expected| seen.is_current(expected.as_str()));
        if !wanted || pending.id() != version.as_str() {
            return Ok(false);
        }
        let found = match self.latest(call, vec![self.name.to_string(), self.beside()]).await {
            Ok(found) => found,
            // A right that is worth having, and not worth failing for: the long look needs it not.
            Err(failure) if failure.error.kind == ErrorKind::PermissionDenied => return Ok(false),
            Err(failure) => return Err(self.about(failure.error)),
        };
        let same =
            |name: &str, is: &dyn Fn(&Latest) -> bool| found.iter().any(|at| at.name == name && is(at));
        Ok(same(&self.name, &|at| at.number == latest.number && at.created_at == latest.created_at)
            && same(&self.beside(), &|at| {
                at.created_at == pending.created_at && at.value.same_as(&pending.value)
            }))
    }

    /// The value of the version that is to become current, and the labels that go with it.
    async fn candidate(
        &self,
        call: &Call<'_>,
        picture: &Picture,
        version: &VersionId,
    ) -> Result<(SecretValue, Vec<String>)> {
        if let Some(pending) = picture.pending().filter(|pending| pending.id() == version.as_str()) {
            return Ok((pending.value.duplicate(), labels::written(version.as_str(), Some(&pending.note))));
        }
        let unknown = || {
            let error = call.error(ErrorKind::NotFound, "there is no such version");
            self.about(error.with("version", version))
        };
        let previous = picture.previous().filter(|previous| previous.id() == version.as_str());
        let previous = previous.ok_or_else(unknown)?;
        let value = self.value(call, previous.number).await?.ok_or_else(unknown)?;
        Ok((value, previous.own_labels().collect()))
    }

    /// A parameter is made only if there is none: the service compares.
    async fn put_first(&self, call: &mut Call<'_>, picture: &Picture, value: &SecretValue) -> Result<i64> {
        match self.put(call, &self.name, value, &picture.parameter.kept, false).await {
            Ok(number) => Ok(number),
            Err(failure) if failure.is(&["ParameterAlreadyExists"]) => {
                let parameter = self.parameter(call).await?;
                let pending = picture.pending.as_ref();
                let now = self.current(call, &parameter, pending).await?;
                Err(self.another_is_current(call, now.as_ref()))
            }
            Err(failure) => Err(self.about(failure.error)),
        }
    }

    /// Overwrites whatever is there. The number says whether that was what we saw.
    async fn put_over(
        &self,
        call: &mut Call<'_>,
        picture: &Picture,
        latest: &Version,
        value: &SecretValue,
    ) -> Result<i64> {
        let kept = &picture.parameter.kept;
        let put = self.put(call, &self.name, value, kept, true).await;
        let number = put.map_err(|failure| self.about(failure.error))?;
        if number == latest.number + 1 {
            return Ok(number);
        }
        let theirs = self.value(call, number - 1).await?;
        let Some(theirs) = theirs.filter(|theirs| !theirs.same_as(value)) else {
            // An earlier attempt of ours, late.
            return Ok(number);
        };
        let back = self.put(call, &self.name, &theirs, kept, true).await;
        let message = match back {
            Ok(_) => "somebody else put a version at the same moment: theirs is current again",
            Err(_) => "somebody else put a version at the same moment, and ours lies over it",
        };
        Err(self.about(call.error(ErrorKind::Conflict, message).with("their-version", number - 1)))
    }

    /// What follows once the value is there: labels, and nothing pending. Each is done only where it is not done yet.
    pub(super) async fn settle(
        &self,
        call: &mut Call<'_>,
        picture: &Picture,
        current: &Current,
        number: i64,
        displaced: Option<&Version>,
    ) -> Result<()> {
        let wanted = with(CURRENT, &current.labels);
        let settled = picture.latest().is_some_and(|latest| {
            latest.number == number && wanted.iter().all(|label| latest.labels.contains(label))
        });
        if !settled {
            self.label(call, number, wanted).await?;
        }
        if let Some(displaced) = displaced.filter(|displaced| !displaced.labels.contains(PREVIOUS)) {
            self.label(call, displaced.number, vec![PREVIOUS.to_owned()]).await?;
        }
        // Whatever keywheel names besides these two would be taken for the previous one once that is retired, and its label
        // would be in the way of new versions once it is the oldest.
        let displaced = displaced.map(|displaced| displaced.number);
        for earlier in picture.parameter.named() {
            if Some(earlier.number) == displaced || earlier.number == number || earlier.id() == current.id {
                continue;
            }
            self.unlabel(call, earlier.number, earlier.own_labels().collect()).await?;
        }
        if picture.pending.as_ref().is_some_and(|pending| pending.id() == current.id) {
            self.drop_pending(call).await?;
        }
        Ok(())
    }

    fn another_is_current(&self, call: &Call<'_>, current: Option<&Current>) -> Error {
        let message = "somebody else changed the current version";
        let error = call.error(ErrorKind::Conflict, message);
        self.about(error.with("current", current.map_or("none", |current| &current.id)))
    }
}

fn with(first: &str, others: &[String]) -> Vec<String> {
    [first.to_owned()].into_iter().chain(others.iter().cloned()).collect()
}
