use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;

use keywheel_core::{Effect, Error, ErrorKind};
use rstest::rstest;
use rustix::fs::{CWD, Mode, XattrFlags, mknodat};
use tempfile::TempDir;

use super::temporary::Temporary;
use super::*;

const LEFTOVER: &str = ".keywheel-00112233445566ff.tmp";

fn fixture() -> (TempDir, Directory) {
    let temp = tempfile::tempdir().unwrap();
    let directory = Directory::open(temp.path()).unwrap();
    (temp, directory)
}

fn read(directory: &Directory, name: &str) -> Result<Option<(Vec<u8>, FileState)>> {
    let found = directory.read(name, SizeLimit::default())?;
    Ok(found.map(|(value, state)| (value.expose_secret().to_vec(), state)))
}

fn content(directory: &Directory, name: &str) -> Vec<u8> {
    read(directory, name).unwrap().unwrap().0
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[track_caller]
fn assert_refused(error: &Error, kind: ErrorKind, effect: Effect, says: &str) {
    assert_eq!((error.kind, error.effect), (kind, effect), "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

/// A small file system of its own; unmounted when dropped.
struct Mount(TempDir);

impl Mount {
    /// `None`, with the reason printed, where this process may not mount.
    fn tmpfs(options: &str) -> Option<Self> {
        let temp = tempfile::tempdir().unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(temp.path()).output();
        match mount {
            Ok(output) if output.status.success() => Some(Self(temp)),
            other => {
                eprintln!("skipped: mounting a tmpfs needs root: {other:?}");
                None
            }
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[test]
fn a_missing_directory_is_not_found() {
    let error = Directory::open(Path::new("/nonexistent/keywheel")).unwrap_err();
    assert_refused(&error, ErrorKind::NotFound, Effect::NotApplied, "/nonexistent/keywheel");
}

#[test]
fn a_link_to_the_directory_is_resolved_once() {
    let (temp, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (real, link) = (temp.path().join("real"), temp.path().join("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    let directory = Directory::open(&link).unwrap();
    fs::remove_file(&link).unwrap();
    symlink(outside.path(), &link).unwrap();
    directory.replace("a", b"x", 0o600, Expected::Absent).unwrap();
    assert_eq!((names(&real), names(outside.path())), (vec!["a".to_owned()], vec![]));
}

#[rstest]
#[case("")]
#[case("/etc/passwd")]
#[case("../a")]
#[case("a/../../b")]
#[case("a//b")]
#[case("./a")]
#[case("a/")]
#[case("a\0b")]
#[case(LEFTOVER)]
fn a_name_that_leads_elsewhere_is_refused(#[case] name: &str) {
    let (_temp, directory) = fixture();
    for error in [
        directory.read(name, SizeLimit::default()).map(drop).unwrap_err(),
        directory.replace(name, b"x", 0o600, Expected::Anything).map(drop).unwrap_err(),
        directory.remove(name).unwrap_err(),
        directory.create_dir(name).unwrap_err(),
    ] {
        assert_refused(&error, ErrorKind::InvalidConfig, Effect::NotApplied, "not a relative name");
    }
}

#[rstest]
#[case::symlink("a symbolic link")]
#[case::directory("a directory")]
#[case::pipe("a named pipe")]
#[case::socket("a socket")]
fn what_is_no_file_is_named_and_left_alone(#[case] found: &str) {
    let (temp, directory) = fixture();
    let path = temp.path().join("odd");
    match found {
        "a symbolic link" => symlink("/etc/passwd", &path).unwrap(),
        "a directory" => fs::create_dir(&path).unwrap(),
        "a named pipe" => mknodat(CWD, &path, FileType::Fifo, Mode::RUSR, 0).unwrap(),
        _ => drop(std::os::unix::net::UnixListener::bind(&path).unwrap()),
    }
    for error in [
        directory.read("odd", SizeLimit::default()).map(drop).unwrap_err(),
        directory.replace("odd", b"x", 0o600, Expected::Anything).map(drop).unwrap_err(),
        directory.remove("odd").unwrap_err(),
    ] {
        assert_refused(&error, ErrorKind::InvalidConfig, Effect::NotApplied, found);
    }
    assert_eq!(names(temp.path()), ["odd"]);
}

#[test]
fn a_linked_directory_on_the_way_is_refused() {
    let (temp, directory) = fixture();
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), temp.path().join("sub")).unwrap();
    let write = directory.replace("sub/a", b"x", 0o600, Expected::Anything).unwrap_err();
    let open = directory.subdirectory("sub").unwrap_err();
    for error in [write, open] {
        assert_refused(&error, ErrorKind::InvalidConfig, Effect::NotApplied, "a symbolic link");
    }
    assert!(names(outside.path()).is_empty());
}

#[test]
fn read_gives_bytes_and_state() {
    let (temp, directory) = fixture();
    assert!(read(&directory, "a").unwrap().is_none());
    assert!(read(&directory, "no/such/a").unwrap().is_none());
    fs::write(temp.path().join("a"), b"\0\xff\n").unwrap();
    fs::set_permissions(temp.path().join("a"), fs::Permissions::from_mode(0o640)).unwrap();
    let (bytes, state) = read(&directory, "a").unwrap().unwrap();
    assert_eq!((bytes.as_slice(), state.mode, state.is_open_to_others()), (&b"\0\xff\n"[..], 0o640, true));
}

#[test]
fn a_file_over_the_limit_is_refused() {
    let (temp, directory) = fixture();
    fs::write(temp.path().join("a"), [b'x'; 11]).unwrap();
    assert!(directory.read("a", SizeLimit::new(11).unwrap()).unwrap().is_some());
    let error = directory.read("a", SizeLimit::new(10).unwrap()).unwrap_err();
    assert_refused(&error, ErrorKind::InvalidValue, Effect::NotApplied, "11 bytes, the limit is 10");
    assert_eq!(SizeLimit::new(SizeLimit::LARGEST + 1).unwrap_err().kind, ErrorKind::InvalidConfig);
}

#[test]
fn a_new_file_has_the_mode_asked_for() {
    let (temp, directory) = fixture();
    let state = directory.replace("a", b"x", 0o600, Expected::Absent).unwrap();
    assert_eq!((state.mode, content(&directory, "a")), (0o600, b"x".to_vec()));
    assert_eq!(names(temp.path()), ["a"]);
}

#[test]
fn an_existing_file_keeps_mode_and_owner() {
    let (temp, directory) = fixture();
    let path = temp.path().join("a");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    if std::os::unix::fs::chown(&path, Some(12_345), Some(54_321)).is_err() {
        eprintln!("not covered: giving a file to somebody else needs root");
    }
    let before = fs::metadata(&path).unwrap();
    let seen = read(&directory, "a").unwrap().unwrap().1;
    let state = directory.replace("a", b"new", 0o777, Expected::Unchanged(seen)).unwrap();
    let after = fs::metadata(&path).unwrap();
    assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
    assert_eq!(read(&directory, "a").unwrap(), Some((b"new".to_vec(), state)));
    assert_eq!(names(temp.path()), ["a"]);
}

/// A version 2 access list: owner rw, user 1234 r, group none, mask r, others none.
const ONE_READER: [u8; 44] = [
    2, 0, 0, 0, //
    0x01, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, //
    0x02, 0, 4, 0, 0xd2, 0x04, 0, 0, //
    0x04, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, //
    0x10, 0, 4, 0, 0xff, 0xff, 0xff, 0xff, //
    0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
];

fn access_list_of(path: &Path) -> Option<Vec<u8>> {
    let mut list = vec![0; 256];
    let length = rustix::fs::getxattr(path, "system.posix_acl_access", list.as_mut_slice()).ok()?;
    list.truncate(length);
    Some(list)
}

#[test]
fn an_existing_file_keeps_its_access_list_and_gains_none() {
    let (temp, directory) = fixture();
    for name in ["listed", "plain"] {
        fs::write(temp.path().join(name), "old").unwrap();
        fs::set_permissions(temp.path().join(name), fs::Permissions::from_mode(0o640)).unwrap();
    }
    let set = |path: &Path, kind, list| rustix::fs::setxattr(path, kind, list, XattrFlags::empty());
    // What new files inherit names another user, or it would pass for the list that was kept.
    let mut inherited = ONE_READER;
    inherited[16] += 1;
    if let Err(errno) = set(&temp.path().join("listed"), "system.posix_acl_access", &ONE_READER) {
        eprintln!("skipped: no access lists here: {errno}");
        return;
    }
    set(temp.path(), "system.posix_acl_default", &inherited).unwrap();
    for name in ["listed", "plain"] {
        directory.replace(name, b"new", 0o600, Expected::Anything).unwrap();
        assert_eq!(fs::metadata(temp.path().join(name)).unwrap().mode() & 0o777, 0o640);
    }
    assert_eq!(access_list_of(&temp.path().join("listed")).as_deref(), Some(&ONE_READER[..]));
    assert_eq!(access_list_of(&temp.path().join("plain")), None);
}

#[test]
fn a_change_by_somebody_else_is_a_conflict() {
    let (temp, directory) = fixture();
    let path = temp.path().join("a");
    let gone = directory.replace("a", b"one", 0o600, Expected::Absent).unwrap();
    let absent = directory.replace("a", b"two", 0o600, Expected::Absent).unwrap_err();
    assert_refused(&absent, ErrorKind::Conflict, Effect::NotApplied, "created");
    fs::write(&path, "theirs").unwrap();
    let changed = directory.replace("a", b"two", 0o600, Expected::Unchanged(gone)).unwrap_err();
    assert_refused(&changed, ErrorKind::Conflict, Effect::NotApplied, "changed");
    assert_eq!((content(&directory, "a"), names(temp.path())), (b"theirs".to_vec(), vec!["a".to_owned()]));
    fs::remove_file(&path).unwrap();
    let removed = directory.replace("a", b"two", 0o600, Expected::Unchanged(gone)).unwrap_err();
    assert_refused(&removed, ErrorKind::Conflict, Effect::NotApplied, "removed");
    assert!(names(temp.path()).is_empty());
}

/// What `replace` does after its last look, so that a test can change the file before the rename.
fn publish_late(directory: &Directory, expected: Expected) -> Result<()> {
    let site = directory.site("replace file", "a");
    let (parent, last) = directory.parent_of(&site, "a")?.unwrap();
    let (temporary, file) = Temporary::create(&parent, &site)?;
    rustix::io::write(&file, b"ours").unwrap();
    publish::publish(&parent, (temporary, &file), last, expected, &site)
}

#[rstest]
#[case::written_in_place(false)]
#[case::saved_by_rename(true)]
fn a_save_after_the_last_look_is_put_back(#[case] by_rename: bool) {
    let (temp, directory) = fixture();
    let seen = directory.replace("a", b"old", 0o600, Expected::Absent).unwrap();
    if by_rename {
        fs::write(temp.path().join("b"), "theirs").unwrap();
        fs::rename(temp.path().join("b"), temp.path().join("a")).unwrap();
    } else {
        fs::write(temp.path().join("a"), "theirs").unwrap();
    }
    let error = publish_late(&directory, Expected::Unchanged(seen)).unwrap_err();
    assert_refused(&error, ErrorKind::Conflict, Effect::NotApplied, "changed");
    assert_eq!((content(&directory, "a"), names(temp.path())), (b"theirs".to_vec(), vec!["a".to_owned()]));
}

#[test]
fn an_unchanged_file_is_exchanged_and_the_old_one_removed() {
    let (temp, directory) = fixture();
    let seen = directory.replace("a", b"old", 0o600, Expected::Absent).unwrap();
    publish_late(&directory, Expected::Unchanged(seen)).unwrap();
    assert_eq!((content(&directory, "a"), names(temp.path())), (b"ours".to_vec(), vec!["a".to_owned()]));
}

#[test]
fn a_creation_or_removal_after_the_last_look_is_a_conflict() {
    let (temp, directory) = fixture();
    let seen = directory.replace("a", b"theirs", 0o600, Expected::Absent).unwrap();
    let created = publish_late(&directory, Expected::Absent).unwrap_err();
    assert_refused(&created, ErrorKind::Conflict, Effect::NotApplied, "created");
    assert_eq!(content(&directory, "a"), b"theirs");
    fs::remove_file(temp.path().join("a")).unwrap();
    let removed = publish_late(&directory, Expected::Unchanged(seen)).unwrap_err();
    assert_refused(&removed, ErrorKind::Conflict, Effect::NotApplied, "removed");
    assert!(names(temp.path()).is_empty());
}

#[test]
fn a_full_disk_leaves_the_old_file_whole() {
    let Some(mount) = Mount::tmpfs("size=64k") else { return };
    let directory = Directory::open(mount.0.path()).unwrap();
    let seen = directory.replace("a", b"old", 0o600, Expected::Absent).unwrap();
    let error = directory.replace("a", &vec![b'x'; 128 << 10], 0o600, Expected::Unchanged(seen)).unwrap_err();
    assert_refused(&error, ErrorKind::Unavailable, Effect::NotApplied, "no space left on the device");
    assert_eq!((content(&directory, "a"), names(mount.0.path())), (b"old".to_vec(), vec!["a".to_owned()]));
    directory.replace("a", b"new", 0o600, Expected::Unchanged(seen)).unwrap();
}

#[test]
fn a_read_only_file_system_changes_nothing() {
    let Some(mount) = Mount::tmpfs("size=64k") else { return };
    fs::write(mount.0.path().join("a"), "old").unwrap();
    let remount = Command::new("mount").args(["-o", "remount,ro"]).arg(mount.0.path()).status().unwrap();
    assert!(remount.success());
    let directory = Directory::open(mount.0.path()).unwrap();
    for error in [
        directory.replace("a", b"new", 0o600, Expected::Anything).map(drop).unwrap_err(),
        directory.remove("a").unwrap_err(),
        directory.create_dir("d").unwrap_err(),
    ] {
        assert_refused(&error, ErrorKind::PermissionDenied, Effect::NotApplied, "Read-only");
    }
    assert_eq!(content(&directory, "a"), b"old");
}

#[test]
fn remove_and_create_dir_may_be_repeated() {
    let (temp, directory) = fixture();
    directory.create_dir("d").unwrap();
    directory.create_dir("d").unwrap();
    assert_eq!(fs::metadata(temp.path().join("d")).unwrap().mode() & 0o777, 0o700);
    directory.replace("d/a", b"x", 0o600, Expected::Absent).unwrap();
    directory.remove("d/a").unwrap();
    directory.remove("d/a").unwrap();
    directory.remove("no/such").unwrap();
    assert!(names(&temp.path().join("d")).is_empty());
    fs::write(temp.path().join("file"), "").unwrap();
    let error = directory.create_dir("file").unwrap_err();
    assert_refused(
        &error,
        ErrorKind::InvalidConfig,
        Effect::NotApplied,
        "found a file in place of a directory",
    );
}

#[test]
fn a_missing_directory_around_a_new_file_is_not_found() {
    let (_temp, directory) = fixture();
    let error = directory.replace("d/a", b"x", 0o600, Expected::Absent).unwrap_err();
    assert_refused(&error, ErrorKind::NotFound, Effect::NotApplied, "d/a");
}

#[test]
fn list_names_everything_but_our_temporary_files() {
    let (temp, directory) = fixture();
    fs::write(temp.path().join(LEFTOVER), "").unwrap();
    fs::write(temp.path().join("b"), "").unwrap();
    fs::create_dir(temp.path().join("a")).unwrap();
    let entry = |name: &str, kind| Entry { name: name.into(), kind };
    let expected = [entry("a", FileKind::Directory), entry("b", FileKind::File)];
    assert_eq!(directory.list().unwrap(), expected);
    assert_eq!(directory.list().unwrap(), expected);
}

#[test]
fn sweep_removes_only_leftovers() {
    let (temp, directory) = fixture();
    let others = [".keywheel-1.tmp", ".keywheel-00112233445566FF.tmp", "a.tmp"];
    for name in others.iter().chain([&LEFTOVER]) {
        fs::write(temp.path().join(name), "x").unwrap();
    }
    assert_eq!(directory.sweep().unwrap(), 1);
    assert_eq!(directory.sweep().unwrap(), 0);
    let mut expected = others.to_vec();
    expected.sort_unstable();
    assert_eq!(names(temp.path()), expected);
}

#[test]
fn sweep_leaves_the_files_of_a_writer_at_work() {
    let (temp, directory) = fixture();
    let site = directory.site("replace file", "a");
    let (parent, _) = directory.parent_of(&site, "a").unwrap().unwrap();
    temporary::lock_against_sweepers(&parent);
    let (at_work, _file) = Temporary::create(&parent, &site).unwrap();
    assert_eq!(directory.sweep().unwrap(), 0);
    assert_eq!(names(temp.path()), [at_work.name.as_str()]);
    at_work.keep();
    drop(parent);
    assert_eq!(directory.sweep().unwrap(), 1);
}
