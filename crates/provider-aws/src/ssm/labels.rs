//! What keywheel writes into the labels of a version: at most 100 of letters, digits and `.-_` each, and ten of them.
//!
//! | label | says |
//! |---|---|
//! | `current`, `previous` | for consumers: which version it is |
//! | `keywheel.ID` | what keywheel calls the version: the rotation, or the number that it had first |
//! | `keywheel.ID.at.…`, `.by.…`, `.for.…` | when the rotation began, who began it, whose the value is |
//!
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_LabelParameterVersion.html>

use std::{collections::BTreeSet, fmt::Write};

use keywheel_core::{Error, ErrorKind, Identity, Result, secret::RotationMark};

use crate::mark::Note;

pub(super) const CURRENT: &str = "current";
pub(super) const PREVIOUS: &str = "previous";

const PREFIX: &str = "keywheel.";
const LONGEST: usize = 100;

/// The labels of the version called `id`.
pub(super) fn written(id: &str, note: Option<&Note>) -> Vec<String> {
    let mut labels = vec![format!("{PREFIX}{id}")];
    if let Some(Note { mark, identity }) = note {
        labels.push(field(id, "at", &mark.started_at.to_string()).0);
        // A long name is cut: it is for a person.
        labels.push(field(id, "by", mark.initiator.as_str()).0);
        labels.extend(identity.as_ref().map(|identity| field(id, "for", identity.as_str()).0));
    }
    labels
}

/// # Errors
/// `InvalidValue` when there is no room for the user's name.
pub(super) fn admit(operation: &'static str, id: &str, identity: Option<&Identity>) -> Result<()> {
    let fits = identity.is_none_or(|identity| field(id, "for", identity.as_str()).1);
    if fits {
        return Ok(());
    }
    let message = "the user's name is too long to be noted beside the value";
    Err(Error::not_applied(ErrorKind::InvalidValue, operation, message))
}

/// What a version's labels say it is called, and who made it.
pub(super) fn read(labels: &BTreeSet<String>) -> Option<(String, Option<Note>)> {
    let ours = || labels.iter().filter_map(|label| label.strip_prefix(PREFIX));
    let id = ours().find(|rest| !rest.contains('.'))?;
    let value = |wanted: &str| {
        ours().find_map(|rest| {
            let text = rest.strip_prefix(id)?.strip_prefix('.')?.strip_prefix(wanted)?.strip_prefix('.')?;
            decode(text)
        })
    };
    let mark = || {
        Some(RotationMark {
            rotation: id.parse().ok()?,
            started_at: value("at")?.parse().ok()?,
            initiator: value("by")?.as_str().into(),
        })
    };
    let note = mark().map(|mark| Note { mark, identity: value("for").map(|name| name.as_str().into()) });
    Some((id.to_owned(), note))
}

/// Whether keywheel made the label for itself.
pub(super) fn is_ours(label: &str) -> bool {
    label.starts_with(PREFIX)
}

/// The label, and whether all of `text` is in it.
fn field(id: &str, name: &str, text: &str) -> (String, bool) {
    let mut label = format!("{PREFIX}{id}.{name}.");
    for letter in text.chars() {
        let mut piece = String::new();
        for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
            if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) {
                piece.push(char::from(byte));
            } else {
                let _infallible = write!(piece, ".{byte:02x}");
            }
        }
        if label.len() + piece.len() > LONGEST {
            return (label, false);
        }
        label.push_str(&piece);
    }
    (label, true)
}

fn decode(text: &str) -> Option<String> {
    let mut parts = text.split('.');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(part.get(2..)?.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keywheel_core::CallContext;
    use keywheel_testkit::declared::call;

    use super::*;

    fn note(initiator: &str, identity: Option<&str>) -> Note {
        let context = CallContext { initiator: initiator.into(), ..call(Duration::ZERO) };
        Note::new(&context, identity.map(Identity::from).as_ref())
    }

    fn read_back(note: &Note) -> Option<(String, Option<Note>)> {
        let labels = written(&note.mark.rotation.to_string(), Some(note));
        for label in &labels {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            assert!(label.len() <= LONGEST && label.bytes().all(allowed), "{label}");
        }
        read(&labels.into_iter().chain([CURRENT.to_owned()]).collect())
    }

    #[test]
    fn labels_are_read_as_they_were_written() {
        for note in [note("ada@host", None), note("CI 7 & more", Some("app.clone/ü+%")), note("", Some(""))]
        {
            assert_eq!(read_back(&note), Some((note.mark.rotation.to_string(), Some(note))));
        }
        assert_eq!(read(&written("17", None).into_iter().collect()), Some(("17".to_owned(), None)));
    }

    #[test]
    fn a_long_name_of_an_initiator_is_cut_and_one_of_a_user_is_refused() {
        let long = "ü".repeat(80);
        let (_, found) = read_back(&note(&long, None)).unwrap();
        assert!(long.starts_with(found.unwrap().mark.initiator.as_str()));
        let id = note("x", None).mark.rotation.to_string();
        assert!(admit("stage", &id, Some(&long.as_str().into())).is_err());
        admit("stage", &id, Some(&"arn_aws-app_user".into())).unwrap();
    }

    #[test]
    fn labels_of_others_are_not_ours() {
        for label in ["current", "keywheel", "prod.keywheel.x", "keywheel.1.at.2"] {
            assert_eq!(read(&BTreeSet::from([label.to_owned()])), None, "{label}");
        }
        for damaged in ["keywheel.1.by.x.zz", "keywheel.1.by.x.4"] {
            let labels = BTreeSet::from(["keywheel.1".to_owned(), damaged.to_owned()]);
            assert_eq!(read(&labels), Some(("1".to_owned(), None)));
        }
    }
}
