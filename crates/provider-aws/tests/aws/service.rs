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

/// The form of what IAM and STS are asked, and what they answer.
pub(crate) type Query = (&'static str, u16, String);
pub(crate) type Form = Vec<(String, String)>;

/// Gives each request the next answer, which must be for its operation. IAM and STS, which speak in another form, have answers
/// of their own; once these are given they refuse.
pub(crate) struct Service {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    left: Arc<Mutex<Vec<Answer>>>,
    forms: Arc<Mutex<Vec<Form>>>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Book {
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    left: Arc<Mutex<Vec<Answer>>>,
    queries: Arc<Mutex<Vec<Query>>>,
    forms: Arc<Mutex<Vec<Form>>>,
}

fn query(book: &Book, body: &str) -> (StatusCode, String) {
    let form: Form = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let action = form.iter().find(|(name, _)| name == "Action").unwrap().1.clone();
    book.forms.lock().unwrap().push(form);
    let mut queries = book.queries.lock().unwrap();
    if queries.is_empty() {
        return (StatusCode::FORBIDDEN, crate::iam::query::refused("", 403, "AccessDenied").2);
    }
    let (expected, status, body) = queries.remove(0);
    assert_eq!(action, expected);
    (StatusCode::from_u16(status).unwrap(), body)
}

async fn answer(State(book): State<Book>, headers: HeaderMap, body: String) -> (StatusCode, String) {
    let Some(target) = headers.get("x-amz-target") else { return query(&book, &body) };
    let operation = target.to_str().unwrap().rsplit('.').next().unwrap().to_owned();
    book.asked.lock().unwrap().push((operation.clone(), serde_json::from_str(&body).unwrap()));
    let mut left = book.left.lock().unwrap();
    assert!(!left.is_empty(), "{operation} was not expected");
    let (expected, status, body) = left.remove(0);
    assert_eq!(operation, expected);
    (StatusCode::from_u16(status).unwrap(), body.to_string())
}

impl Service {
    pub(crate) async fn giving(answers: Vec<Answer>) -> Self {
        Self::giving_both(answers, Vec::new()).await
    }

    pub(crate) async fn giving_both(answers: Vec<Answer>, queries: Vec<Query>) -> Self {
        let book = Book {
            asked: Arc::default(),
            left: Arc::new(Mutex::new(answers)),
            queries: Arc::new(Mutex::new(queries)),
            forms: Arc::default(),
        };
        let (asked, left) = (Arc::clone(&book.asked), Arc::clone(&book.left));
        let forms = Arc::clone(&book.forms);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let app = Router::new().fallback(answer).with_state(book);
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { port, asked, left, forms, task }
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

impl Service {
    /// What IAM and STS were asked.
    pub(crate) fn queried(&self) -> Vec<Form> {
        self.forms.lock().unwrap().clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}
