//! A value from stdin or a file, read into memory that is wiped.

use std::{io::Read, path::Path};

use keywheel::core::SecretValue;
use zeroize::Zeroizing;

use crate::{exit, failure::Failure};

/// No store takes more.
const LARGEST: usize = 1024 * 1024;

/// All of stdin, without one line end at its end.
pub(super) fn from_stdin() -> Result<SecretValue, Failure> {
    read(std::io::stdin().lock(), "stdin")
}

/// All of a file, without one line end at its end.
pub(super) fn from_file(path: &Path) -> Result<SecretValue, Failure> {
    let name = path.display().to_string();
    let file = std::fs::File::open(path)
        .map_err(|error| Failure::new(exit::NOT_DONE, format!("{name} cannot be read: {error}")))?;
    read(file, &name)
}

fn read(from: impl Read, name: &str) -> Result<SecretValue, Failure> {
    // As large as it may get from the start: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST + 2));
    from.take(LARGEST as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(exit::NOT_DONE, format!("{name} cannot be read: {error}")))?;
    if bytes.len() > LARGEST {
        return Err(Failure::new(
            exit::NOT_DONE,
            format!("{name} has more than {LARGEST} bytes, which no secret has"),
        ));
    }
    let value = bytes.strip_suffix(b"\r\n").or_else(|| bytes.strip_suffix(b"\n")).unwrap_or(&bytes);
    if value.is_empty() {
        return Err(Failure::new(exit::NOT_DONE, format!("{name} holds no value")));
    }
    Ok(SecretValue::copy_from(value))
}
