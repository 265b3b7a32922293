//! The fake as a server, with the troubles that a test orders.

use std::{
    collections::VecDeque,
    future::pending,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Bytes,
    extract::State as Extracted,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use tokio::{net::TcpListener, task::AbortHandle};

use super::{
    answer::{Answer, errors},
    state::{Asked, State, Token},
};

/// What happens to one request.
pub(crate) enum Trouble {
    /// It is not looked at; this is the answer, with these headers.
    Answered(u16, Vec<(&'static str, String)>, Value),
    /// It is carried out, and nothing comes back.
    ReplyLost,
    /// It is not carried out, and nothing comes back.
    RequestLost,
    /// Somebody does this first.
    Meanwhile(Box<dyn FnOnce(&mut State) + Send>),
}

#[derive(Default)]
struct Inner {
    state: State,
    /// Each befalls the first request whose method and path contain the words.
    troubles: VecDeque<(String, Trouble)>,
    seen: Vec<String>,
    headers: Vec<HeaderMap>,
}

/// A running server; it ends with the test.
pub(crate) struct Fake {
    inner: Arc<Mutex<Inner>>,
    address: SocketAddr,
    running: AbortHandle,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Fake {
    pub(crate) const ROOT: &'static str = "s.root-of-the-fake";

    pub(crate) async fn start() -> Self {
        let mut inner = Inner::default();
        let root = Token { root: true, ..Token::default() };
        inner.state.tokens.insert(Self::ROOT.to_owned(), root);
        inner.state.mount("secret", "kv", "2");
        let inner = Arc::new(Mutex::new(inner));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        let running =
            tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }).abort_handle();
        Self { inner, address, running }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.lock().state)
    }

    /// Orders a trouble for the first request whose method and path contain `words`.
    pub(crate) fn trouble(&self, words: &str, trouble: Trouble) {
        self.lock().troubles.push_back((words.to_owned(), trouble));
    }

    /// Whether every trouble has struck.
    pub(crate) fn is_calm(&self) -> bool {
        self.lock().troubles.is_empty()
    }

    /// The methods and paths of all requests since this was last asked.
    pub(crate) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().seen)
    }

    /// What the last request had for a header.
    pub(crate) fn last_header(&self, name: &str) -> Option<String> {
        let inner = self.lock();
        Some(inner.headers.last()?.get(name)?.to_str().unwrap().to_owned())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }
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
    let status = StatusCode::from_u16(status).unwrap();
    let mut response =
        if body.is_null() { status.into_response() } else { (status, body.to_string()).into_response() };
    for (name, value) in more {
        response.headers_mut().insert(name, value.parse().unwrap());
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
    let mut inner = inner.lock().unwrap();
    let path = uri.path().trim_start_matches("/v1/");
    let words = format!("{method} {path}");
    inner.seen.push(words.clone());
    inner.headers.push(headers.clone());
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
