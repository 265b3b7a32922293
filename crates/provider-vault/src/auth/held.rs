//! A token that a login gave, and how long it lives.

use std::time::Duration;

use keywheel_core::{Error, ErrorKind, Result};
use reqwest::header::HeaderValue;
use serde::Deserialize;
use zeroize::Zeroizing;

/// A token, with what the server said of its life.
pub(crate) struct Held {
    pub(crate) token: HeaderValue,
    /// How long it was to live when it was new; zero is for ever.
    granted: Duration,
    /// In running time of the clock.
    renew_at: Duration,
    expires_at: Duration,
    renewable: bool,
}

/// What is to be done before a token is used.
pub(crate) enum Due {
    Nothing,
    Renewal,
    Login,
}

/// The answer to a login, and to a renewal.
#[derive(Deserialize)]
pub(crate) struct Issued {
    auth: Option<Grant>,
}

#[derive(Deserialize)]
struct Grant {
    client_token: Zeroizing<String>,
    lease_duration: u64,
    #[serde(default)]
    renewable: bool,
}

impl Held {
    /// What a login gave at `now`.
    pub(crate) fn new(operation: &'static str, issued: Issued, now: Duration) -> Result<Self> {
        let Some(grant) = issued.auth else {
            let message =
                "the login gave no token: the server wants a second factor, or something else answers";
            return Err(Error::not_applied(ErrorKind::Unauthenticated, operation, message));
        };
        let token = header(operation, grant.client_token.as_bytes())?;
        let granted = Duration::from_secs(grant.lease_duration);
        let mut held = Self {
            token,
            granted,
            renew_at: Duration::MAX,
            expires_at: Duration::MAX,
            renewable: grant.renewable,
        };
        held.lives(granted, now);
        Ok(held)
    }

    /// The same after a renewal; `None` if the server gives it little more time: its end is near.
    pub(crate) fn renewed(mut self, issued: &Issued, now: Duration) -> Option<Self> {
        let grant = issued.auth.as_ref()?;
        let life = Duration::from_secs(grant.lease_duration);
        self.renewable = grant.renewable;
        self.lives(life, now);
        (life >= self.granted / 3).then_some(self)
    }

    fn lives(&mut self, life: Duration, now: Duration) {
        if self.granted.is_zero() {
            return;
        }
        self.renew_at = now.saturating_add(life / 3 * 2);
        self.expires_at = now.saturating_add(life);
    }

    pub(crate) fn due(&self, now: Duration) -> Due {
        if now < self.renew_at {
            Due::Nothing
        } else if self.renewable && now < self.expires_at {
            Due::Renewal
        } else {
            Due::Login
        }
    }
}

/// A token as a header: never printed.
pub(crate) fn header(operation: &'static str, token: &[u8]) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_bytes(token).map_err(|_| {
        Error::not_applied(ErrorKind::InvalidConfig, operation, "the token has characters that no token has")
    })?;
    value.set_sensitive(true);
    Ok(value)
}
