//! A health URL, and the operator's word for what it shows.

use keywheel_core::{notifier::Adoption, provider::Finding};

use super::shown::ask;
use crate::http::Endpoint;

/// A URL that answers well only while the consumer works.
///
/// A healthy answer names no version, so it is never evidence that a consumer moved: a consumer that was not told at
/// all is as healthy. What it can do is keep a rotation from going on while the consumer is *not* well; from then on
/// the operator's words count, and the record says so.
pub struct Health {
    endpoint: Endpoint,
    accepted: String,
}

impl Health {
    pub(super) fn new(endpoint: Endpoint, accepted: String) -> Self {
        Self { endpoint, accepted }
    }

    pub(super) fn accepted(&self) -> String {
        self.accepted.clone()
    }

    pub(super) async fn look(&self) -> Adoption {
        match ask(&self.endpoint).await {
            Ok(_) => Adoption::Unobservable {
                accepted: format!("{} ({} is healthy)", self.accepted, self.endpoint.address),
            },
            Err(why) => Adoption::NotYet { why: format!("{} {why}", self.endpoint.address) },
        }
    }

    pub(super) async fn examine(&self) -> Vec<Finding> {
        let findings = self.endpoint.examine().await;
        if !findings.is_empty() {
            return findings;
        }
        let finding = ask(&self.endpoint).await.err().map(|why| {
            Finding::warning(
                format!("{} is not healthy: it {why}", self.endpoint.address),
                "look after the consumer; while it is not healthy, no rotation is adopted",
            )
        });
        finding.into_iter().collect()
    }
}
