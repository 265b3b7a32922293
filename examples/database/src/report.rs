//! How many requests there were, how many failed, and which credential served when.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use serde_json::json;

use crate::document::Document;

/// Counts requests.
pub(crate) struct Report {
    began: Instant,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    failed: u64,
    failures: Vec<String>,
    served: Vec<Served>,
}

/// What one credential did.
struct Served {
    engine: String,
    username: String,
    fingerprint: String,
    requests: u64,
    first: f64,
    last: f64,
}

impl Report {
    pub(crate) fn begin() -> Self {
        Self { began: Instant::now(), counts: Mutex::default() }
    }

    pub(crate) fn served(&self, by: &Document) {
        let now = self.began.elapsed().as_secs_f64();
        let mut counts = self.counts();
        if let Some(served) =
            counts.served.iter_mut().rev().find(|served| served.fingerprint == by.fingerprint)
        {
            served.requests += 1;
            served.last = now;
            return;
        }
        counts.served.push(Served {
            engine: by.engine.clone(),
            username: by.username.clone(),
            fingerprint: by.fingerprint.clone(),
            requests: 1,
            first: now,
            last: now,
        });
    }

    pub(crate) fn failed(&self, by: &Document, error: &str) {
        let mut counts = self.counts();
        counts.failed += 1;
        let words = format!("{} as {} ({}): {error}", by.engine, by.username, by.fingerprint);
        if counts.failures.len() < 20 {
            counts.failures.push(words);
        }
    }

    pub(crate) fn to_json(&self) -> String {
        let counts = self.counts();
        let served: Vec<_> = counts
            .served
            .iter()
            .map(|served| {
                json!({
                    "engine": served.engine, "username": served.username, "fingerprint": served.fingerprint,
                    "requests": served.requests, "first": served.first, "last": served.last,
                })
            })
            .collect();
        let requests = counts.served.iter().map(|served| served.requests).sum::<u64>() + counts.failed;
        json!({
            "requests": requests, "failed": counts.failed, "failures": counts.failures, "served": served,
        })
        .to_string()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
