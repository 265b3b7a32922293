//! The forms of answers.

use serde_json::{Value, json};

/// A status and a body; null is no body at all.
pub(super) type Answer = (u16, Value);

pub(super) fn done() -> Answer {
    (204, Value::Null)
}

pub(super) fn errors(status: u16, sentences: &[&str]) -> Answer {
    (status, json!({ "errors": sentences }))
}

pub(super) fn absent() -> Answer {
    errors(404, &[])
}

pub(super) fn denied() -> Answer {
    errors(403, &["1 error occurred:\n\t* permission denied\n\n"])
}

#[expect(clippy::needless_pass_by_value, reason = "callers make it where they stand")]
pub(super) fn envelope(status: u16, data: Value) -> Answer {
    (status, whole(&data, &Value::Null))
}

#[expect(clippy::needless_pass_by_value, reason = "callers make it where they stand")]
pub(super) fn with_auth(auth: Value) -> Answer {
    (200, whole(&Value::Null, &auth))
}

pub(super) fn whole(data: &Value, auth: &Value) -> Value {
    json!({
        "request_id": "00000000-0000-0000-0000-000000000000",
        "lease_id": "",
        "renewable": false,
        "lease_duration": 0,
        "data": data,
        "wrap_info": null,
        "warnings": null,
        "auth": auth,
    })
}
