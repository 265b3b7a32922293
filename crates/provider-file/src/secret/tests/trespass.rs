//! Things in the way, and files that somebody damaged.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn pending(fixture: &Fixture) -> PathBuf {
    let mut entries = fs::read_dir(fixture.path(".keywheel/pending")).unwrap();
    entries.next().unwrap().unwrap().path()
}

#[rstest]
fn a_link_in_place_of_the_file_is_refused(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, CurrentOnly, "a");
    fs::rename(fixture.file(), fixture.path("elsewhere")).unwrap();
    symlink(fixture.path("elsewhere"), fixture.file()).unwrap();
    assert_refused(now(fixture.secret.versions()), ErrorKind::InvalidConfig, "a symbolic link");
    assert_refused(fixture.promote("b", Some("a")), ErrorKind::InvalidConfig, "a symbolic link");
}

#[rstest]
fn a_directory_in_place_of_the_file_is_refused(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, CurrentOnly, "a");
    fs::remove_file(fixture.file()).unwrap();
    fs::create_dir(fixture.file()).unwrap();
    assert_refused(now(fixture.secret.versions()), ErrorKind::InvalidConfig, "a directory");
}

#[rstest]
fn a_link_out_of_keywheels_own_directory_is_refused(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, CurrentOnly, "a");
    fs::create_dir(fixture.path("outside")).unwrap();
    symlink("outside", fixture.path(".keywheel")).unwrap();
    assert_refused(fixture.stage(1, "b"), ErrorKind::InvalidConfig, "a symbolic link");
    assert_eq!(fs::read_dir(fixture.path("outside")).unwrap().count(), 0);
}

#[rstest]
#[case::torn_header(b"{\"format\":1,\"rot", ErrorKind::Corrupt)]
#[case::no_header(b"", ErrorKind::Corrupt)]
#[case::other_file(b"hunter2-hunter2\n", ErrorKind::Corrupt)]
#[case::newer(b"{\"format\":2}\nx", ErrorKind::Unsupported)]
fn a_damaged_pending_file_is_an_error(
    #[case] content: &[u8],
    #[case] kind_of_error: ErrorKind,
    #[values(Directory, EnvFile, Document)] kind: Kind,
) {
    let fixture = Fixture::holding(kind, CurrentOnly, "a");
    fixture.stage(1, "b").unwrap();
    fs::write(pending(&fixture), content).unwrap();
    let error = now(fixture.secret.versions()).unwrap_err();
    assert_eq!(error.kind, kind_of_error);
    assert!(
        error.to_string().contains(".keywheel/pending/") && !error.to_string().contains("hunter2"),
        "{error}"
    );
    for refused in [fixture.stage(1, "b").map(|_| ()), fixture.promote("b", Some("a")), fixture.retire("b")] {
        assert_eq!(refused.unwrap_err().kind, kind_of_error);
    }
    assert_eq!(fs::read(pending(&fixture)).unwrap(), content);
}

#[test]
fn a_pending_file_that_was_cut_short_is_not_promoted() {
    let fixture = Fixture::holding(Directory, CurrentOnly, "a");
    fixture.stage(1, "bbbb").unwrap();
    let content = fs::read(pending(&fixture)).unwrap();
    fs::write(pending(&fixture), &content[..content.len() - 2]).unwrap();
    assert_refused(fixture.promote("bb", Some("a")), ErrorKind::Corrupt, "2 bytes");
}

#[rstest]
fn a_huge_file_is_refused_with_the_setting_to_change(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, CurrentOnly, "a");
    fs::File::options().write(true).open(fixture.file()).unwrap().set_len(10 << 20).unwrap();
    let error = assert_refused(now(fixture.secret.versions()), ErrorKind::InvalidValue, "`max-bytes`");
    assert!(error.message.contains("10485760 bytes"), "{error}");
}

#[test]
fn a_line_end_at_the_end_is_part_of_the_value() {
    let fixture = Fixture::holding(Directory, CurrentOnly, "a\n");
    assert_eq!(fixture.read(Stage::Current).unwrap(), "a\n");
    fixture.stage(1, "b").unwrap();
    assert_refused(fixture.promote("b", Some("a")), ErrorKind::Conflict, "somebody else changed");
}

#[rstest]
#[case(EnvFile, "# kept\nOTHER=1\nKEY=b\nKEY_PREVIOUS=a\n", "# kept\nOTHER=1\nKEY=b\n")]
#[case(
    Document,
    "{ \"other\": 1.50, \"tls\": {\"key\": \"b\",\"key_previous\": \"a\"} }\n",
    "{ \"other\": 1.50, \"tls\": {\"key\": \"b\"} }\n"
)]
fn every_other_byte_of_the_file_stays(#[case] kind: Kind, #[case] promoted: &str, #[case] retired: &str) {
    let fixture = Fixture::holding(kind, All, "a");
    fixture.stage(1, "b").unwrap();
    fixture.publish("b").unwrap();
    fixture.promote("b", Some("a")).unwrap();
    assert_eq!(fs::read_to_string(fixture.file()).unwrap(), promoted);
    fixture.retire("a").unwrap();
    assert_eq!(fs::read_to_string(fixture.file()).unwrap(), retired);
}

#[test]
fn a_missing_env_file_is_made() {
    let fixture = Fixture::new(EnvFile, CurrentOnly);
    fs::remove_file(fixture.file()).unwrap();
    fixture.stage(1, "b").unwrap();
    fixture.promote("b", None).unwrap();
    assert_eq!(fs::read_to_string(fixture.file()).unwrap(), "KEY=b\n");
    assert_eq!(fixture.file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_missing_document_is_not_invented() {
    let fixture = Fixture::new(Document, CurrentOnly);
    fs::remove_file(fixture.file()).unwrap();
    assert_refused(now(fixture.secret.versions()), ErrorKind::InvalidConfig, "create it, `{}` will do");
    assert_refused(fixture.stage(1, "b"), ErrorKind::InvalidConfig, "config.json");
}

#[test]
fn a_variable_that_is_there_twice_is_found_before_anything_changes() {
    let fixture = Fixture::new(EnvFile, CurrentOnly);
    fs::write(fixture.file(), "KEY=a\nKEY=a\n").unwrap();
    assert_refused(fixture.stage(1, "b"), ErrorKind::InvalidConfig, "remove one of them");
}

#[test]
fn a_missing_directory_is_made_with_its_first_secret() {
    let fixture = Fixture::new(Directory, CurrentOnly);
    fs::remove_dir_all(fixture.path("secrets")).unwrap();
    assert_eq!(fixture.stages(), []);
    fixture.stage(1, "b").unwrap();
    assert!(!fixture.path("secrets").exists());
    fixture.promote("b", None).unwrap();
    let mode = |path: &str| fixture.path(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("secrets"), mode("secrets/tls"), mode("secrets/tls/key")), (0o700, 0o700, 0o600));
    assert_eq!((mode(".keywheel"), mode(".keywheel/pending")), (0o700, 0o700));
}

#[test]
fn a_directory_that_was_made_again_is_the_one_that_is_written() {
    let fixture = Fixture::holding(Directory, CurrentOnly, "a");
    assert_eq!(fixture.read(Stage::Current).unwrap(), "a");
    fs::rename(fixture.path("secrets"), fixture.path("old")).unwrap();
    fs::create_dir_all(fixture.path("secrets/tls")).unwrap();
    fixture.stage(1, "b").unwrap();
    fixture.promote("b", None).unwrap();
    assert_eq!(fixture.consumer_reads_current().unwrap(), "b");
    assert_eq!(fs::read(fixture.path("old/tls/key")).unwrap(), b"a");
}

#[rstest]
fn leftovers_of_a_crash_are_swept(#[values(Directory, EnvFile, Document)] kind: Kind) {
    let fixture = Fixture::holding(kind, CurrentOnly, "a");
    fs::create_dir_all(fixture.path(".keywheel/pending")).unwrap();
    let name = ".keywheel-00112233445566ff.tmp";
    let leftovers = [fixture.file().with_file_name(name), fixture.path(".keywheel/pending").join(name)];
    for leftover in &leftovers {
        fs::write(leftover, "secret").unwrap();
    }
    fixture.stages();
    assert!(leftovers.iter().all(|leftover| leftover.exists()), "looking must change nothing");
    fixture.stage(1, "b").unwrap();
    assert!(!leftovers.iter().any(|leftover| leftover.exists()));
}
