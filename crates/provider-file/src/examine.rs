//! What `doctor` says about a store: looks at modes, owners and file systems, and writes nothing. What it says about single
//! secrets is in [`places`].

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use keywheel_core::{
    Result, SecretValue,
    provider::{Entrusted, Finding},
};
use rustix::fs::{Access, AtFlags, CWD, accessat, statfs};

use crate::{
    aside,
    blocking::blocking,
    directory::{Directory, FileKind},
    fields::SharedFile,
    places::{self, Ourselves},
    settings::Declared,
    text_format::TextFormat,
};

/// Rights of others than the owner and the group.
const EVERYBODY: u32 = 0o007;
/// Who can write into a directory can exchange the secrets in it.
const WRITTEN_BY_OTHERS: u32 = 0o022;

/// A store of the kind `directory`.
pub(crate) async fn directory(declared: Declared, entrusted: Vec<Entrusted>) -> Vec<Finding> {
    examined(move |found| {
        surroundings(&declared.parent, found);
        match std::fs::metadata(&declared.path) {
            Ok(metadata) if metadata.is_dir() => {
                inside(&declared, &metadata, found);
                found.extend(places::files(&declared.path, declared.limit, &entrusted, &Ourselves::now()));
            }
            Ok(_) => found.push(Finding::error(
                format!("{} is not a directory", declared.path.display()),
                "a store of the kind `env-file` or `document` keeps secrets in one file",
            )),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if declared.path.symlink_metadata().is_ok() {
                    found.push(Finding::error(
                        format!("{} is a symbolic link that leads nowhere", declared.path.display()),
                        "make the directory that it leads to, or remove it",
                    ));
                } else {
                    found.push(Finding::warning(
                        format!("{} does not exist yet", declared.path.display()),
                        "the first rotation makes it with mode 0700; where consumers run as other users, make it \
                         now with the owner and mode that lets them read",
                    ));
                }
            }
            Err(error) => found.push(unreadable(&declared.path, &error)),
        }
    })
    .await
}

/// A store of the kind `env-file` or `document`.
pub(crate) async fn shared_file(
    declared: Declared,
    file: Arc<SharedFile>,
    entrusted: Vec<Entrusted>,
) -> Vec<Finding> {
    examined(move |found| {
        let format = file.format;
        surroundings(&declared.parent, found);
        let path = &declared.path;
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => {
                file_modes(path, &metadata, found);
                found.extend(places::shared(path, &metadata, &Ourselves::now()));
                if metadata.len() > declared.limit.bytes() {
                    found.push(Finding::error(
                        format!(
                            "{} has {} bytes, the limit is {}",
                            path.display(),
                            metadata.len(),
                            declared.limit.bytes()
                        ),
                        "raise `max-bytes`",
                    ));
                } else if let Some(content) = readable(&declared, format, found) {
                    found.extend(places::fields(&file, &content, &entrusted));
                }
            }
            Ok(metadata) => found.push(Finding::error(
                format!("{} is {}, not a file", path.display(), kind(&metadata)),
                "declare the path of the file itself; links are not followed, for a rotation would replace the link",
            )),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => found.push(match format {
                TextFormat::EnvFile => Finding::warning(
                    format!("{} does not exist yet", path.display()),
                    "the first rotation makes it with mode 0600",
                ),
                TextFormat::Document => Finding::error(
                    format!("{} does not exist", path.display()),
                    "create it with what else belongs into it; `{}` will do",
                ),
            }),
            Err(error) => found.push(unreadable(path, &error)),
        }
    })
    .await
}

async fn examined(look: impl FnOnce(&mut Vec<Finding>) + Send + 'static) -> Vec<Finding> {
    let outcome = blocking("examine", move || {
        let mut found = Vec::new();
        look(&mut found);
        Ok(found)
    });
    outcome
        .await
        .unwrap_or_else(|error| vec![Finding::error(error.to_string(), "this is a defect in keywheel")])
}

/// The directory that gets `.keywheel`.
fn surroundings(parent: &Path, found: &mut Vec<Finding>) {
    match std::fs::metadata(parent) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => {
            let hint = "correct the store's `path`";
            return found.push(Finding::error(format!("{} is not a directory", parent.display()), hint));
        }
        Err(error) => return found.push(unreadable(parent, &error)),
    }
    file_system(parent, found);
    let own = parent.join(aside::NAME);
    match own.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => own_directory(&own, &metadata, found),
        Ok(metadata) => found.push(Finding::error(
            format!("{} is {}, and keywheel needs a directory of that name", own.display(), kind(&metadata)),
            "remove or rename it",
        )),
        Err(_) => writable(parent, "to keep the versions in waiting in `.keywheel` there", found),
    }
}

/// Whoever can exchange a pending version chooses the next secret.
fn own_directory(own: &Path, metadata: &Metadata, found: &mut Vec<Finding>) {
    writable(own, "to keep the versions in waiting there", found);
    let (owner, us) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != us && owner != 0 {
        found.push(Finding::error(
            format!("{} belongs to user {owner}, and keywheel runs as user {us}", own.display()),
            "whoever owns it can exchange secrets in waiting: give it to the user that keywheel runs as",
        ));
    }
    if metadata.mode() & 0o077 != 0 {
        found.push(Finding::warning(
            format!("{} is open to others, mode {:04o}", own.display(), metadata.mode() & 0o7777),
            format!("chmod 700 {}", own.display()),
        ));
    }
}

fn inside(declared: &Declared, metadata: &Metadata, found: &mut Vec<Finding>) {
    let path = &declared.path;
    writable(path, "to replace the files in it", found);
    if metadata.mode() & EVERYBODY & !0o001 != 0 || metadata.mode() & WRITTEN_BY_OTHERS != 0 {
        found.push(Finding::warning(
            format!("{} is open to others, mode {:04o}", path.display(), metadata.mode() & 0o7777),
            format!("chmod 750 {} where a group reads it, else 700", path.display()),
        ));
    }
    let around = std::fs::metadata(&declared.parent).map(|around| around.dev());
    if around.is_ok_and(|around| around != metadata.dev()) {
        file_system(path, found);
        found.push(Finding::warning(
            format!(
                "{} is a file system of its own, and versions in waiting are kept beside it, in {}",
                path.display(),
                declared.parent.display()
            ),
            "should only the inner one outlive this machine or container, declare a directory inside it",
        ));
    }
    if let Err(error) = files_in(path, found) {
        found.push(Finding::error(error.to_string(), "let keywheel read the directory"));
    }
}

/// One finding for all files, for there may be thousands.
fn files_in(path: &Path, found: &mut Vec<Finding>) -> Result<()> {
    let mut open = Vec::new();
    for entry in Directory::open(path)?.list()? {
        match entry.kind {
            FileKind::File => {
                let metadata = path.join(&entry.name).symlink_metadata();
                if metadata.is_ok_and(|metadata| metadata.mode() & EVERYBODY != 0) {
                    open.push(entry.name);
                }
            }
            FileKind::Directory
            | FileKind::Symlink
            | FileKind::Pipe
            | FileKind::Socket
            | FileKind::Device => {}
        }
    }
    if let Some(first) = open.first() {
        let path = path.join(first);
        found.push(Finding::warning(
            format!("{} of the files are open to everybody, such as {}", open.len(), path.display()),
            format!("chmod o= {}; a rotation keeps the mode that it finds", path.display()),
        ));
    }
    Ok(())
}

fn file_modes(path: &Path, metadata: &Metadata, found: &mut Vec<Finding>) {
    if metadata.mode() & EVERYBODY != 0 || metadata.mode() & WRITTEN_BY_OTHERS != 0 {
        found.push(Finding::warning(
            format!("{} is open to others, mode {:04o}", path.display(), metadata.mode() & 0o7777),
            format!("chmod 640 {} where a group reads it, else 600", path.display()),
        ));
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        writable(parent, "to replace the file", found);
    }
}

fn readable(declared: &Declared, format: TextFormat, found: &mut Vec<Finding>) -> Option<SecretValue> {
    let content = Directory::open(&declared.parent)
        .and_then(|directory| directory.read(&declared.name, declared.limit))
        .map(|content| content.map(|(content, _)| content));
    let read = content.and_then(|content| {
        content.as_ref().map_or(Ok(()), |content| format.check_file(content.expose_secret()))?;
        Ok(content)
    });
    read.unwrap_or_else(|error| {
        found.push(Finding::error(error.to_string(), format!("mend {}", declared.path.display())));
        None
    })
}

pub(crate) fn writable(path: &Path, why: &str, found: &mut Vec<Finding>) {
    if let Err(error) = accessat(CWD, path, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
        let user = rustix::process::geteuid().as_raw();
        found.push(Finding::error(
            format!("user {user} cannot write in {}: {error}", path.display()),
            format!("give the user that keywheel runs as the right {why}"),
        ));
    }
}

/// `statfs(2)` lists the numbers.
fn file_system(path: &Path, found: &mut Vec<Finding>) {
    const NFS: u64 = 0x6969;
    const SMB: [u64; 3] = [0x517B, 0xFF53_4D42, 0xFE53_4D42];
    const FUSE: u64 = 0x6573_5546;
    const PLAN9: u64 = 0x0102_1997;
    const MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58F6];
    let Ok(answer) = statfs(path) else { return };
    let number = u64::try_from(answer.f_type).unwrap_or(0);
    if MEMORY.contains(&number) {
        found.push(Finding::warning(
            format!(
                "{} is in memory: a restart forgets it, and with it a version in waiting",
                path.display()
            ),
            "make a store that lasts the first one of each secret",
        ));
    } else if [NFS, FUSE, PLAN9].contains(&number) || SMB.contains(&number) {
        found.push(Finding::warning(
            format!(
                "{} is on a network or FUSE file system, which may not exchange two names in one step",
                path.display()
            ),
            "an editor's change in the instant of a promote could be lost there; use a local file system",
        ));
    }
}

pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Finding {
    Finding::error(
        format!("{} cannot be looked at: {error}", path.display()),
        "correct the store's `path`, or let the user that keywheel runs as get there",
    )
}

pub(crate) fn kind(metadata: &Metadata) -> FileKind {
    let kind = metadata.file_type();
    if kind.is_dir() {
        FileKind::Directory
    } else if kind.is_symlink() {
        FileKind::Symlink
    } else if kind.is_file() {
        FileKind::File
    } else {
        FileKind::Device
    }
}
