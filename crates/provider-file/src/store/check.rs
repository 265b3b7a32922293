//! Whether a location could name a secret.

use keywheel_core::rotation::Location;

use crate::{aside, text_format::TextFormat};

/// A file below the declared directory.
pub(super) fn file_location(location: &Location) -> Result<(), String> {
    every(location, check_file_name)
}

/// A place in a shared file.
pub(super) fn text_location(format: TextFormat, location: &Location) -> Result<(), String> {
    every(location, |key| format.check_key(key))
}

fn every(location: &Location, check: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
    let Location { key, next, previous } = location;
    let places = [Some(key), next.as_ref(), previous.as_ref()];
    for (index, place) in places.iter().enumerate() {
        let Some(place) = place else { continue };
        check(place)?;
        if places[..index].contains(&Some(place)) {
            return Err(format!("`{place}` cannot hold two versions at once: name three different places"));
        }
    }
    Ok(())
}

fn check_file_name(name: &str) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("`{name}` cannot be the name of a file in the directory: {why}"));
    if name.starts_with('/') {
        return refuse("it is an absolute path");
    }
    if name.contains('\0') {
        return refuse("it has a NUL byte in it");
    }
    for part in name.split('/') {
        match part {
            "" => return refuse("a part of it is empty"),
            "." | ".." => return refuse("`.` and `..` lead elsewhere"),
            part if part.len() > 255 => return refuse("a part of it is longer than 255 bytes"),
            part if part.starts_with(aside::NAME) => return refuse("keywheel itself uses `.keywheel…`"),
            _ => {}
        }
    }
    Ok(())
}
