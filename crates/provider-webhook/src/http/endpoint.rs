//! One URL with its credentials, called with bounds on time and size.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use keywheel_core::{
    Error, ErrorKind, Result,
    inventory::{CredentialRef, Period},
    provider::{Finding, Mistake, Surroundings},
};
use reqwest::{
    Client, Method, Response, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use tokio::{net::TcpStream, sync::OnceCell, task::spawn_blocking, time::timeout};
use zeroize::Zeroizing;

use super::{
    address::{Address, beside},
    client::{Roots, client},
    failure::unanswered,
};

/// Before a bearer token: <https://www.rfc-editor.org/rfc/rfc6750#section-2.1>.
const SCHEME: &[u8] = b"Bearer ";

/// The largest answer that is looked at.
const LARGEST_BYTES: usize = 1024 * 1024;

/// How long an answer may take unless the inventory says otherwise.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// How long `doctor` knocks.
const KNOCK_TIME: Duration = Duration::from_secs(5);

/// What every setting that names a URL has, wherever it stands in the inventory.
pub(crate) struct EndpointSettings {
    pub(crate) url: String,
    pub(crate) token: Option<CredentialRef>,
    pub(crate) headers: BTreeMap<String, CredentialRef>,
    pub(crate) ca_file: Option<String>,
    pub(crate) timeout: Option<Period>,
}

/// A URL that can be called.
pub(crate) struct Endpoint {
    pub(crate) address: Address,
    token: Option<CredentialRef>,
    headers: Vec<(HeaderName, CredentialRef)>,
    roots: Roots,
    timeout: Duration,
    client: OnceCell<Client>,
}

/// What is sent.
pub(crate) struct Call {
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// JSON, or nothing.
    pub(crate) body: Option<Vec<u8>>,
    /// No later than this, whatever the settings allow.
    pub(crate) limit: Duration,
}

/// What came back: the status, and what is not read yet.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// After how many seconds the server wants to be asked again, if it said so in seconds.
    pub(crate) retry_after: Option<u64>,
    response: Response,
}

impl EndpointSettings {
    /// Checks the settings below `field`, without I/O.
    pub(crate) fn resolve(self, field: &str, surroundings: &Surroundings) -> Result<Endpoint, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let mut headers = Vec::new();
        let secret = self.token.is_some() || !self.headers.is_empty();
        for (name, credential) in &self.headers {
            match HeaderName::from_bytes(name.as_bytes()) {
                Ok(header) => headers.push((header, credential.clone().beside(&surroundings.base))),
                Err(_) => mistakes.push(Mistake::new(
                    below(field, "headers"),
                    format!("`{name}` cannot be the name of a header"),
                    "write it like `X-Token: ${env:WEB_TOKEN}`",
                )),
            }
        }
        let address = match Address::new(&self.url) {
            Ok(address) => {
                if secret && address.is_open_to_the_network() {
                    mistakes.push(Mistake::new(
                        below(field, "url"),
                        "a credential would cross the network unencrypted",
                        "use https, with `ca-file` for an authority of your own; http is for this machine",
                    ));
                }
                Some(address)
            }
            Err((message, hint)) => {
                mistakes.push(Mistake::new(below(field, "url"), message, hint));
                None
            }
        };
        match address {
            Some(address) if mistakes.is_empty() => {
                let endpoint = Self { url: self.url, headers: BTreeMap::new(), ..self };
                Ok(Endpoint { headers, ..endpoint.at(address, surroundings) })
            }
            Some(_) | None => Err(mistakes),
        }
    }

    /// The endpoint at an address that was checked already; `url` and `headers` are not looked at.
    pub(crate) fn at(self, address: Address, surroundings: &Surroundings) -> Endpoint {
        Endpoint {
            roots: roots(&address, self.ca_file.map(|path| beside(surroundings, &path))),
            address,
            token: self.token.map(|credential| credential.beside(&surroundings.base)),
            headers: Vec::new(),
            timeout: self.timeout.map_or(ANSWER_TIME, Duration::from),
            client: OnceCell::new(),
        }
    }
}

/// The setting `key` below `field`, which is nothing for a setting of the kind itself.
fn below(field: &str, key: &str) -> String {
    if field.is_empty() { key.to_owned() } else { format!("{field}.{key}") }
}

fn roots(address: &Address, file: Option<PathBuf>) -> Roots {
    match (address.url().scheme(), file) {
        ("https", Some(path)) => Roots::File(path),
        ("https", None) => Roots::System,
        _ => Roots::None,
    }
}

impl Endpoint {
    /// Makes one call. Credentials are read anew, so that whoever rotates them need not restart keywheel.
    pub(crate) async fn call(&self, call: Call) -> Result<Answer> {
        let limit = self.timeout.min(call.limit);
        if limit.is_zero() {
            let message = format!("the deadline passed before {} could be called", self.address);
            return Err(Error::not_applied(ErrorKind::TimedOut, call.operation, message));
        }
        let client = self.client().await?;
        let mut request = client
            .request(call.method, self.address.url().clone())
            .headers(self.credentials()?)
            .timeout(limit);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        if let Some(body) = call.body {
            request = request.header("Content-Type", "application/json").body(body);
        }
        let response =
            request.send().await.map_err(|error| unanswered(call.operation, &self.address, &error))?;
        let retry_after = response.headers().get(RETRY_AFTER);
        Ok(Answer {
            status: response.status(),
            retry_after: retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok()),
            response,
        })
    }

    async fn client(&self) -> Result<&Client> {
        self.client
            .get_or_try_init(|| async {
                let (roots, direct) = (self.roots.clone(), self.address.is_loopback());
                spawn_blocking(move || client(&roots, direct)).await.unwrap_or_else(|_| {
                    let message = "the task that reads the certificates panicked";
                    Err(Error::not_applied(ErrorKind::Internal, "prepare TLS", message))
                })
            })
            .await
    }

    fn credentials(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        if let Some(credential) = &self.token {
            let token = credential.read()?;
            let mut value = Zeroizing::new(Vec::with_capacity(SCHEME.len() + token.len()));
            value.extend_from_slice(SCHEME);
            value.extend_from_slice(token.expose_secret());
            headers.insert(reqwest::header::AUTHORIZATION, sensitive(&value, credential)?);
        }
        for (name, credential) in &self.headers {
            headers.insert(name.clone(), sensitive(credential.read()?.expose_secret(), credential)?);
        }
        Ok(headers)
    }

    /// What would keep a call from being made; the server itself is only knocked at.
    pub(crate) async fn examine(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Err(error) = self.credentials() {
            findings.push(Finding::error(
                format!("the credential for {} cannot be read: {error}", self.address),
                "set the variable, or put the credential into the file",
            ));
        }
        if let Err(error) = self.client().await {
            findings.push(Finding::error(error.to_string(), "correct `ca-file`, or install ca-certificates"));
        }
        let (host, port) = self.address.knock();
        // Through a proxy of the environment a closed door says nothing; it is a warning in any case.
        let trouble = match timeout(KNOCK_TIME, TcpStream::connect((host.as_str(), port))).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no answer within 5 s".to_owned()),
        };
        findings.extend(trouble.map(|why| {
            Finding::warning(
                format!("{} cannot be reached: {why}", self.address),
                "start the server, or correct the URL",
            )
        }));
        findings
    }
}

fn sensitive(bytes: &[u8], credential: &CredentialRef) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_bytes(bytes).map_err(|_| {
        let message =
            "it cannot be the value of a header: it has line ends or other control characters in it";
        Error::not_applied(ErrorKind::InvalidConfig, "read credential", message)
            .with("credential", credential)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The body as text. Words without content if there is none to be had.
    pub(crate) async fn text(mut self) -> Result<String, String> {
        let mut bytes = Vec::new();
        loop {
            match self.response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() > LARGEST_BYTES => {
                    return Err("answers with more than 1 MiB".to_owned());
                }
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(_) => return Err("broke off its answer".to_owned()),
            }
        }
        String::from_utf8(bytes).map_err(|_| "answers with something that is not UTF-8".to_owned())
    }
}
