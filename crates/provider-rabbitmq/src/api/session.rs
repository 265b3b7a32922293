//! Requests as the administrator, for one operation.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use keywheel_core::{CallContext, Effect, Error, ErrorKind, Result};
use reqwest::{
    Client, Method, Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
    redirect::Policy,
};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use super::{
    failure::{refused, unanswered},
    user::User,
};
use crate::{target::Shared, tls};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The largest answer that is looked at.
const LARGEST_BYTES: usize = 4 * 1024 * 1024;

/// The administrator's requests. Once one of them may have changed something, every failure is `MaybeApplied`.
pub(crate) struct Session<'a> {
    shared: &'a Shared,
    operation: &'static str,
    deadline: Option<Duration>,
    client: Client,
    authorization: HeaderValue,
    changed: bool,
}

impl<'a> Session<'a> {
    /// Reads the credential and the certificates anew: whoever renews them need not restart anything. Sends nothing.
    pub(crate) fn new(
        shared: &'a Shared,
        operation: &'static str,
        context: Option<&CallContext>,
    ) -> Result<Self> {
        let builder = Client::builder()
            .tls_backend_preconfigured(tls::config(shared.root_certificate.as_ref())?)
            .redirect(Policy::none())
            .connect_timeout(PATIENCE)
            // A connection that was kept may be dead, and then nobody knows whether the request arrived.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("keywheel/", env!("CARGO_PKG_VERSION")));
        // The environment's proxy is for the network, not for this machine.
        let builder = if shared.loopback { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|_| {
            Error::not_applied(ErrorKind::Internal, operation, "the HTTP client cannot be made")
        })?;
        Ok(Self {
            shared,
            operation,
            deadline: context.map(|context| context.deadline),
            client,
            authorization: authorization(shared)?,
            changed: false,
        })
    }

    /// The user called `name`, if there is one.
    pub(crate) async fn user(&self, name: &str) -> Result<Option<User>> {
        self.get(&["users", name]).await
    }

    /// What is at `path`; `None` if there is nothing.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Option<T>> {
        // What only looks has changed nothing; an earlier request may have.
        self.look(path).await.map_err(|error| self.seal(Error { effect: Effect::NotApplied, ..error }))
    }

    async fn look<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Option<T>> {
        let response = self.send(Method::GET, path, None).await?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => {
                let body = self.body(response).await?;
                serde_json::from_slice(&body).map(Some).map_err(|_| {
                    let message =
                        "this is no answer of RabbitMQ's management API: check `host`, `port` and `tls`";
                    Error::not_applied(ErrorKind::Unsupported, self.operation, message)
                })
            }
            status => Err(refused(self.operation, status)),
        }
    }

    /// Changes what is at `path`.
    pub(crate) async fn put(&mut self, path: &[&str], body: &impl Serialize) -> Result<()> {
        let body = serde_json::to_vec(body).map_err(|_| {
            self.seal(Error::not_applied(
                ErrorKind::Internal,
                self.operation,
                "the request cannot be written",
            ))
        })?;
        self.change(Method::PUT, path, Some(body)).await
    }

    /// Removes what is at `path`; it may be gone already.
    pub(crate) async fn delete(&mut self, path: &[&str]) -> Result<()> {
        self.change(Method::DELETE, path, None).await
    }

    async fn change(&mut self, method: Method, path: &[&str], body: Option<Vec<u8>>) -> Result<()> {
        let gone_is_fine = method == Method::DELETE;
        let outcome = match self.send(method, path, body).await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) if gone_is_fine && response.status() == StatusCode::NOT_FOUND => Ok(()),
            Ok(response) => Err(refused(self.operation, response.status())),
            Err(error) => Err(error),
        };
        let outcome = outcome.map_err(|error| self.seal(error));
        self.changed = true;
        outcome
    }

    async fn send(&self, method: Method, path: &[&str], body: Option<Vec<u8>>) -> Result<Response> {
        let limit = match self.deadline {
            Some(deadline) => deadline.saturating_sub(self.shared.clock.running()).min(PATIENCE),
            None => PATIENCE,
        };
        if limit.is_zero() {
            let message = "there was no time left to begin it";
            return Err(Error::not_applied(ErrorKind::TimedOut, self.operation, message));
        }
        let mut request = self
            .client
            .request(method, self.address(path)?)
            .header(AUTHORIZATION, self.authorization.clone())
            .timeout(limit);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        request.send().await.map_err(|error| unanswered(self.operation, &error))
    }

    fn address(&self, path: &[&str]) -> Result<Url> {
        let unusable = || {
            let message = "no address can have this name in it";
            Error::not_applied(ErrorKind::InvalidConfig, self.operation, message)
        };
        // These two would be taken for directories, and left out.
        if path.iter().any(|part| matches!(*part, "." | ".." | "")) {
            return Err(unusable());
        }
        let mut url = self.shared.management.clone();
        url.path_segments_mut().map_err(|()| unusable())?.clear().push("api").extend(path);
        Ok(url)
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(self.operation, &error))? {
            if bytes.len() + chunk.len() > LARGEST_BYTES {
                let message = "the server's answer is larger than 4 MiB";
                return Err(Error::not_applied(ErrorKind::Unsupported, self.operation, message));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn seal(&self, error: Error) -> Error {
        if self.changed { Error { effect: Effect::MaybeApplied, ..error } } else { error }
    }

    /// An error about what was found.
    pub(crate) fn error(&self, kind: ErrorKind, message: &'static str) -> Error {
        self.seal(Error::not_applied(kind, self.operation, message))
    }
}

fn authorization(shared: &Shared) -> Result<HeaderValue> {
    let password = shared.login.password.read()?;
    let user = shared.login.user.as_bytes();
    let mut pair = Zeroizing::new(Vec::with_capacity(user.len() + 1 + password.len()));
    pair.extend_from_slice(user);
    pair.push(b':');
    pair.extend_from_slice(password.expose_secret());
    let mut text = Zeroizing::new(String::with_capacity(6 + pair.len().div_ceil(3) * 4));
    text.push_str("Basic ");
    STANDARD.encode_string(pair.as_slice(), &mut text);
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| Error::not_applied(ErrorKind::Internal, "read credential", "it cannot be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}
