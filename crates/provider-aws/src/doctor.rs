//! What `doctor` says about a request that failed.

use keywheel_core::{Error, ErrorKind, provider::Finding};

use crate::failure::Failure;

pub(crate) fn no_region(error: &Error) -> Finding {
    Finding::error(error.to_string(), "write `region` in the settings, or set AWS_REGION")
}

/// `right` is what the request needs, for `resource`.
pub(crate) fn finding(failure: &Failure, right: &str, resource: &str) -> Finding {
    let hint = match failure.error.kind {
        ErrorKind::PermissionDenied => {
            format!(
                "allow it in a policy of whoever asks: {{\"Effect\": \"Allow\", \"Action\": \"{right}\", \"Resource\": \
                 \"{resource}\"}}"
            )
        }
        ErrorKind::Unauthenticated => {
            "check `access`, and with the same environment `aws sts get-caller-identity`, and the \
                                       machine's clock"
                .to_owned()
        }
        ErrorKind::Unavailable | ErrorKind::TimedOut | ErrorKind::RateLimited => {
            "check `region`, `access.endpoint` and the way to it: a proxy, a VPC endpoint".to_owned()
        }
        ErrorKind::NotFound
        | ErrorKind::Conflict
        | ErrorKind::InvalidConfig
        | ErrorKind::Unsupported
        | ErrorKind::Fenced
        | ErrorKind::Corrupt
        | ErrorKind::InvalidValue
        | ErrorKind::DeadlinePassed
        | ErrorKind::Rejected
        | ErrorKind::Internal => "change the settings as it says".to_owned(),
    };
    let message = if failure.error.kind == ErrorKind::PermissionDenied {
        format!("the right `{right}` is missing: {}", failure.error)
    } else {
        failure.error.to_string()
    };
    Finding::error(message, hint)
}
