//! Tells a consumer by an HTTP call.

use std::sync::Arc;

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Clock, Error, ErrorKind, Result,
    notifier::{Adoption, Notice, Notifier},
    provider::Finding,
};
use serde::Serialize;

use super::{Body, Method};
use crate::{
    evidence::Evidence,
    http::{Call, Endpoint, refused},
};

const OPERATION: &str = "reload";

/// The call that makes a consumer reload.
pub(super) struct Reload {
    pub(super) endpoint: Endpoint,
    pub(super) method: Method,
    pub(super) body: Body,
    pub(super) ok: Box<[u16]>,
}

/// Calls one consumer.
///
/// The call carries the notice's id as `Idempotency-Key` and as `X-Keywheel-Notice`, the same for every repetition, and
/// the notice as JSON unless the settings say that nothing is sent; never a value. A redirect is not followed.
///
/// | what happens | the error | so the engine |
/// |---|---|---|
/// | a status of `ok` | none | goes on |
/// | no connection: refused, unknown, given up | [`ErrorKind::Unavailable`], not applied | tries again |
/// | a certificate that is not believed | [`ErrorKind::InvalidConfig`], not applied | stops and reports |
/// | no answer, or a broken one | [`ErrorKind::TimedOut`] or [`ErrorKind::Unavailable`], maybe applied | tries again |
/// | 429 | [`ErrorKind::RateLimited`], not applied | tries again |
/// | 5xx | [`ErrorKind::Unavailable`], maybe applied | tries again |
/// | 401 | [`ErrorKind::Unauthenticated`], not applied | stops and reports |
/// | 403 | [`ErrorKind::PermissionDenied`], not applied | stops and reports |
/// | a redirect | [`ErrorKind::InvalidConfig`], not applied | stops and reports |
/// | another 4xx | [`ErrorKind::Rejected`], not applied | stops and reports |
pub struct HttpNotifier {
    reload: Reload,
    evidence: Evidence,
    clock: Arc<dyn Clock>,
}

/// What is sent.
#[derive(Serialize)]
struct Told<'a> {
    id: &'a str,
    #[serde(flatten)]
    notice: &'a Notice,
}

impl Reload {
    pub(super) fn describe(&self) -> String {
        format!("{} {}", self.method().as_str(), self.endpoint.address)
    }

    fn method(&self) -> reqwest::Method {
        match self.method {
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Get => reqwest::Method::GET,
        }
    }

    /// Whether nothing of what is sent depends on the notice, but for its id.
    fn says_nothing(&self) -> bool {
        self.body == Body::None || self.method == Method::Get
    }

    fn means_told(&self, status: reqwest::StatusCode) -> bool {
        if self.ok.is_empty() { status.is_success() } else { self.ok.contains(&status.as_u16()) }
    }
}

impl HttpNotifier {
    pub(super) fn new(reload: Reload, evidence: Evidence, clock: Arc<dyn Clock>) -> Self {
        Self { reload, evidence, clock }
    }
}

#[async_trait]
impl Notifier for HttpNotifier {
    async fn notify(&self, context: &CallContext, notice: &Notice) -> Result<()> {
        let id = notice.id();
        let call = Call {
            operation: OPERATION,
            method: self.reload.method(),
            headers: vec![("Idempotency-Key", id.clone()), ("X-Keywheel-Notice", id.clone())],
            body: if self.reload.says_nothing() { None } else { Some(body(&id, notice)?) },
            limit: context.deadline.saturating_sub(self.clock.running()),
        };
        let answer = self.reload.endpoint.call(call).await?;
        if self.reload.means_told(answer.status) {
            return Ok(());
        }
        Err(refused(OPERATION, &self.reload.endpoint.address, &answer))
    }

    async fn adopted(&self, notice: &Notice) -> Result<Adoption> {
        Ok(self.evidence.observe(notice).await)
    }

    fn tells_everything(&self) -> bool {
        self.reload.says_nothing()
    }

    async fn examine(&self) -> Vec<Finding> {
        let mut findings = self.reload.endpoint.examine().await;
        findings.extend(self.evidence.examine().await);
        findings
    }
}

fn body(id: &str, notice: &Notice) -> Result<Vec<u8>> {
    serde_json::to_vec(&Told { id, notice }).map_err(|error| {
        Error::not_applied(ErrorKind::Internal, OPERATION, "the notice cannot be written as JSON")
            .caused_by(error)
    })
}
