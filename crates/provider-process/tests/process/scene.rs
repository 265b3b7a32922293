//! A directory, a clock and a notice.

use std::{path::PathBuf, time::Duration};

use keywheel_core::{
    CallContext, Clock, Fingerprint, RotationId,
    notifier::{Notice, Phase},
    provider::Surroundings,
};
use keywheel_testkit::declared::{StandingClock, call, surroundings};
use tempfile::TempDir;

pub(crate) const OLD: &str = "0000000000000001";
pub(crate) const NEW: &str = "ba7816bf8f01cfea";

pub(crate) struct Scene {
    pub(crate) directory: TempDir,
    pub(crate) surroundings: Surroundings,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let surroundings = surroundings(directory.path());
        Self { directory, surroundings }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path(name)).ok()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Waits until the file has something in it.
    pub(crate) async fn awaited(&self, name: &str) -> String {
        eventually(name, || self.read(name).filter(|text| text.ends_with('\n'))).await
    }
}

/// Waits until `look` sees something.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..500 {
        if let Some(seen) = look() {
            return seen;
        }
        StandingClock.sleep(Duration::from_millis(20)).await;
    }
    panic!("never seen: {what}");
}

/// A call with so much time left.
pub(crate) fn context(left: Duration) -> CallContext {
    call(left)
}

/// A call with plenty of time.
pub(crate) fn unhurried() -> CallContext {
    context(Duration::from_secs(30))
}

pub(crate) fn notice(phase: Phase, expected: Option<&str>) -> Notice {
    let expected = expected.map(|text| text.parse::<Fingerprint>().unwrap());
    Notice {
        rotation: rotation(),
        phase,
        secret: "web/cookie~key".into(),
        expected,
        identity: None,
        replaced: None,
        since: jiff::Timestamp::UNIX_EPOCH,
    }
}

pub(crate) fn promoted() -> Notice {
    notice(Phase::Promoted, Some(NEW))
}

fn rotation() -> RotationId {
    RotationId::from_random([7; 16])
}
