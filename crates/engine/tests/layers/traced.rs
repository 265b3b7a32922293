//! One event for each call, and nothing in it that was asked or answered.

use std::time::Duration;

use std::{
    io,
    sync::{Arc, Mutex},
};

use keywheel_core::{Clock, ErrorKind};
use keywheel_engine::layers::Traced;
use keywheel_testkit::faults::{Fault, FaultPlan};
use tracing::instrument::WithSubscriber;
use tracing_subscriber::fmt::MakeWriter;

use crate::calls::{Models, VALUE, changes, clock, looks, until};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().expect("nobody panicked under it");
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked under it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Makes every call there is through the layer, and gives the lines that came of it.
async fn logged(plan: &FaultPlan) -> Vec<(&'static str, String)> {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let manual: Arc<dyn Clock> = Arc::new(clock());
    let models = Models::behind(plan);
    let secret = Traced::around(models.secret, Arc::clone(&manual), "app-dir");
    let rotator = Traced::around(models.rotator, Arc::clone(&manual), "app-user");
    let notifier = Traced::around(models.notifier, manual, "app");
    let context = until(Duration::MAX);
    let mut calls = looks(&secret, &rotator, &notifier);
    calls.extend(changes(&context, &secret, &rotator, &notifier));
    let operations: Vec<_> = calls.iter().map(|(operation, _)| *operation).collect();
    async {
        for (_, call) in calls {
            let _ = call.await;
        }
    }
    .with_subscriber(subscriber)
    .await;
    let lines = log.lines();
    assert_eq!(lines.len(), operations.len(), "one event a call: {lines:#?}");
    operations.into_iter().zip(lines).collect()
}

#[tokio::test]
async fn each_call_leaves_one_event_with_whom_it_was_for_and_what_came_of_it() {
    for (operation, line) in logged(&FaultPlan::none()).await {
        assert!(line.contains(&format!("operation=\"{operation}\"")), "{line}");
        assert!(line.contains("on=\"app") && line.contains("milliseconds=0"), "{line}");
    }
    let lost = FaultPlan::at((0..17).map(|number| (number, Fault::LostReply)));
    for (position, (operation, line)) in logged(&lost).await.into_iter().enumerate() {
        assert!(line.contains("DEBUG") && line.contains("kind=timed-out"), "{operation}: {line}");
        assert!(line.contains(&format!("may_be_applied={}", position >= 6)), "{operation}: {line}");
    }
}

#[tokio::test]
async fn no_event_holds_what_was_asked_or_answered() {
    let value = std::str::from_utf8(VALUE).expect("text");
    let refused = FaultPlan::at((0..17).map(|number| (number, Fault::Refusal(ErrorKind::Unavailable))));
    for plan in [FaultPlan::none(), refused] {
        for (operation, line) in logged(&plan).await {
            for hidden in [value, &format!("{VALUE:?}"), "KEY0", "refused by the fault plan"] {
                assert!(!line.contains(hidden), "{operation}: {line}");
            }
        }
    }
}
