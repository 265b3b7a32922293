//! The installation's own two keys: one for keyed fingerprints, one for the audit. Each in its own file, mode 0600,
//! made once.

use std::{
    fs::{DirBuilder, File},
    io::{Read, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use keywheel_core::{
    Effect, Entropy, Error, ErrorKind, FingerprintMode, Fingerprinter, Result,
    generate::Encoding,
    inventory::{CredentialRef, Inventory},
};
use zeroize::Zeroizing;

/// A 32-byte key.
pub(crate) type Key = Arc<Zeroizing<[u8; 32]>>;

/// The installation's keys.
#[derive(Clone)]
pub struct Keys {
    fingerprint: Key,
    audit: Key,
}

impl Keys {
    /// Where the fingerprint key lives below the state directory.
    pub fn fingerprint_path(state: &Path) -> PathBuf {
        state.join("keys").join("fingerprint.key")
    }

    /// Reads the keys of an installation that has rotated before.
    ///
    /// # Errors
    /// When a key cannot be read, has another length, or is gone: making another would tear fingerprints and audit from
    /// what is recorded.
    pub fn open(inventory: &Inventory) -> Result<Self> {
        let read = |path: &Path| {
            read(path)?.ok_or_else(|| {
                Error::not_applied(
                    ErrorKind::Corrupt,
                    "read key",
                    "the key is gone, and what is on record was made with it; restore it from a backup",
                )
                .with("path", path.display())
            })
        };
        Ok(Self {
            fingerprint: read(&Self::fingerprint_path(&inventory.state))?,
            audit: match &inventory.audit_key {
                CredentialRef::File(path) => read(path)?,
                CredentialRef::Env(name) => from_environment(name)?,
            },
        })
    }

    /// Reads the keys, making those that do not exist yet: for an installation without any record.
    ///
    /// # Errors
    /// When a key cannot be read or made, or has another length.
    pub fn open_or_create(inventory: &Inventory, entropy: &dyn Entropy) -> Result<Self> {
        Ok(Self {
            fingerprint: read_or_create(&Self::fingerprint_path(&inventory.state), entropy)?,
            audit: match &inventory.audit_key {
                CredentialRef::File(path) => read_or_create(path, entropy)?,
                CredentialRef::Env(name) => from_environment(name)?,
            },
        })
    }

    /// Reads the keys for a command that must not write: a key that does not exist yet is a random one that nobody
    /// else has, which matches nothing recorded, as nothing is recorded.
    ///
    /// # Errors
    /// When a key that exists cannot be read, or has another length.
    pub fn open_read_only(inventory: &Inventory, entropy: &dyn Entropy) -> Result<Self> {
        let read = |path: &Path| match read(path)? {
            Some(key) => Ok(key),
            None => random(entropy),
        };
        Ok(Self {
            fingerprint: read(&Self::fingerprint_path(&inventory.state))?,
            audit: match &inventory.audit_key {
                CredentialRef::File(path) => read(path)?,
                CredentialRef::Env(name) => from_environment(name)?,
            },
        })
    }

    /// The fingerprinter for `mode`.
    pub fn fingerprinter(&self, mode: FingerprintMode) -> Fingerprinter {
        match mode {
            FingerprintMode::Plain => Fingerprinter::plain(),
            FingerprintMode::Keyed => Fingerprinter::keyed(self.fingerprint.clone()),
            FingerprintMode::CookieKey => Fingerprinter::cookie_key(),
        }
    }

    pub(crate) fn audit(&self) -> &[u8; 32] {
        &self.audit
    }
}

fn random(entropy: &dyn Entropy) -> Result<Key> {
    let mut key = Zeroizing::new([0; 32]);
    entropy
        .fill(key.as_mut_slice())
        .map_err(|error| Error::not_applied(ErrorKind::Unavailable, "make key", error.to_string()))?;
    Ok(Arc::new(key))
}

/// 32 bytes as 64 hex digits.
fn from_environment(name: &str) -> Result<Key> {
    let refused =
        |why: &str| Error::not_applied(ErrorKind::InvalidConfig, "read key", format!("${name} {why}"));
    let text = Zeroizing::new(std::env::var(name).map_err(|_| refused("is not set"))?);
    let bytes = Encoding::Hex.decode(text.trim().as_bytes()).ok_or_else(|| refused("is not hex"))?;
    let bytes: &[u8; 32] = bytes
        .expose_secret()
        .try_into()
        .map_err(|_| refused("is not 64 hex digits, which a 32-byte key is"))?;
    Ok(Arc::new(Zeroizing::new(*bytes)))
}

fn read(path: &Path) -> Result<Option<Key>> {
    let failed = |error| Error::from_io("read key", Effect::NotApplied, error).with("path", path.display());
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(64));
    file.read_to_end(&mut bytes).map_err(failed)?;
    let mut key = Zeroizing::new([0; 32]);
    if bytes.len() != key.len() {
        return Err(Error::not_applied(
            ErrorKind::Corrupt,
            "read key",
            format!("the file has {} bytes instead of 32; restore it from a backup", bytes.len()),
        )
        .with("path", path.display()));
    }
    key.copy_from_slice(&bytes);
    Ok(Some(Arc::new(key)))
}

fn read_or_create(path: &Path, entropy: &dyn Entropy) -> Result<Key> {
    if let Some(key) = read(path)? {
        return Ok(key);
    }
    let key = random(entropy)?;
    let failed = |error| Error::from_io("make key", Effect::NotApplied, error).with("path", path.display());
    let directory = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    // Written beside its place and linked into it, so that a crash leaves no short key and the first of two wins.
    let mut file = tempfile::Builder::new().prefix(".key-").tempfile_in(directory).map_err(failed)?;
    file.write_all(key.as_slice()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            return read(path)?.ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()));
        }
        Err(error) => return Err(failed(error.error)),
    }
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
    Ok(key)
}
