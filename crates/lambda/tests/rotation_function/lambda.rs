//! The runtime API of Lambda, from the function's side:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{Response, StatusCode},
    routing::{get, post},
};
use keywheel_core::Clock as _;
use keywheel_engine::SystemClock;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc},
    task::JoinHandle,
};

/// What the function said to one event.
#[derive(Debug)]
pub(crate) enum Said {
    Response { body: String },
    Error(Value),
}

#[derive(Clone)]
struct Queue {
    events: Arc<Mutex<VecDeque<String>>>,
    more: Arc<Notify>,
    said: mpsc::UnboundedSender<Said>,
}

/// A Lambda with one function.
pub(crate) struct Lambda {
    pub(crate) address: String,
    queue: Queue,
    said: mpsc::UnboundedReceiver<Said>,
    task: JoinHandle<()>,
}

async fn next(State(queue): State<Queue>) -> Response<Body> {
    loop {
        let event = queue.events.lock().unwrap().pop_front();
        if let Some(event) = event {
            let deadline = SystemClock.now().as_millisecond() + 30_000;
            return Response::builder()
                .header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
                .header("Lambda-Runtime-Deadline-Ms", deadline.to_string())
                .header(
                    "Lambda-Runtime-Invoked-Function-Arn",
                    "arn:aws:lambda:eu-central-1:123456789012:function:f",
                )
                .header("Content-Type", "application/json")
                .body(Body::from(event))
                .unwrap();
        }
        queue.more.notified().await;
    }
}

async fn response(State(queue): State<Queue>, Path(_id): Path<String>, body: String) -> StatusCode {
    queue.said.send(Said::Response { body }).unwrap();
    StatusCode::ACCEPTED
}

async fn error(State(queue): State<Queue>, Path(_id): Path<String>, body: String) -> StatusCode {
    queue.said.send(Said::Error(serde_json::from_str(&body).unwrap())).unwrap();
    StatusCode::ACCEPTED
}

impl Lambda {
    pub(crate) async fn start() -> Self {
        let (sender, said) = mpsc::unbounded_channel();
        let queue = Queue { events: Arc::default(), more: Arc::default(), said: sender };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let app = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .with_state(queue.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, queue, said, task }
    }

    /// Invokes the function.
    pub(crate) async fn invoke(&mut self, event: &str) -> Said {
        self.queue.events.lock().unwrap().push_back(event.to_owned());
        self.queue.more.notify_one();
        let said = tokio::time::timeout(Duration::from_mins(1), self.said.recv()).await;
        said.expect("an answer in time").unwrap()
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.task.abort();
    }
}
