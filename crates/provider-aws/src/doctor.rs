//! What `doctor` says about a request that failed.

use std::collections::BTreeSet;

use keywheel_core::{Error, ErrorKind, provider::Finding};

use crate::failure::Failure;

/// Up to so many resources are written out in a policy.
#[cfg(any(feature = "secretsmanager", feature = "ssm"))]
const WRITTEN_OUT: usize = 3;

pub(crate) fn no_region(error: &Error) -> Finding {
    Finding::error(error.to_string(), "write `region` in the settings, or set AWS_REGION")
}

/// `right` is what the request needs, for `resource`.
pub(crate) fn finding(failure: &Failure, right: &str, resource: &str) -> Finding {
    let hint = match failure.error.kind {
        ErrorKind::PermissionDenied => allow(&[right].into(), &[resource.to_owned()]),
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

/// What would allow `rights` on `resources`:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>.
pub(crate) fn allow(rights: &BTreeSet<&str>, resources: &[String]) -> String {
    let list = |names: Vec<String>| match names.as_slice() {
        [name] => name.clone(),
        names => format!("[{}]", names.join(", ")),
    };
    let rights = list(rights.iter().map(|right| format!("\"{right}\"")).collect());
    let resources = list(resources.iter().map(|resource| format!("\"{resource}\"")).collect());
    format!(
        "allow it in a policy of whoever asks: {{\"Effect\": \"Allow\", \"Action\": {rights}, \"Resource\": {resources}}}"
    )
}

/// All of a few, and what many begin with.
#[cfg(any(feature = "secretsmanager", feature = "ssm"))]
pub(crate) fn resources(all: &[String]) -> Vec<String> {
    if all.len() <= WRITTEN_OUT {
        return all.to_owned();
    }
    let Some((first, others)) = all.split_first() else { return Vec::new() };
    let shared = others.iter().fold(first.len(), |shared, other| {
        first.bytes().zip(other.bytes()).take(shared).take_while(|(one, two)| one == two).count()
    });
    let whole = first.as_bytes()[..shared].iter().rposition(|byte| b"/:".contains(byte));
    vec![format!("{}*", first.get(..whole.map_or(0, |at| at + 1)).unwrap_or_default())]
}
