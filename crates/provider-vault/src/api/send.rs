//! One request: to whom it goes, how long it may take, and what came back.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBuilder};
use bytes::Bytes;
use keywheel_core::{Effect, Error, ErrorKind, Result};
use reqwest::{
    Method, Response, Url,
    header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER},
};
use zeroize::Zeroizing;

use super::{Session, failure::unanswered, reply::Reply, shared::PATIENCE};

/// The largest answer that is looked at: more than the largest request that a server takes.
const LARGEST_BYTES: usize = 64 * 1024 * 1024;

/// How long a request that is put off is sent again.
const PUT_OFF: Duration = Duration::from_secs(20);

/// What one request is, apart from who sends it.
pub(super) struct Request<'r> {
    pub(super) method: Method,
    pub(super) path: &'r [&'r str],
    pub(super) query: Option<(&'static str, String)>,
    pub(super) body: Option<Bytes>,
    pub(super) again: Again,
}

/// Whether a request may be sent again that was put off.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It changes nothing.
    Freely,
    /// It changes something under check-and-set, or to what it is already: a second time does no harm, and if the first one
    /// may have been carried out, every later error says so.
    AsAChange,
    /// Only if it was certainly not carried out: it may use up what it shows.
    IfRefused,
}

impl Session<'_> {
    /// Sends, and sends again what the server puts off (`Retry-After`) for as long as there is time. Whoever waited comes back
    /// at another moment than the others: never before the server said, and within twice that.
    pub(super) async fn send(&mut self, request: &Request<'_>, token: Option<&HeaderValue>) -> Result<Reply> {
        let mut waits = None;
        loop {
            let reply = self.send_to_active(request, token).await?;
            let Some(after) = self.put_off(request, &reply) else { return Ok(reply) };
            let waits = waits.get_or_insert_with(|| {
                ExponentialBuilder::default()
                    .with_min_delay(after)
                    // The server says how long: it may say longer the next time.
                    .with_factor(1.0)
                    .without_max_times()
                    .with_total_delay(Some(self.left().map_or(PUT_OFF, |left| left.min(PUT_OFF))))
                    .with_jitter()
                    .with_jitter_seed(self.seed(request))
                    .build()
            });
            let Some(wait) = waits.next().map(|wait| wait.max(after)) else { return Ok(reply) };
            // Who comes back when the time is over might as well not come back.
            if self.left().is_some_and(|left| left <= wait) {
                return Ok(reply);
            }
            tracing::debug!(operation = self.operation, status = reply.status.as_u16(), ?wait, "put off");
            self.shared.clock.sleep(wait).await;
        }
    }

    /// How long the server puts the request off, if it may be sent again at all.
    fn put_off(&mut self, request: &Request<'_>, reply: &Reply) -> Option<Duration> {
        let seconds = reply.retry_after.filter(|_| matches!(reply.status.as_u16(), 429 | 503))?;
        let may_have = reply.refusal(self.operation).effect == Effect::MaybeApplied;
        match request.again {
            Again::IfRefused if may_have => return None,
            Again::Freely | Again::IfRefused => {}
            Again::AsAChange => self.changed |= may_have,
        }
        Some(Duration::from_secs(seconds).max(Duration::from_millis(100)))
    }

    fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_sub(self.shared.clock.running()))
    }

    /// Another one for each operation that waits, and the same for one that is played again on the same clock.
    fn seed(&self, request: &Request<'_>) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.shared.clock.running(), request.path, self.operation).hash(&mut hasher);
        hasher.finish()
    }

    /// A standby that does not forward requests says where the active node is.
    async fn send_to_active(&mut self, request: &Request<'_>, token: Option<&HeaderValue>) -> Result<Reply> {
        let response = self.send_once(request, token).await?;
        let redirected = matches!(response.status().as_u16(), 307 | 308);
        let active = response.headers().get(LOCATION).filter(|_| redirected).and_then(|to| self.active(to));
        let response = match active {
            Some(active) => {
                self.base = active;
                self.send_once(request, token).await?
            }
            None => response,
        };
        self.received(response).await
    }

    /// The node that a standby names. Of its answer only the origin counts, and TLS is not given up for it.
    fn active(&self, location: &HeaderValue) -> Option<Url> {
        let named = Url::parse(location.to_str().ok()?).ok()?;
        let safe = named.scheme() == self.base.scheme() && named.host_str().is_some();
        let mut active = self.base.clone();
        active.set_host(named.host_str().filter(|_| safe)).ok()?;
        active.set_port(named.port()).ok()?;
        (safe && active != self.base).then_some(active)
    }

    async fn send_once(&self, request: &Request<'_>, token: Option<&HeaderValue>) -> Result<Response> {
        let limit = self.left().map_or(PATIENCE, |left| left.min(PATIENCE));
        if limit.is_zero() {
            let message = "there was no time left to begin it";
            return Err(Error::not_applied(ErrorKind::TimedOut, self.operation, message));
        }
        let mut url = self.address(request.path)?;
        if let Some((name, value)) = &request.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        let client = match request.again {
            Again::Freely | Again::AsAChange => &self.clients.again,
            Again::IfRefused => &self.clients.once,
        };
        // An agent that adds a token of its own may want to see that no browser was talked into the request.
        let mut made =
            client.request(request.method.clone(), url).header("X-Vault-Request", "true").timeout(limit);
        if let Some(token) = token {
            made = made.header("X-Vault-Token", token.clone());
        }
        if let Some(namespace) = &self.shared.namespace {
            made = made.header("X-Vault-Namespace", namespace.clone());
        }
        if let Some(body) = &request.body {
            made = made.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        made.send().await.map_err(|error| unanswered(self.operation, &error))
    }

    fn address(&self, path: &[&str]) -> Result<Url> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| {
                let message = "no address can have this path in it";
                Error::not_applied(ErrorKind::InvalidConfig, self.operation, message)
            })?
            .pop_if_empty()
            .push("v1")
            .extend(path.iter().flat_map(|part| part.split('/')));
        Ok(url)
    }

    async fn received(&self, mut response: Response) -> Result<Reply> {
        let status = response.status();
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let mut body = Zeroizing::new(Vec::new());
        // Who waits for the end of an answer has sent the request.
        let cut = |error: &reqwest::Error| Error {
            effect: Effect::MaybeApplied,
            ..unanswered(self.operation, error)
        };
        while let Some(chunk) = response.chunk().await.map_err(|error| cut(&error))? {
            if body.len() + chunk.len() > LARGEST_BYTES {
                let message = "the server's answer is larger than 64 MiB";
                return Err(Error::maybe_applied(ErrorKind::Unsupported, self.operation, message));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, body, retry_after })
    }
}
