//! A URL that keywheel may call.

use std::fmt;

use keywheel_core::provider::Surroundings;
use reqwest::Url;

/// A checked URL. [`fmt::Display`] and [`fmt::Debug`] leave out the query, in which an operator may have put a token.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    url: Url,
    /// Whether the path is a credential too.
    concealed: bool,
}

/// What is wrong with a URL, and what to write instead.
pub(crate) type Unusable = (&'static str, &'static str);

impl Address {
    /// Checks `text`. No I/O: names are looked up by each call.
    pub(crate) fn new(text: &str) -> Result<Self, Unusable> {
        const LIKE: &str = "write it like `https://web.internal:8443/-/reload`";
        let url = Url::parse(text).map_err(|_| ("this is not a URL", LIKE))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(("the URL is not one of http or https", LIKE));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err((
                "a credential stands in the URL, where many people read it",
                "leave `user:password@` out, and name the credential under `token` or `headers`",
            ));
        }
        Ok(Self { url, concealed: false })
    }

    /// As [`new`](Self::new), of a URL that is a credential itself: nothing but its host is ever shown.
    pub(crate) fn concealed(text: &str) -> Result<Self, Unusable> {
        Ok(Self { concealed: true, ..Self::new(text)? })
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether what is sent there can be read on the way.
    pub(crate) fn is_open_to_the_network(&self) -> bool {
        self.url.scheme() == "http" && !self.is_loopback()
    }

    /// Whether it is this machine: no proxy of the environment is asked then.
    pub(crate) fn is_loopback(&self) -> bool {
        // The typed host is not exported by the client's crate, so an address is read from the text.
        let host = self.url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<std::net::IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => host == "localhost" || host.ends_with(".localhost"),
        }
    }

    /// The host and port to knock at.
    pub(crate) fn knock(&self) -> (String, u16) {
        let host = self.url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        (bare.to_owned(), self.url.port_or_known_default().unwrap_or(443))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.concealed { "/…" } else { self.url.path() };
        write!(f, "{}{path}", self.url.origin().ascii_serialization())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// A path of the inventory, made to start at its directory.
pub(super) fn beside(surroundings: &Surroundings, path: &str) -> std::path::PathBuf {
    surroundings.base.join(path)
}
