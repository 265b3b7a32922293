//! The fake as a server, with the troubles that a test orders.

use std::{
    collections::{HashMap, VecDeque},
    future::pending,
    net::TcpListener,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State as Extracted,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{runtime, sync::oneshot};

use super::{
    answer::{Answer, errors},
    state::{Asked, State, Token},
};
use crate::{
    patience::{Stopwatch, until},
    port::Port,
};

/// What happens to one request.
pub enum Trouble {
    /// It is not looked at; this is the answer, with these headers.
    Answered(u16, Vec<(&'static str, String)>, Value),
    /// It is carried out, and this is the answer all the same.
    CarriedOutAndAnswered(u16, Vec<(&'static str, String)>),
    /// It is carried out, and nothing comes back.
    ReplyLost,
    /// It is not carried out, and nothing comes back.
    RequestLost,
    /// Somebody does this first.
    Meanwhile(Box<dyn FnOnce(&mut State) + Send>),
}

/// A server that is asked too much: some of the requests are not looked at, and answered 429 and 503 in turns.
#[derive(Clone, Copy, Debug)]
pub struct Throttle {
    /// How many in a hundred.
    pub percent: u64,
    /// What it says in `Retry-After`.
    pub retry_after_seconds: u64,
}

#[derive(Default)]
struct Inner {
    state: State,
    /// Each befalls the first request whose method and path contain the words.
    troubles: VecDeque<(String, Trouble)>,
    throttle: Option<Throttle>,
    /// How many requests were throttled.
    throttled: usize,
    /// When, by method and path, and how long after that they came back.
    put_off: HashMap<String, Stopwatch>,
    came_back: Vec<(String, Duration)>,
    /// Where the draw of those to be throttled is.
    draw: u64,
    seen: Vec<String>,
    count: usize,
    headers: HeaderMap,
}

/// A running server; it ends when it is dropped.
pub struct Fake {
    inner: Arc<Mutex<Inner>>,
    serving: Option<Serving>,
    /// While it is down, too: nobody else is to be asked in its place.
    port: Port,
}

struct Serving {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.down();
    }
}

impl Fake {
    /// The token that may do everything.
    pub const ROOT: &'static str = "s.root-of-the-fake";

    /// A server with a KV engine of version 2 at `secret`, on a free port.
    pub fn start() -> Self {
        let mut inner = Inner { draw: 1, ..Inner::default() };
        let root = Token { root: true, ..Token::default() };
        inner.state.tokens.insert(Self::ROOT.to_owned(), root);
        inner.state.mount("secret", "kv", "2");
        let inner = Arc::new(Mutex::new(inner));
        let mut fake = Self { inner, serving: None, port: Port::take() };
        fake.up();
        fake
    }

    /// Closes the port and every connection. What the server holds stays.
    pub fn down(&mut self) {
        if let Some(Serving { stop, thread }) = self.serving.take() {
            let _gone = stop.send(());
            thread.join().expect("the server ends");
        }
    }

    /// Opens its port, again if it was [`down`](Fake::down).
    pub fn up(&mut self) {
        let address = ("127.0.0.1", self.port());
        let listener = until("the port can be bound", || TcpListener::bind(address).ok());
        self.serving = Some(serve(listener, Arc::clone(&self.inner)));
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// Its port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Looks at, or changes, what it holds.
    pub fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.lock().state)
    }

    /// Orders a trouble for the first request whose method and path contain `words`.
    pub fn trouble(&self, words: &str, trouble: Trouble) {
        self.lock().troubles.push_back((words.to_owned(), trouble));
    }

    /// From now on it is asked too much, or no longer.
    pub fn throttle(&self, throttle: Option<Throttle>) {
        self.lock().throttle = throttle;
    }

    /// How many requests were throttled.
    pub fn throttled(&self) -> usize {
        self.lock().throttled
    }

    /// How long after it was throttled each request came back, by method and path.
    pub fn came_back(&self) -> Vec<(String, Duration)> {
        self.lock().came_back.clone()
    }

    /// Whether every trouble has struck.
    pub fn is_calm(&self) -> bool {
        self.lock().troubles.is_empty()
    }

    /// The methods and paths of all requests since this was last asked.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().seen)
    }

    /// How many requests there were since it started.
    pub fn count(&self) -> usize {
        self.lock().count
    }

    /// What the last request had for a header.
    pub fn last_header(&self, name: &str) -> Option<String> {
        let inner = self.lock();
        Some(inner.headers.get(name)?.to_str().ok()?.to_owned())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

/// On a thread of its own: whoever tests it need not have a runtime, and none that stands still keeps it from answering.
fn serve(listener: TcpListener, inner: Arc<Mutex<Inner>>) -> Serving {
    let (stop, stopped) = oneshot::channel();
    let thread = thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
        runtime.block_on(async move {
            listener.set_nonblocking(true).expect("a socket that does not block");
            let listener = tokio::net::TcpListener::from_std(listener).expect("a bound socket");
            let router = Router::new().fallback(answer).with_state(inner);
            tokio::select! {
                ended = async { axum::serve(listener, router).await } => ended.expect("it serves for ever"),
                _ = stopped => {}
            }
        });
    });
    Serving { stop, thread }
}

async fn answer(
    Extracted(inner): Extracted<Arc<Mutex<Inner>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (reply, more) = match handled(&inner, &method, &uri, &headers, &body) {
        Some(reply) => reply,
        None => pending().await,
    };
    let (status, body) = reply;
    let status = StatusCode::from_u16(status).expect("a status");
    let mut response =
        if body.is_null() { status.into_response() } else { (status, body.to_string()).into_response() };
    for (name, value) in more {
        response.headers_mut().insert(name, value.parse().expect("a header"));
    }
    response
}

type Headers = Vec<(&'static str, String)>;

/// `None` if nothing is to come back.
fn handled(
    inner: &Mutex<Inner>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<(Answer, Headers)> {
    let mut inner = lock(inner);
    let path = uri.path().trim_start_matches("/v1/");
    let words = format!("{method} {path}");
    inner.seen.push(words.clone());
    inner.count += 1;
    inner.headers.clone_from(headers);
    if let Some(watch) = inner.put_off.remove(&words) {
        inner.came_back.push((words.clone(), watch.elapsed()));
    }
    if let Some(refusal) = inner.throttled_away(&words) {
        return Some(refusal);
    }
    let namespace = headers.get("x-vault-namespace").and_then(|value| value.to_str().ok());
    if inner.state.namespace.as_deref() != namespace {
        return Some((errors(404, &[&format!("no handler for route '{path}'")]), Vec::new()));
    }
    let body = serde_json::from_slice(body).unwrap_or_default();
    let token = headers.get("x-vault-token").and_then(|value| value.to_str().ok());
    let version = uri.query().and_then(|query| query.strip_prefix("version=")?.parse().ok());
    let asked = Asked { method: method.as_str(), path, version, token, body: &body };
    let struck = inner.troubles.iter().position(|(on, _)| words.contains(on.as_str()));
    match struck.and_then(|position| inner.troubles.remove(position)) {
        None => Some((inner.state.answer(&asked), Vec::new())),
        Some((_, Trouble::Answered(status, headers, body))) => Some(((status, body), headers)),
        Some((_, Trouble::CarriedOutAndAnswered(status, headers))) => {
            inner.state.answer(&asked);
            Some(((status, json!({ "errors": [] })), headers))
        }
        Some((_, Trouble::RequestLost)) => None,
        Some((_, Trouble::ReplyLost)) => {
            inner.state.answer(&asked);
            None
        }
        Some((_, Trouble::Meanwhile(deed))) => {
            deed(&mut inner.state);
            Some((inner.state.answer(&asked), Vec::new()))
        }
    }
}

impl Inner {
    /// The refusal, if this request is one of those that are too many.
    fn throttled_away(&mut self, words: &str) -> Option<(Answer, Headers)> {
        let Throttle { percent, retry_after_seconds } = self.throttle?;
        // Knuth's generator for 64 bits: the same requests in the same order meet the same.
        self.draw = self.draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if (self.draw >> 33) % 100 >= percent {
            return None;
        }
        self.throttled += 1;
        self.put_off.insert(words.to_owned(), Stopwatch::start());
        let status = if self.throttled.is_multiple_of(2) { 503 } else { 429 };
        let later = vec![("retry-after", retry_after_seconds.to_string())];
        Some(((status, json!({ "errors": [] })), later))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_down_keeps_its_port() {
        let mut fake = Fake::start();
        let port = fake.port();
        fake.down();
        assert!(Port::is_taken(port));
        fake.up();
        assert_eq!(fake.port(), port);
    }
}
