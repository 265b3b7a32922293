//! What `doctor` says about the places of single secrets: what stands there, whose it is, and whether a rotation could put
//! another in its stead. Writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keywheel_core::{
    SecretName, SecretValue,
    provider::{Entrusted, Finding, Severity, listed},
    rotation::Location,
};

use crate::{
    directory::SizeLimit,
    examine::{kind, unreadable, writable},
    fields::{Fields, SharedFile},
};

/// Fits into every format, and is never written.
const TRIED: &[u8] = b"doctor";

/// Who keywheel runs as, as far as files ask.
pub(crate) struct Ourselves {
    user: u32,
    groups: Vec<u32>,
}

impl Ourselves {
    pub(crate) fn now() -> Self {
        let user = rustix::process::geteuid().as_raw();
        // Without the list only the own group is known: a finding too many is better than none.
        let mut groups: Vec<_> = rustix::process::getgroups().unwrap_or_default();
        groups.push(rustix::process::getegid());
        Self { user, groups: groups.into_iter().map(rustix::process::Gid::as_raw).collect() }
    }

    /// Whether a new file could be given to them: to others by root alone, to a group by its members.
    fn may_give_to(&self, owner: u32, group: u32) -> bool {
        self.user == 0 || (self.user == owner && self.groups.contains(&group))
    }
}

/// Something that is wrong with a path, in words that fit any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    severity: Severity,
    words: String,
    hint: &'static str,
}

/// What is wrong with the places of one secret, and where.
#[derive(Default)]
struct Seen {
    problems: Vec<(PathBuf, Problem)>,
    findings: Vec<Finding>,
}

impl Seen {
    fn error(&mut self, path: &Path, words: String, hint: &'static str) {
        self.problems.push((path.to_owned(), Problem { severity: Severity::Error, words, hint }));
    }
}

/// The files of each secret in the directory `root`, which exists. The same problem is one finding, for however many.
pub(crate) fn files(root: &Path, limit: SizeLimit, entrusted: &[Entrusted], us: &Ourselves) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut problems: BTreeMap<Problem, (BTreeSet<PathBuf>, Vec<&SecretName>)> = BTreeMap::new();
    for Entrusted { secret, location, rotated } in entrusted {
        let mut seen = Seen::default();
        for name in places(location) {
            file(root, name, (limit, *rotated), us, &mut seen);
        }
        findings.extend(seen.findings.into_iter().map(|finding| finding.about([secret])));
        for (path, problem) in seen.problems {
            let (paths, secrets) = problems.entry(problem).or_default();
            paths.insert(path);
            secrets.push(secret);
        }
    }
    findings.extend(problems.into_iter().map(|(Problem { severity, words, hint }, (paths, secrets))| {
        let message = format!("{}: {words}", listed(paths.iter().map(|path| path.display())));
        Finding::new(severity, message, Some(hint.to_owned())).about(secrets)
    }));
    findings
}

fn places(location: &Location) -> impl Iterator<Item = &Arc<str>> {
    let Location { key, next, previous } = location;
    [Some(key), next.as_ref(), previous.as_ref()].into_iter().flatten()
}

fn file(root: &Path, name: &str, of: (SizeLimit, bool), us: &Ourselves, seen: &mut Seen) {
    let (limit, rotated) = of;
    let path = root.join(name);
    if let Some((around, _)) = name.rsplit_once('/')
        && !subdirectories(root, around, rotated, seen)
    {
        return;
    }
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        // Its first value is yet to come.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => return seen.findings.push(unreadable(&path, &error)),
    };
    if !metadata.is_file() {
        let hint = "put the file itself there; links are not followed, for a rotation would replace the link";
        return seen.error(&path, format!("{}, not a file", kind(&metadata)), hint);
    }
    if metadata.len() > limit.bytes() {
        seen.error(&path, format!("larger than the limit of {} bytes", limit.bytes()), "raise `max-bytes`");
    }
    if rotated {
        seen.problems
            .extend(hard_to_replace(&metadata, us).into_iter().map(|problem| (path.clone(), problem)));
    }
}

/// Every directory on the way that is there must be one. Those that are missing are made with the first value.
fn subdirectories(root: &Path, around: &str, rotated: bool, seen: &mut Seen) -> bool {
    let mut path = root.to_owned();
    for part in around.split('/') {
        path.push(part);
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(metadata) => {
                let hint = "put the directory itself there, or correct the secret's `key`";
                seen.error(&path, format!("{}, not a directory", kind(&metadata)), hint);
                return false;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return false,
            Err(error) => {
                seen.findings.push(unreadable(&path, &error));
                return false;
            }
        }
    }
    if rotated {
        writable(&path, "to replace the files in it", &mut seen.findings);
    }
    true
}

/// Why a new file could not take the place of this one, with everything that the old one is.
fn hard_to_replace(metadata: &Metadata, us: &Ourselves) -> Vec<Problem> {
    let (owner, group) = (metadata.uid(), metadata.gid());
    let mut problems = Vec::new();
    if !us.may_give_to(owner, group) {
        problems.push(Problem {
            severity: Severity::Error,
            words: format!(
                "of user {owner} and group {group}, to whom user {} may not give the file that takes its place",
                us.user
            ),
            hint: "give it to the user that keywheel runs as, with a group that both that user and consumers are in",
        });
    }
    if metadata.nlink() > 1 {
        problems.push(Problem {
            severity: Severity::Warning,
            words: format!(
                "{} more hard links lead to it, and would keep the old value",
                metadata.nlink() - 1
            ),
            hint: "let consumers have the file itself, or a symbolic link to it",
        });
    }
    problems
}

/// The same for a file that all secrets of a store are in.
pub(crate) fn shared(path: &Path, metadata: &Metadata, us: &Ourselves) -> Vec<Finding> {
    let problems = hard_to_replace(metadata, us).into_iter();
    let whole = |Problem { severity, words, hint }| {
        Finding::new(severity, format!("{}: {words}", path.display()), Some(hint.to_owned()))
    };
    problems.map(whole).collect()
}

/// The places of each secret in a file that as a whole can be read: each edit that a rotation makes is tried on a copy.
pub(crate) fn fields(file: &Arc<SharedFile>, content: &SecretValue, entrusted: &[Entrusted]) -> Vec<Finding> {
    let tried = SecretValue::copy_from(TRIED);
    let mut findings = Vec::new();
    for Entrusted { secret, location, rotated } in entrusted {
        let fields = Fields { file: Arc::clone(file), location: location.clone() };
        let tried = if *rotated { fields.admit_into(content, &tried) } else { fields.readable_in(content) };
        if let Err(error) = tried {
            // Without the operation, which differs, and the path, which the store is called by.
            findings.push(Finding::error(error.message, "mend that place, or correct `key`").about([secret]));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_can_be_given_to_ourselves_and_our_groups_and_by_root_to_all() {
        let us = Ourselves { user: 7, groups: vec![70, 71] };
        assert!(us.may_give_to(7, 71));
        assert!(!us.may_give_to(7, 72) && !us.may_give_to(8, 70));
        assert!(Ourselves { user: 0, groups: vec![] }.may_give_to(8, 72));
    }
}
