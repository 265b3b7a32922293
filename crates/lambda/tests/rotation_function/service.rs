//! A Secrets Manager that gives the answers that it is told.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// One operation's name, what it is answered, and with which status.
pub(crate) type Answer = (&'static str, u16, Value);

#[derive(Clone)]
struct Book {
    asked: Arc<Mutex<Vec<Value>>>,
    left: Arc<Mutex<Vec<Answer>>>,
}

/// Gives each request the next answer, which must be for its operation.
pub(crate) struct Service {
    pub(crate) port: u16,
    book: Book,
    task: JoinHandle<()>,
}

async fn answer(State(book): State<Book>, headers: HeaderMap, body: String) -> (StatusCode, String) {
    let operation = headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap();
    book.asked.lock().unwrap().push(serde_json::from_str(&body).unwrap());
    let mut left = book.left.lock().unwrap();
    assert!(!left.is_empty(), "{operation} was not expected");
    let (expected, status, body) = left.remove(0);
    assert_eq!(operation, expected);
    (StatusCode::from_u16(status).unwrap(), body.to_string())
}

impl Service {
    pub(crate) async fn giving(answers: Vec<Answer>) -> Self {
        let book = Book { asked: Arc::default(), left: Arc::new(Mutex::new(answers)) };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let app = Router::new().fallback(answer).with_state(book.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { port, book, task }
    }

    /// What was sent, once every answer was given.
    pub(crate) fn asked(&self) -> Vec<Value> {
        assert!(self.book.left.lock().unwrap().is_empty(), "not everything was asked");
        self.book.asked.lock().unwrap().clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}
