//! Where a secret is: a path in the mount, and a field of the document there.

use std::{fmt, sync::Arc};

use keywheel_core::{rotation::Location, secret::Stage};

/// The field of a key that names none.
const FIELD: &str = "value";

/// One secret's places. All of them are fields of one document, so that one write moves a version from one to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) field: String,
    pub(crate) next: Option<String>,
    pub(crate) previous: Option<String>,
}

impl Place {
    /// Reads a location; `staging` is the path below which keywheel keeps what nobody else reads.
    pub(crate) fn of(location: &Location, staging: &str) -> Result<Self, String> {
        let (path, field) = split(&location.key)?;
        if path == staging || path.strip_prefix(staging).is_some_and(|rest| rest.starts_with('/')) {
            return Err(format!(
                "`{path}` is below `{staging}`, where keywheel itself keeps what is pending"
            ));
        }
        let mut fields = vec![field];
        let mut beside = [None, None];
        for (slot, other) in beside.iter_mut().zip([&location.next, &location.previous]) {
            let Some(other) = other else { continue };
            let (elsewhere, field) = split(other)?;
            if elsewhere != path {
                return Err(format!(
                    "`{other}` is in another document than `{}`: a version could not move between them in one write; \
                     write it like `{path}#{field}`",
                    location.key
                ));
            }
            if fields.contains(&field) {
                return Err(format!(
                    "`{other}` cannot hold two versions at once: name three different fields"
                ));
            }
            fields.push(field);
            *slot = Some(field.to_owned());
        }
        let [next, previous] = beside;
        Ok(Self { path: path.to_owned(), field: field.to_owned(), next, previous })
    }

    /// A place that no secret can have: whatever is asked of it is refused.
    pub(crate) fn nowhere() -> Self {
        Self { path: String::new(), field: String::new(), next: None, previous: None }
    }

    /// Where keywheel keeps what it remembers of this secret.
    pub(crate) fn sibling(&self, staging: &str) -> String {
        format!("{staging}/{}/{}", self.path, self.field)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.path, self.field)
    }
}

/// The field that shows the version in `stage` beside the one at `key`.
pub(crate) fn beside(key: &str, stage: Stage) -> Arc<str> {
    match key.split_once('#') {
        Some(_) => format!("{key}.{stage}").into(),
        None => format!("{key}#{stage}").into(),
    }
}

/// The path, and the field.
fn split(key: &str) -> Result<(&str, &str), String> {
    let (path, field) = key.split_once('#').unwrap_or((key, FIELD));
    check_path(path).map_err(|why| format!("`{key}` cannot be the path of a secret: {why}"))?;
    let refuse = |why: &str| Err(format!("`{key}` does not name a field: {why}"));
    if field.is_empty() {
        return refuse("write it like `app/database#password`");
    }
    // One spelling for one place, or two secrets could share it unnoticed.
    if key.len() != path.len() && field == FIELD && key == format!("{path}#{FIELD}") {
        return refuse(&format!("`{FIELD}` is the field of a key that names none: write `{path}`"));
    }
    if field.contains(['/', '#']) || field.chars().any(char::is_control) {
        return refuse("a field has no `/`, no `#` and no control characters");
    }
    if matches!(field, "." | "..") {
        return refuse("`.` and `..` lead elsewhere");
    }
    Ok((path, field))
}

/// Whether `path` can stand in an address without being changed on its way.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("it is empty");
    }
    if path.chars().any(char::is_control) {
        return Err("it has control characters");
    }
    for part in path.split('/') {
        match part {
            "" => return Err("a part of it is empty"),
            "." | ".." => return Err("`.` and `..` lead elsewhere"),
            part if part.trim() != part => return Err("a part of it begins or ends with a blank"),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(key: &str, next: Option<&str>, previous: Option<&str>) -> Location {
        Location { key: key.into(), next: next.map(Into::into), previous: previous.map(Into::into) }
    }

    #[test]
    fn a_key_is_a_path_and_a_field() {
        let place = Place::of(&location("app/db", None, Some("app/db#previous")), "keywheel").unwrap();
        assert_eq!((place.path.as_str(), place.field.as_str()), ("app/db", "value"));
        assert_eq!(place.previous.as_deref(), Some("previous"));
        assert_eq!(place.sibling("keywheel"), "keywheel/app/db/value");
        let place = Place::of(&location("app/db#password", None, None), "keywheel").unwrap();
        assert_eq!(place.sibling("keywheel"), "keywheel/app/db/password");
    }

    #[test]
    fn what_shows_next_and_previous_is_a_field_beside() {
        assert_eq!(&*beside("app/key", Stage::Next), "app/key#next");
        assert_eq!(&*beside("app/key#signing", Stage::Previous), "app/key#signing.previous");
    }

    #[test]
    fn a_key_that_names_no_place_of_its_own_is_refused() {
        for (key, previous, why) in [
            ("", None, "it is empty"),
            ("/app", None, "a part of it is empty"),
            ("app/../db", None, "lead elsewhere"),
            ("app/db#", None, "write it like"),
            ("app/db#a/b", None, "no `/`"),
            ("app/db#value", None, "write `app/db`"),
            ("keywheel/app/db", None, "keywheel itself"),
            ("keywheel", None, "keywheel itself"),
            ("app/db", Some("app/other#previous"), "another document"),
            ("app/db#a", Some("app/db#a"), "two versions"),
        ] {
            let refusal = Place::of(&location(key, None, previous), "keywheel").unwrap_err();
            assert!(refusal.contains(why), "{key}: {refusal}");
        }
        assert!(Place::of(&location("keywheels/app", None, None), "keywheel").is_ok());
    }
}
