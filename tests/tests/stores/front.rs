//! A layer in front of the stand-in for AWS that answers a share of the requests as AWS does when it is asked too much.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State as Extracted,
    http::{HeaderMap, HeaderName, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use keywheel_tests::Stopwatch;
use reqwest::Client;
use tokio::{net::TcpListener, runtime::Runtime};

/// How many requests in a hundred are not passed on.
const PERCENT: u64 = 30;

/// What `Retry-After` says, where it is said.
pub(crate) const TOLD: Duration = Duration::from_secs(1);

/// Whoever waited for as long is about to go, or has gone.
const GIVEN_UP: Duration = Duration::from_secs(9);

/// A refusal. Most are what AWS gives its own clients: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html>.
#[derive(Clone, Copy)]
struct Refusal {
    status: u16,
    code: &'static str,
    says_when: bool,
}

const PLAIN: Refusal = Refusal { status: 400, code: "ThrottlingException", says_when: false };
const TOLD_WHEN: Refusal = Refusal { status: 429, code: "TooManyRequestsException", says_when: true };

/// The last one may have been carried out, for all that its reader knows.
const REFUSALS: [Refusal; 8] = [
    PLAIN,
    TOLD_WHEN,
    PLAIN,
    Refusal { says_when: false, ..TOLD_WHEN },
    PLAIN,
    TOLD_WHEN,
    PLAIN,
    Refusal { status: 503, code: "ServiceUnavailableException", says_when: true },
];

/// A request that was refused, and came back.
#[derive(Clone, Copy)]
pub(crate) struct Repeat {
    /// How long after the refusal.
    pub(crate) after: Duration,
    /// Since the start.
    pub(crate) at: Duration,
    /// Whether it was told when to come back, by a refusal that says that nothing was done, and was not given up meanwhile.
    pub(crate) told: bool,
}

/// What was seen so far.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) requests: usize,
    pub(crate) refused: usize,
    pub(crate) repeats: Vec<Repeat>,
    /// From when to when, each that was answered while its sender waited.
    answered: Vec<(Duration, Duration)>,
    draw: u64,
    waiting: HashMap<Asked, Waiting>,
}

/// What is asked: operation and body.
type Asked = (String, Bytes);

/// A request that was refused.
struct Waiting {
    since: Duration,
    told: bool,
    /// The same for each time that the SDK sends a request, and another one when keywheel asks anew.
    invocation: String,
}

struct Inner {
    client: Client,
    moto: u16,
    watch: Stopwatch,
    seen: Mutex<Seen>,
}

/// A running layer; it ends when it is dropped.
pub(crate) struct Front {
    inner: Arc<Inner>,
    port: u16,
    /// Its drop ends what runs on it.
    _runtime: Runtime,
}

impl Front {
    /// In front of `moto`, one of its ports.
    pub(crate) fn of(moto: u16, seed: u64) -> Self {
        // The client wants one, though it never speaks TLS here. Somebody else may have been faster.
        let _known = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder().no_proxy().build().expect("a client");
        let nothing_yet = Mutex::new(Seen { draw: seed, ..Seen::default() });
        let inner = Arc::new(Inner { client, moto, watch: Stopwatch::start(), seen: nothing_yet });
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a free port");
        let port = listener.local_addr().expect("a bound socket").port();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { inner, port, _runtime: runtime }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.inner.seen())
    }
}

impl Inner {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// How many requests were answered at the same time, at most.
    pub(crate) fn most_at_once(&self) -> usize {
        let begun = self.answered.iter().map(|(begin, _)| (*begin, 1_isize));
        let ended = self.answered.iter().map(|(_, end)| (*end, -1));
        let mut changes: Vec<_> = begun.chain(ended).collect();
        // At the same moment ends come first.
        changes.sort_unstable();
        let running = changes.iter().scan(0, |running, (_, change)| {
            *running += change;
            Some(*running)
        });
        running.max().unwrap_or_default().unsigned_abs()
    }

    fn refusal(&mut self, asked: Asked, invocation: &str, now: Duration) -> Option<Refusal> {
        if let Some(waiting) = self.waiting.remove(&asked) {
            let told = waiting.told && waiting.invocation == invocation;
            self.repeats.push(Repeat { after: now.saturating_sub(waiting.since), at: now, told });
        }
        self.requests += 1;
        // Knuth's generator for 64 bits: the same requests in the same order meet the same.
        self.draw = self.draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if (self.draw >> 33) % 100 >= PERCENT {
            return None;
        }
        let refusal = REFUSALS[self.refused % REFUSALS.len()];
        self.refused += 1;
        let told = refusal.says_when && refusal.status == 429;
        self.waiting.insert(asked, Waiting { since: now, told, invocation: invocation.to_owned() });
        Some(refusal)
    }
}

async fn answer(Extracted(inner): Extracted<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let now = inner.watch.elapsed();
    let refusal = {
        let mut seen = inner.seen();
        let asked = (header("x-amz-target").to_owned(), body.clone());
        seen.refusal(asked, header("amz-sdk-invocation-id"), now)
    };
    let response = match refusal {
        Some(refusal) => refused(refusal),
        None => passed_on(&inner, headers, body).await,
    };
    let end = inner.watch.elapsed();
    if end.saturating_sub(now) < GIVEN_UP {
        inner.seen().answered.push((now, end));
    }
    response
}

fn refused(refusal: Refusal) -> Response {
    let body = serde_json::json!({ "__type": refusal.code, "message": "Rate exceeded" }).to_string();
    let status = StatusCode::from_u16(refusal.status).expect("a status");
    let mut response = (status, body).into_response();
    if refusal.says_when {
        response.headers_mut().insert(RETRY_AFTER, TOLD.as_secs().into());
    }
    response
}

async fn passed_on(inner: &Inner, mut headers: HeaderMap, body: Bytes) -> Response {
    headers.remove("host");
    let request = inner.client.post(format!("http://127.0.0.1:{}/", inner.moto)).headers(headers).body(body);
    let reply = request.send().await.expect("moto answers");
    let (status, headers) = (reply.status(), reply.headers().clone());
    let body = reply.bytes().await.expect("a body");
    let kept = headers.into_iter().filter_map(|(name, value)| Some((name?, value)));
    let kept: Vec<(HeaderName, _)> =
        kept.filter(|(name, _)| name.as_str().starts_with("x-amz") || name == "content-type").collect();
    let mut response = (status, body).into_response();
    response.headers_mut().extend(kept);
    response
}
