//! Requests that only look.

use std::collections::HashMap;

use keywheel_core::{Effect, Error, ErrorKind, Result};
use redis::{FromRedisValue, Pipeline, RedisResult, Value};

use super::{failure::classify, link::Link};

/// Sends what only looks, in one go, and gives each reply.
pub(crate) async fn ask(
    operation: &'static str,
    link: &Link,
    requests: &mut Pipeline,
) -> Result<Vec<RedisResult<Value>>> {
    let mut connection = link.connection.clone();
    link.reply(requests.ignore_errors().query_async(&mut connection))
        .await
        .map_err(|error| classify(operation, Effect::NotApplied, &error))
}

/// One of the replies, as a type.
pub(super) fn read<T: FromRedisValue>(
    operation: &'static str,
    reply: Option<RedisResult<Value>>,
) -> Result<T> {
    let value = reply
        .ok_or_else(|| strange(operation))?
        .map_err(|error| classify(operation, Effect::NotApplied, &error))?;
    T::from_redis_value(value).map_err(|_| strange(operation))
}

/// The lines `name:value` of `INFO`.
pub(super) fn lines(text: &str) -> HashMap<&str, &str> {
    text.lines().filter_map(|line| line.trim_end().split_once(':')).collect()
}

pub(super) fn strange(operation: &'static str) -> Error {
    Error::not_applied(
        ErrorKind::Unsupported,
        operation,
        "the server answered in a form that Redis does not use",
    )
}
