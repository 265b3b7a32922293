use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use keywheel_core::{
    SecretName,
    provider::{Entrusted, Finding, Settings, Severity, Store, Surroundings},
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
    examine_for(name, base, &[]).await
}

/// With secrets at `keys`, each with a place for what is previous.
async fn examine_for(name: &str, base: &Path, keys: &[&str]) -> Vec<Finding> {
    examine_as(name, base, keys, true).await
}

async fn examine_as(name: &str, base: &Path, keys: &[&str], rotated: bool) -> Vec<Finding> {
    let store = configure(name, base, "path: ./x").ok().unwrap();
    let entrust = |key: &&str| Entrusted {
        secret: SecretName::new(format!("of-{key}")),
        location: Location { previous: store.beside(key, Stage::Previous), ..location(key) },
        rotated,
    };
    store.examine(&keys.iter().map(entrust).collect::<Vec<_>>()).await
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
    let key = if name == "document" { "/key" } else { "key" };
    assert_eq!(examine_for(name, temp.path(), &[key]).await, []);
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
    fs::create_dir(temp.path().join(".keywheel")).unwrap();
    chmod(&temp.path().join(".keywheel"), 0o755);
    let findings = examine("directory", temp.path()).await;
    assert_found(&findings, Severity::Warning, "is open to others, mode 0777");
    assert_found(&findings, Severity::Warning, "1 of the files are open to everybody");
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

/// What was found about the secret at `key`, and perhaps about others.
#[track_caller]
fn assert_found_of(findings: &[Finding], key: &str, severity: Severity, says: &str) {
    let secret = SecretName::new(format!("of-{key}"));
    let fits = |found: &&Finding| found.secrets.contains(&secret) && found.severity == severity;
    assert!(findings.iter().filter(fits).any(|found| found.message.contains(says)), "{key}: {findings:#?}");
}

#[tokio::test]
async fn each_secret_of_a_directory_is_looked_at_where_it_is() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x");
    fs::create_dir_all(path.join("taken/deep")).unwrap();
    chmod(&path, 0o750);
    let put = |name: &str| {
        fs::write(path.join(name), "a").unwrap();
        chmod(&path.join(name), 0o600);
    };
    for name in ["fine", "large", "first", "shown", "file", "taken/fine"] {
        put(name);
    }
    fs::File::create(path.join("large")).unwrap().set_len(2 << 20).unwrap();
    chmod(&path.join("large"), 0o600);
    symlink("fine", path.join("link")).unwrap();
    symlink("taken", path.join("way")).unwrap();
    symlink("fine", path.join("shown.previous")).unwrap();
    fs::hard_link(path.join("first"), path.join("second")).unwrap();
    let keys = [
        "fine",
        "absent",
        "new/one",
        "taken/fine",
        "link",
        "taken",
        "way/a",
        "file/a",
        "shown",
        "large",
        "first",
    ];
    let findings = examine_for("directory", temp.path(), &keys).await;
    for (key, says) in [
        ("link", "x/link, "),
        ("taken", "x/taken: a directory, not a file"),
        ("way/a", "x/way: a symbolic link, not a directory"),
        ("file/a", "x/file: a file, not a directory"),
        ("shown", "x/shown.previous: a symbolic link, not a file"),
        ("large", "larger than the limit of 1048576"),
    ] {
        assert_found_of(&findings, key, Severity::Error, says);
    }
    assert_found_of(&findings, "first", Severity::Warning, "1 more hard links lead to it");
    // The two links are one.
    assert_eq!(findings.len(), 6, "{findings:#?}");
}

#[tokio::test]
async fn each_place_in_a_file_is_tried_for_every_edit_of_a_rotation() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x");
    let text = r#"{"db": {"password": "a"}, "port": 5432, "list": ["a"], "twice": "a", "twice": "b"}"#;
    fs::write(&path, text).unwrap();
    chmod(&path, 0o600);
    let keys = ["/db/password", "/db/new", "/port", "/none/key", "/port/key", "/list/0", "/twice"];
    let findings = examine_for("document", temp.path(), &keys).await;
    for (key, says) in [
        ("/port", "holds something other than text"),
        ("/none/key", "the document has no /none"),
        ("/port/key", "neither an object nor an array"),
        ("/list/0", "/list/0_previous"),
        ("/twice", "is there twice"),
    ] {
        assert_found_of(&findings, key, Severity::Error, says);
    }
    assert_eq!(findings.len(), 5, "{findings:#?}");

    // What a person rotates need only be readable.
    let findings = examine_as("document", temp.path(), &keys, false).await;
    assert_found_of(&findings, "/port", Severity::Error, "holds something other than text");
    assert!(findings.iter().all(|found| !found.message.contains("/list")), "{findings:#?}");

    fs::write(&path, "A=1\nB=2\nB=3\n").unwrap();
    let findings = examine_for("env-file", temp.path(), &["A", "B", "C"]).await;
    assert_found_of(&findings, "B", Severity::Error, "B");
    assert_eq!(findings.len(), 1, "{findings:#?}");
}

#[rstest]
#[case("directory", "key")]
#[case("env-file", "KEY")]
#[case("document", "/key")]
#[tokio::test]
async fn examining_changes_nothing(#[case] name: &str, #[case] key: &str) {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x");
    if name == "directory" {
        fs::create_dir(&path).unwrap();
        fs::write(path.join(key), "a").unwrap();
    } else {
        fs::write(&path, "{}").unwrap();
    }
    let everything = || {
        let mut all = vec![temp.path().to_owned(), path.clone()];
        for directory in [temp.path(), &*path] {
            all.extend(fs::read_dir(directory).into_iter().flatten().map(|entry| entry.unwrap().path()));
        }
        let seen = all.into_iter().map(|path| {
            let metadata = path.symlink_metadata().unwrap();
            (path, metadata.mode(), metadata.modified().unwrap(), metadata.ctime_nsec(), metadata.len())
        });
        seen.collect::<Vec<_>>()
    };
    let before = everything();
    examine_for(name, temp.path(), &[key, "absent/one"]).await;
    assert_eq!(everything(), before);
}
