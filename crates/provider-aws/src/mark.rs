//! Who staged a version, in a form that AWS keeps beside it.
//!
//! A label of a version, at most 256 characters long and attached to one version only, so it holds the rotation's id: two
//! rotations that began at one moment must not take it from each other.

use form_urlencoded::{Serializer, parse};
use keywheel_core::{CallContext, Error, ErrorKind, Identity, Result, secret::RotationMark};

const PREFIX: &str = "keywheel?";

/// The longest label: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html>.
const LONGEST: usize = 256;

/// What stands beside a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) mark: RotationMark,
    pub(crate) identity: Option<Identity>,
}

impl Note {
    pub(crate) fn new(context: &CallContext, identity: Option<&Identity>) -> Self {
        let mark = RotationMark {
            rotation: context.rotation,
            started_at: context.started_at,
            initiator: context.initiator.clone(),
        };
        Self { mark, identity: identity.cloned() }
    }

    /// The label.
    ///
    /// # Errors
    /// `InvalidValue` when the user's name and the initiator's are too long for it.
    pub(crate) fn label(&self, operation: &'static str) -> Result<String> {
        let RotationMark { rotation, started_at, initiator } = &self.mark;
        let mut text = Serializer::for_suffix(String::from(PREFIX), PREFIX.len());
        text.append_pair("rotation", &rotation.to_string());
        text.append_pair("started", &started_at.to_string());
        text.append_pair("by", initiator.as_str());
        if let Some(identity) = &self.identity {
            text.append_pair("for", identity.as_str());
        }
        let label = text.finish();
        if label.len() > LONGEST {
            let message = "the names of the user and of whoever began the rotation are too long to be noted beside the value";
            return Err(Error::not_applied(ErrorKind::InvalidValue, operation, message));
        }
        Ok(label)
    }

    /// What `label` says, if it is one of keywheel's.
    pub(crate) fn read(label: &str) -> Option<Self> {
        let pairs = label.strip_prefix(PREFIX)?;
        let value = |wanted: &str| {
            parse(pairs.as_bytes()).find(|(key, _)| key == wanted).map(|(_, value)| value.into_owned())
        };
        let mark = RotationMark {
            rotation: value("rotation")?.parse().ok()?,
            started_at: value("started")?.parse().ok()?,
            initiator: value("by")?.as_str().into(),
        };
        Some(Self { mark, identity: value("for").map(|name| name.as_str().into()) })
    }
}

/// Another rotation is at work, as the contract wants it said.
pub(crate) fn in_flight(operation: &'static str, mark: &RotationMark) -> Error {
    Error::not_applied(ErrorKind::Conflict, operation, "another rotation is in flight")
        .with("rotation", mark.rotation)
        .with("started", mark.started_at)
        .with("initiator", &mark.initiator)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keywheel_testkit::declared::call;

    use super::*;

    fn note(initiator: &str, identity: Option<&str>) -> Note {
        let context = CallContext { initiator: initiator.into(), ..call(Duration::ZERO) };
        Note::new(&context, identity.map(Identity::from).as_ref())
    }

    #[test]
    fn a_label_is_read_as_it_was_written() {
        for note in [note("ada@host", None), note("CI job 7 & more=x?", Some("app clone/ü+%"))] {
            let label = note.label("stage").unwrap();
            assert!(label.is_ascii() && !label.contains(' '), "{label}");
            assert_eq!(Note::read(&label), Some(note));
        }
    }

    #[test]
    fn other_labels_are_not_ours() {
        for label in ["AWSPENDING", "keywheel", "keywheel?rotation=x&started=y&by=z", ""] {
            assert_eq!(Note::read(label), None);
        }
    }

    #[test]
    fn names_that_do_not_fit_are_refused_before_anything_is_sent() {
        let error = note("ada@host", Some(&"x".repeat(250))).label("stage").unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidValue);
    }
}
