//! What a mail server's refusal means.

use keywheel_core::{Effect, Error, ErrorKind};
use lettre::transport::smtp::Error as SmtpError;

use crate::messenger::OPERATION;

/// Codes by which a server refuses a login: <https://www.rfc-editor.org/rfc/rfc4954#section-6>.
const LOGIN_REFUSED: [u16; 4] = [530, 534, 535, 538];

/// The error; `server` is where the mail was to go. The server's words stay out: they may quote what it was sent.
pub(crate) fn failed(server: &str, error: &SmtpError) -> Error {
    let (kind, effect, why) = meaning(error);
    Error { effect, ..Error::not_applied(kind, OPERATION, format!("{server} {why}")) }
}

fn meaning(error: &SmtpError) -> (ErrorKind, Effect, String) {
    use Effect::{MaybeApplied, NotApplied};
    if let Some(code) = error.status().map(u16::from) {
        // A server that answers with a code did not take the mail.
        return if LOGIN_REFUSED.contains(&code) {
            (ErrorKind::Unauthenticated, NotApplied, format!("refuses the login ({code})"))
        } else if error.is_transient() {
            (ErrorKind::Unavailable, NotApplied, format!("asks to try again later ({code})"))
        } else {
            (ErrorKind::Rejected, NotApplied, format!("refuses the mail ({code})"))
        };
    }
    if error.is_timeout() {
        (ErrorKind::TimedOut, MaybeApplied, "gave no answer in time".to_owned())
    } else if error.is_tls() || is_distrust(error) {
        let why = "cannot be spoken to through TLS: look at its name, its certificate, `ca-file` and `tls`";
        (ErrorKind::InvalidConfig, NotApplied, why.to_owned())
    } else if error.is_client() {
        let why = "does not offer what the settings ask for: look at `tls`, `username` and `password`";
        (ErrorKind::InvalidConfig, NotApplied, why.to_owned())
    } else {
        (ErrorKind::Unavailable, MaybeApplied, format!("cannot be reached: {}", cause(error)))
    }
}

/// Whether the server showed a certificate that is not believed: time does not mend that.
fn is_distrust(error: &SmtpError) -> bool {
    let mut next = std::error::Error::source(error);
    while let Some(current) = next {
        if let Some(rustls::Error::InvalidCertificate(_)) = current.downcast_ref::<rustls::Error>() {
            return true;
        }
        // An I/O error hides what it was made of from `source`.
        let inner = current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    false
}

/// The innermost cause, which is the system's.
fn cause(error: &SmtpError) -> String {
    let mut innermost = std::error::Error::source(error);
    while let Some(inner) = innermost.and_then(std::error::Error::source) {
        innermost = Some(inner);
    }
    innermost
        .and_then(|cause| cause.downcast_ref::<std::io::Error>())
        .map_or_else(|| "the connection broke".to_owned(), ToString::to_string)
}
