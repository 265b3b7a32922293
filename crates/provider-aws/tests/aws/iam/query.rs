//! A service that gives the answers that it is told, in the form that IAM and STS give them in.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, http::StatusCode};
use keywheel_core::rotator::Rotator;
use tokio::{net::TcpListener, task::JoinHandle};

use super::ground::declared;

/// One action's name, what it is answered, and with which status.
pub(crate) type Answer = (&'static str, u16, String);

#[derive(Clone)]
struct Book {
    left: Arc<Mutex<Vec<Answer>>>,
}

pub(crate) struct Service {
    port: u16,
    left: Arc<Mutex<Vec<Answer>>>,
    task: JoinHandle<()>,
}

async fn answer(State(book): State<Book>, body: String) -> (StatusCode, String) {
    let action = form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "Action").unwrap().1;
    let mut left = book.left.lock().unwrap();
    assert!(!left.is_empty(), "{action} was not expected");
    let (expected, status, body) = left.remove(0);
    assert_eq!(action, expected);
    (StatusCode::from_u16(status).unwrap(), body)
}

impl Service {
    pub(crate) async fn giving(answers: Vec<Answer>) -> Self {
        let left = Arc::new(Mutex::new(answers));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let app = Router::new().fallback(answer).with_state(Book { left: Arc::clone(&left) });
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { port, left, task }
    }

    pub(crate) fn rotator(&self) -> Arc<dyn Rotator> {
        declared(self.port, "app", "AKIAKEYWHEEL", "of-keywheel", "").unwrap()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.left.lock().unwrap().is_empty()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn done(action: &'static str, result: &str) -> Answer {
    let body = format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>");
    (action, 200, body)
}

pub(crate) fn refused(action: &'static str, status: u16, code: &str) -> Answer {
    let error =
        format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>of the-value</Message></Error>");
    (action, status, format!("<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>"))
}

pub(crate) fn known() -> Answer {
    let result = "<Arn>arn:aws:iam::123456789012:user/team/app</Arn><UserId>x</UserId><Account>1</Account>";
    done("GetCallerIdentity", result)
}

pub(crate) fn keys(keys: &[(&str, &str, &str)]) -> Answer {
    let members: Vec<String> = keys
        .iter()
        .map(|(id, status, created)| {
            format!(
                "<member><UserName>app</UserName><AccessKeyId>{id}</AccessKeyId><Status>{status}</Status>\
                 <CreateDate>{created}</CreateDate></member>"
            )
        })
        .collect();
    let result = format!(
        "<AccessKeyMetadata>{}</AccessKeyMetadata><IsTruncated>false</IsTruncated>",
        members.concat()
    );
    done("ListAccessKeys", &result)
}

pub(crate) fn tags(value: Option<&str>) -> Answer {
    let member =
        value.map(|value| format!("<member><Key>keywheel:access-keys</Key><Value>{value}</Value></member>"));
    let result = format!("<Tags>{}</Tags><IsTruncated>false</IsTruncated>", member.unwrap_or_default());
    done("ListUserTags", &result)
}

pub(crate) fn last_used(at: Option<&str>) -> Answer {
    let date = at.map(|at| format!("<LastUsedDate>{at}</LastUsedDate>")).unwrap_or_default();
    let used = format!(
        "<AccessKeyLastUsed>{date}<ServiceName>s3</ServiceName><Region>eu-west-1</Region></AccessKeyLastUsed>"
    );
    done("GetAccessKeyLastUsed", &format!("<UserName>app</UserName>{used}"))
}
