use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use keywheel_core::{
    provider::{Finding, Settings, Severity, Store, Surroundings},
    rotation::Location,
    secret::Stage,
    yaml::{Diagnostics, Source, Style, parse},
};
use rstest::rstest;

use super::*;

fn kind(name: &str) -> Arc<dyn Kind<dyn Store>> {
    kinds().into_iter().find(|kind| kind.name() == name).unwrap()
}

fn configure(name: &str, base: &Path, settings: &str) -> Result<Arc<dyn Store>, String> {
    let mut diagnostics = Diagnostics::new(Source::new("inventory.yaml", settings));
    let document = parse(&mut diagnostics).unwrap();
    let clock = Arc::new(keywheel_testkit::ManualClock::at(jiff::Timestamp::UNIX_EPOCH));
    let surroundings = Surroundings { base: base.to_owned(), clock };
    let node = document.root();
    let store = kind(name).configure(&surroundings, Settings { node, diagnostics: &mut diagnostics });
    assert_eq!(store.is_none(), diagnostics.has_errors());
    store.ok_or_else(|| diagnostics.render(Style::Plain))
}

fn location(key: &str) -> Location {
    Location { key: key.into(), next: None, previous: None }
}

#[rstest]
fn the_schema_is_that_of_the_settings(#[values("directory", "env-file", "document")] name: &str) {
    let schema = kind(name).schema(&mut schemars::SchemaGenerator::default());
    let properties = schema.get("properties").and_then(|properties| properties.as_object()).unwrap();
    assert_eq!(properties.keys().collect::<Vec<_>>(), ["max-bytes", "path"]);
    assert_eq!(schema.get("required").unwrap(), &serde_json::json!(["path"]));
    assert_eq!(schema.get("additionalProperties").unwrap(), false);
}

#[rstest]
#[case("path: ./x\nmax-bytes: 12\n", "12 bytes is no size limit")]
#[case("path: ..\n", "does not end in a name")]
#[case("path: ''\n", "the path is empty")]
#[case("pth: x\n", "path")]
#[case("path: x\nmode: 0600\n", "mode")]
fn a_mistake_in_the_settings_is_reported(
    #[values("directory", "env-file", "document")] name: &str,
    #[case] settings: &str,
    #[case] says: &str,
) {
    let report = configure(name, Path::new("/etc/app"), settings).err().unwrap();
    assert!(report.contains(says), "{report}");
}

#[rstest]
#[case("directory", "directory /etc/app/x")]
#[case("env-file", "environment file /etc/app/x")]
#[case("document", "document /etc/app/x")]
fn a_store_says_where_it_is(#[case] name: &str, #[case] says: &str) {
    assert_eq!(configure(name, Path::new("/etc/app"), "path: ./x").ok().unwrap().describe(), says);
}

#[rstest]
#[case("directory", "db_password", Ok(()))]
#[case("directory", "tls/key.pem", Ok(()))]
#[case("directory", "../key", Err("lead elsewhere"))]
#[case("directory", "/etc/passwd", Err("absolute"))]
#[case("directory", "a//b", Err("empty"))]
#[case("directory", "", Err("empty"))]
#[case("directory", ".keywheel/pending/x", Err("keywheel itself"))]
#[case("directory", "sub/.keywheel-0011223344556677.tmp", Err("keywheel itself"))]
#[case("env-file", "DB_PASSWORD", Ok(()))]
#[case("env-file", "db-password", Err("say `key:`, for example `key: DB_PASSWORD`"))]
#[case("env-file", "2fa", Err("`key: _2FA`"))]
#[case("document", "/db/password", Ok(()))]
#[case("document", "db-password", Err("say `key:`, for example `key: /db-password`"))]
#[case("document", "/a~2", Err("~ is not followed by 0 or 1"))]
fn a_key_is_checked(#[case] name: &str, #[case] key: &str, #[case] outcome: Result<(), &str>) {
    let store = configure(name, Path::new("/etc/app"), "path: ./x").ok().unwrap();
    match (store.check_location(&location(key)), outcome) {
        (Ok(()), Ok(())) => {}
        (Err(message), Err(says)) => assert!(message.contains(says), "{message}"),
        (found, wanted) => panic!("{found:?} in place of {wanted:?}"),
    }
}

#[rstest]
fn two_versions_cannot_share_a_place(#[values("directory", "env-file", "document")] name: &str) {
    let store = configure(name, Path::new("/etc/app"), "path: ./x").ok().unwrap();
    let key = if name == "document" { "/key" } else { "key" };
    let twice = Location { next: Some(key.into()), ..location(key) };
    assert!(store.check_location(&twice).unwrap_err().contains("two versions"));
}

#[rstest]
#[case("directory", "jwt", "jwt.next", "jwt.previous")]
#[case("env-file", "JWT", "JWT_NEXT", "JWT_PREVIOUS")]
#[case("document", "/keys/jwt", "/keys/jwt_next", "/keys/jwt_previous")]
fn next_and_previous_have_customary_places(
    #[case] name: &str,
    #[case] key: &str,
    #[case] next: &str,
    #[case] previous: &str,
) {
    let store = configure(name, Path::new("/etc/app"), "path: ./x").ok().unwrap();
    let beside = |stage| store.beside(key, stage);
    assert_eq!(beside(Stage::Next).as_deref(), Some(next));
    assert_eq!(beside(Stage::Previous).as_deref(), Some(previous));
    assert_eq!((beside(Stage::Pending), beside(Stage::Current)), (None, None));
    let all = Location { key: key.into(), next: beside(Stage::Next), previous: beside(Stage::Previous) };
    store.check_location(&all).unwrap();
}

async fn examine(name: &str, base: &Path) -> Vec<Finding> {
    configure(name, base, "path: ./x").ok().unwrap().examine().await
}

#[track_caller]
fn assert_found(findings: &[Finding], severity: Severity, says: &str) {
    assert!(
        findings.iter().any(|found| found.severity == severity && found.message.contains(says)),
        "{findings:#?}"
    );
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[rstest]
#[case("directory")]
#[case("env-file")]
#[case("document")]
#[tokio::test]
async fn nothing_is_found_where_all_is_well(#[case] name: &str) {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x");
    if name == "directory" {
        fs::create_dir(&path).unwrap();
        chmod(&path, 0o750);
        fs::write(path.join("key"), "a").unwrap();
        chmod(&path.join("key"), 0o640);
    } else {
        fs::write(&path, "{}").unwrap();
        chmod(&path, 0o640);
    }
    assert_eq!(examine(name, temp.path()).await, []);
}

#[tokio::test]
async fn a_directory_is_examined() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x");
    assert_found(&examine("directory", temp.path()).await, Severity::Warning, "does not exist yet");
    symlink("nowhere", &path).unwrap();
    assert_found(&examine("directory", temp.path()).await, Severity::Error, "leads nowhere");
    fs::remove_file(&path).unwrap();
    fs::write(&path, "").unwrap();
    assert_found(&examine("directory", temp.path()).await, Severity::Error, "is not a directory");
    fs::remove_file(&path).unwrap();

    fs::create_dir(&path).unwrap();
    chmod(&path, 0o777);
    fs::write(path.join("key"), "a").unwrap();
    chmod(&path.join("key"), 0o644);
    symlink("key", path.join("link")).unwrap();
    fs::create_dir(temp.path().join(".keywheel")).unwrap();
    chmod(&temp.path().join(".keywheel"), 0o755);
    let findings = examine("directory", temp.path()).await;
    assert_found(&findings, Severity::Warning, "is open to others, mode 0777");
    assert_found(&findings, Severity::Warning, "1 of the files are open to everybody");
    assert_found(&findings, Severity::Warning, "symbolic links");
    assert_found(&findings, Severity::Warning, ".keywheel is open to others");

    fs::remove_dir(temp.path().join(".keywheel")).unwrap();
    fs::write(temp.path().join(".keywheel"), "").unwrap();
    assert_found(&examine("directory", temp.path()).await, Severity::Error, "needs a directory of that name");
    let findings = examine("directory", &temp.path().join("missing")).await;
    assert_found(&findings, Severity::Error, "cannot be looked at");
}

#[tokio::test]
async fn a_file_is_examined() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x");
    assert_found(&examine("env-file", temp.path()).await, Severity::Warning, "does not exist yet");
    assert_found(&examine("document", temp.path()).await, Severity::Error, "does not exist");
    fs::write(&path, "A='open").unwrap();
    chmod(&path, 0o644);
    let findings = examine("env-file", temp.path()).await;
    assert_found(&findings, Severity::Error, "never closes");
    assert_found(&findings, Severity::Warning, "mode 0644");
    assert_found(&examine("document", temp.path()).await, Severity::Error, "not valid JSON");
    fs::File::create(&path).unwrap().set_len(2 << 20).unwrap();
    assert_found(&examine("document", temp.path()).await, Severity::Error, "the limit is 1048576");
    fs::remove_file(&path).unwrap();
    symlink("elsewhere", &path).unwrap();
    assert_found(&examine("env-file", temp.path()).await, Severity::Error, "a symbolic link, not a file");
}
