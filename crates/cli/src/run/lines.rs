//! Progress for logs and pipes: a line for each step, or a count where there are too many of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use keywheel::{
    core::rotation::Event,
    engine::{EngineEvent, Observer},
};

use crate::{
    look,
    run::{ending, step},
};

/// With more items than this nobody reads steps.
const MANY: usize = 200;

/// How many counts a large run prints.
const COUNTS: usize = 20;

/// Writes lines to stderr.
#[derive(Default)]
pub(crate) struct Lines {
    total: AtomicUsize,
    ended: AtomicUsize,
}

impl Lines {
    /// `total` items follow.
    pub(crate) fn begin(&self, total: usize) {
        self.total.store(total, Ordering::Relaxed);
    }

    fn many(&self) -> bool {
        self.total.load(Ordering::Relaxed) > MANY
    }
}

impl Observer for Lines {
    fn on(&self, event: &EngineEvent<'_>) {
        match event {
            EngineEvent::Recorded { record, history } => {
                let quiet = self.many() && !tells_of_trouble(&record.body.event);
                if !quiet && let Some(words) = step::in_words(record, history.spec()) {
                    look::tell(&format!("{}: {words}", record.body.secret));
                }
            }
            EngineEvent::NotYet { history, action, why } if !self.many() => {
                let spec = history.spec();
                look::tell(&format!("{}: {} … not yet: {why}", spec.secret, action.describe(spec)));
            }
            EngineEvent::Waits { history, until, .. } if !self.many() => {
                look::tell(&format!("{}: waits until {}", history.spec().secret, look::moment(*until)));
            }
            EngineEvent::TakesOver { secret, quiet } => look::tell(&step::taken_over(secret, *quiet)),
            EngineEvent::NotTold { notice, why } => look::tell(&step::not_told(notice, why)),
            EngineEvent::NotYet { .. } | EngineEvent::Waits { .. } => {}
            EngineEvent::Ended { secret, ended } => {
                let number = self.ended.fetch_add(1, Ordering::Relaxed) + 1;
                let total = self.total.load(Ordering::Relaxed);
                if !self.many() {
                    return;
                }
                if ending::is_trouble(ended) {
                    look::tell(&format!("{secret}: {}", ending::in_words(ended).now));
                }
                if number.is_multiple_of(total / COUNTS) || number == total {
                    look::tell(&format!("{number} of {total} secrets"));
                }
            }
        }
    }
}

fn tells_of_trouble(event: &Event) -> bool {
    match event {
        Event::Failed { .. } | Event::UndoBegan { .. } | Event::Parked { .. } => true,
        Event::Started(_)
        | Event::Begin { .. }
        | Event::Done { .. }
        | Event::Released { .. }
        | Event::OverlapCut { .. }
        | Event::AdoptionVouched { .. }
        | Event::Finished { .. } => false,
    }
}
