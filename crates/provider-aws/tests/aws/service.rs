//! A service that gives the answers that it is told.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::scene::Scene;

/// One operation's name, what it is answered, and with which status.
pub(crate) type Answer = (&'static str, u16, Value);

/// How often a request is sent that the service puts off each time.
pub(crate) const TRIES: usize = 5;

/// Whether the service refuses with `code` because it is asked too much.
pub(crate) fn puts_off(code: &str) -> bool {
    ["Throttling", "ThrottlingException", "TooManyRequestsException"].contains(&code)
}

/// Gives each request the next answer, which must be for its operation.
pub(crate) struct Service {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    left: Arc<Mutex<Vec<Answer>>>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Book {
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    left: Arc<Mutex<Vec<Answer>>>,
}

async fn answer(State(book): State<Book>, headers: HeaderMap, body: String) -> (StatusCode, String) {
    let operation = headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap().to_owned();
    book.asked.lock().unwrap().push((operation.clone(), serde_json::from_str(&body).unwrap()));
    let mut left = book.left.lock().unwrap();
    assert!(!left.is_empty(), "{operation} was not expected");
    let (expected, status, body) = left.remove(0);
    assert_eq!(operation, expected);
    (StatusCode::from_u16(status).unwrap(), body.to_string())
}

impl Service {
    pub(crate) async fn giving(answers: Vec<Answer>) -> Self {
        let book = Book { asked: Arc::default(), left: Arc::new(Mutex::new(answers)) };
        let (asked, left) = (Arc::clone(&book.asked), Arc::clone(&book.left));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let app = Router::new().fallback(answer).with_state(book);
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { port, asked, left, task }
    }

    pub(crate) fn scene(&self) -> Scene {
        Scene::at(self.port)
    }

    /// What was sent, once every answer was given.
    pub(crate) fn asked(&self) -> Vec<(String, Value)> {
        assert!(self.left.lock().unwrap().is_empty(), "not everything was asked");
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}
