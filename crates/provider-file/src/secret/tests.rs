mod contract;
mod crash;
mod races;
mod trespass;

use std::time::Duration;

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;
use keywheel_core::{
    CallContext, Effect, Error, ErrorKind, Fence, Fingerprinter, Identity, Initiator, Result, RotationId,
    SecretValue, VersionId,
    provider::{Settings, Store, Surroundings},
    rotation::Location,
    secret::{Secret, Stage, VersionInfo},
    yaml::{Diagnostics, Source, parse},
};
use rstest::rstest;
use tempfile::TempDir;

use crate::{document, document::JsonPointer, dotenv::Dotenv};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Directory,
    EnvFile,
    Document,
}

/// Whether consumers can read `next` and `previous`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shown {
    CurrentOnly,
    All,
}

impl Kind {
    fn declared(self) -> &'static str {
        match self {
            Directory => "secrets",
            EnvFile => "app.env",
            Document => "config.json",
        }
    }
}

use Kind::{Directory, Document, EnvFile};
use Shown::{All, CurrentOnly};

struct Fixture {
    temp: TempDir,
    kind: Kind,
    location: Location,
    store: Arc<dyn Store>,
    secret: Arc<dyn Secret>,
}

/// Without a runtime every call is done at once, on this thread.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("the call waits"),
    }
}

fn configured(kind: Kind, base: PathBuf, settings: &str) -> Arc<dyn Store> {
    let name = match kind {
        Directory => "directory",
        EnvFile => "env-file",
        Document => "document",
    };
    let source = Source::new("inventory.yaml", settings);
    let mut diagnostics = Diagnostics::new(source);
    let document = parse(&mut diagnostics).unwrap();
    let kinds = crate::kinds();
    let kind = kinds.iter().find(|kind| kind.name() == name).unwrap();
    let settings = Settings { node: document.root(), diagnostics: &mut diagnostics };
    kind.configure(
        &Surroundings { base, clock: Arc::new(keywheel_testkit::ManualClock::at(Timestamp::UNIX_EPOCH)) },
        settings,
    )
    .unwrap()
}

fn rotation(number: u8) -> CallContext {
    CallContext {
        rotation: RotationId::from_bytes([number; 16]),
        started_at: Timestamp::UNIX_EPOCH,
        initiator: Initiator::new("ada@host"),
        deadline: Duration::MAX,
        fence: Fence(1),
    }
}

fn value(text: &str) -> SecretValue {
    SecretValue::copy_from(text.as_bytes())
}

fn id(text: &str) -> VersionId {
    VersionId::new(Fingerprinter::plain().of(&value(text)).to_string())
}

fn edit(kind: Kind, path: &Path, place: &str, text: &str) {
    let file = || fs::read(path).unwrap();
    let edited = match kind {
        Directory => return fs::write(path, text).unwrap(),
        EnvFile => Dotenv::parse(&file()).unwrap().set(place, &value(text)).unwrap(),
        Document => {
            let pointer = JsonPointer::parse(place).unwrap();
            document::set(&file(), &pointer, &value(text)).unwrap()
        }
    };
    fs::write(path, &*edited).unwrap();
}

impl Fixture {
    fn new(kind: Kind, shown: Shown) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let key = match kind {
            Directory => "tls/key",
            EnvFile => "KEY",
            Document => "/tls/key",
        };
        let path = kind.declared();
        let store = configured(kind, temp.path().to_owned(), &format!("path: {path}\nmax-bytes: 65536\n"));
        let beside = |stage| store.beside(key, stage).filter(|_| shown == All);
        let location =
            Location { key: key.into(), next: beside(Stage::Next), previous: beside(Stage::Previous) };
        store.check_location(&location).unwrap();
        let secret = store.secret(&location, Fingerprinter::plain());
        let fixture = Self { temp, kind, location, store, secret };
        match kind {
            Directory => fs::create_dir_all(fixture.path("secrets/tls")).unwrap(),
            EnvFile => fs::write(fixture.file(), "# kept\nOTHER=1\n").unwrap(),
            Document => fs::write(fixture.file(), "{ \"other\": 1.50, \"tls\": {} }\n").unwrap(),
        }
        fixture
    }

    /// With `text` as the current value, put there by somebody else.
    fn holding(kind: Kind, shown: Shown, text: &str) -> Self {
        let fixture = Self::new(kind, shown);
        fixture.overwrite(&fixture.location.key, text);
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// The shared file, or the one of `current`.
    fn file(&self) -> PathBuf {
        match self.kind {
            Directory => self.path("secrets/tls/key"),
            EnvFile => self.path("app.env"),
            Document => self.path("config.json"),
        }
    }

    /// As somebody without keywheel does it.
    fn overwrite(&self, place: &str, text: &str) {
        let file = if self.kind == Directory { self.path("secrets").join(place) } else { self.file() };
        edit(self.kind, &file, place, text);
    }

    /// Somebody who will save `text` as the current value.
    fn editor(&self, text: &'static str) -> impl FnMut() + use<> {
        let (file, kind, key) = (self.file(), self.kind, Arc::clone(&self.location.key));
        move || edit(kind, &file, &key, text)
    }

    /// What a consumer reads in `place`.
    fn consumer_reads(&self, place: Option<&Arc<str>>) -> Option<String> {
        let place = place?;
        let text = |value: SecretValue| String::from_utf8(value.expose_secret().to_vec()).unwrap();
        match self.kind {
            Directory => fs::read_to_string(self.path("secrets").join(&**place)).ok(),
            EnvFile => {
                let file = fs::read(self.file()).unwrap();
                Dotenv::parse(&file).unwrap().get(place).unwrap().map(text)
            }
            Document => {
                let file = fs::read(self.file()).unwrap();
                document::get(&file, &JsonPointer::parse(place).unwrap()).unwrap().map(text)
            }
        }
    }

    fn consumer_reads_current(&self) -> Option<String> {
        self.consumer_reads(Some(&self.location.key))
    }

    fn read(&self, stage: Stage) -> Option<String> {
        match now(self.secret.read(stage)) {
            Ok(value) => Some(String::from_utf8(value.expose_secret().to_vec()).unwrap()),
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
                None
            }
        }
    }

    fn stage(&self, by: u8, text: &str) -> Result<VersionInfo> {
        now(self.secret.stage(&rotation(by), &value(text), Some(&Identity::new("app_b"))))
    }

    fn publish(&self, text: &str) -> Result<()> {
        now(self.secret.publish(&rotation(1), &id(text)))
    }

    fn promote(&self, text: &str, expected: Option<&str>) -> Result<()> {
        now(self.secret.promote(&rotation(1), &id(text), expected.map(id).as_ref()))
    }

    fn retire(&self, text: &str) -> Result<()> {
        now(self.secret.retire(&rotation(1), &id(text)))
    }

    /// Every stage with its value, checked against `read`.
    #[track_caller]
    fn stages(&self) -> Vec<(Stage, String)> {
        let versions = now(self.secret.versions()).unwrap();
        let mut stages = Vec::new();
        for stage in Stage::ALL {
            let at: Vec<_> = versions.0.iter().filter(|version| version.stage == stage).collect();
            assert!(at.len() <= 1, "two versions are {stage}");
            let read = self.read(stage);
            assert_eq!(at.first().map(|version| version.id.clone()), read.as_deref().map(id), "{stage}");
            stages.extend(read.map(|text| (stage, text)));
        }
        stages
    }

    /// Every file below the fixture with its content, to show that nothing has changed.
    fn everything(&self) -> Vec<(PathBuf, Vec<u8>)> {
        fn walk(directory: PathBuf, found: &mut Vec<(PathBuf, Vec<u8>)>) {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                match path.symlink_metadata().unwrap() {
                    metadata if metadata.is_dir() && !path.ends_with("locks") => walk(path, found),
                    metadata if metadata.is_file() => found.push((path.clone(), fs::read(path).unwrap())),
                    _ => {}
                }
            }
        }
        let mut found = Vec::new();
        walk(self.temp.path().to_owned(), &mut found);
        found.sort();
        found
    }
}

fn at(stages: &[(Stage, &str)]) -> Vec<(Stage, String)> {
    stages.iter().map(|(stage, text)| (*stage, (*text).to_owned())).collect()
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(outcome: Result<T>, kind: ErrorKind, says: &str) -> Error {
    let error = outcome.unwrap_err();
    assert_eq!((error.kind, error.effect), (kind, Effect::NotApplied), "{error}");
    assert!(error.to_string().contains(says), "{error}");
    error
}

#[rstest]
fn a_whole_rotation_leaves_only_the_new_value(
    #[values(Directory, EnvFile, Document)] kind: Kind,
    #[values(CurrentOnly, All)] shown: Shown,
) {
    let fixture = Fixture::holding(kind, shown, "a");
    fixture.stage(1, "b").unwrap();
    if shown == All {
        fixture.publish("b").unwrap();
        assert_eq!(fixture.consumer_reads(fixture.location.next.as_ref()).unwrap(), "b");
    }
    fixture.promote("b", Some("a")).unwrap();
    assert_eq!(fixture.stages(), at(&[(Stage::Current, "b"), (Stage::Previous, "a")]));
    let shown_previous = fixture.consumer_reads(fixture.location.previous.as_ref());
    assert_eq!(shown_previous.as_deref(), (shown == All).then_some("a"));
    fixture.retire("a").unwrap();
    assert_eq!(fixture.stages(), at(&[(Stage::Current, "b")]));
    for (path, content) in fixture.everything() {
        let old =
            content.ends_with(b"a") || content.windows(3).any(|three| three == b"=a\n" || three == b"\"a\"");
        assert!(!old, "{} still holds the old value", path.display());
    }
}
