//! A workload that reloads when it is called, and shows what it uses.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use keywheel_core::{Fingerprint, Fingerprinter, SecretValue};
use tokio::{net::TcpListener, task::AbortHandle};

/// One call as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Workload {
    value: Option<SecretValue>,
    uses: Option<Fingerprint>,
    got: Vec<Got>,
    /// What the next calls are answered instead.
    script: Vec<(u16, &'static [(&'static str, &'static str)])>,
}

type Shared = Arc<Mutex<Workload>>;

/// A running server; it ends with the test.
pub(crate) struct Server {
    state: Shared,
    address: SocketAddr,
    running: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        let state = Shared::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        let running =
            tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }).abort_handle();
        Self { state, address, running }
    }

    pub(crate) fn stop(&self) {
        self.running.abort();
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Puts a value where the workload reads it at its next reload.
    pub(crate) fn promote(&self, value: SecretValue) {
        self.state.lock().unwrap().value = Some(value);
    }

    pub(crate) fn reload(&self) {
        reload(&mut self.state.lock().unwrap());
    }

    pub(crate) fn uses(&self) -> Option<Fingerprint> {
        self.state.lock().unwrap().uses
    }

    /// The next call is answered so, whatever it asks.
    pub(crate) fn answer_next(&self, status: u16, headers: &'static [(&'static str, &'static str)]) {
        self.state.lock().unwrap().script.push((status, headers));
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.state.lock().unwrap().got.clone()
    }
}

fn reload(workload: &mut Workload) {
    workload.uses = workload.value.as_ref().map(|value| Fingerprinter::plain().of(value));
}

async fn answer(
    State(state): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    if path == "/hangs" {
        std::future::pending::<()>().await;
    }
    let mut workload = state.lock().unwrap();
    workload.got.push(Got { method, path: path.clone(), headers, body: body.to_vec() });
    if let Some((status, headers)) = workload.script.pop() {
        let mut response = StatusCode::from_u16(status).unwrap().into_response();
        for (name, value) in headers {
            response.headers_mut().insert(*name, value.parse().unwrap());
        }
        return response;
    }
    let uses = workload.uses.map_or_else(String::new, |uses| uses.to_string());
    match path.as_str() {
        "/reload" => {
            reload(&mut workload);
            StatusCode::NO_CONTENT.into_response()
        }
        "/health" | "/message" => StatusCode::OK.into_response(),
        "/json" => {
            format!(r#"{{"secrets":{{"web~1cookie":"{uses}","testkit/secret":"{uses}"}},"any":"{uses}"}}"#)
                .into_response()
        }
        "/text" => format!("in use since today\n{uses}\n").into_response(),
        "/header" => ([("x-uses", format!("{uses}, {uses}"))], "").into_response(),
        "/large" => "0".repeat(2 * 1024 * 1024).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
