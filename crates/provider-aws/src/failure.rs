//! What a failed request means. The service's own words are never passed on: they may quote a request.

use std::{error::Error as StdError, io};

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use keywheel_core::{Effect, Error, ErrorKind};

/// A request that failed: the error, and the code that the service gave, where it answered.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) code: Option<String>,
}

impl Failure {
    /// Whether the service answered with one of these codes.
    pub(crate) fn is(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// Why `error` came, as if the request might have changed something.
pub(crate) fn failure<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).map(ToOwned::to_owned);
    let mut described = match error.raw_response() {
        Some(response) => refused(operation, code.as_deref(), response.status().as_u16()),
        None => unanswered(operation, error),
    };
    if let Some(response) = error.raw_response() {
        described = described.with("status", response.status().as_u16());
        if let Some(code) = &code {
            described = described.with("code", code);
        }
        if let Some(id) = response.headers().get("x-amzn-requestid") {
            described = described.with("request", id);
        }
    }
    Failure { error: described, code }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the SDK's list is open")]
fn unanswered<E: StdError + 'static>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    let (mut refused, mut credentials) = (false, false);
    while let Some(inner) = cause {
        refused |= inner
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        credentials |= inner.is::<CredentialsError>();
        cause = inner.source();
    }
    // Asked before the request is signed, so nothing was sent.
    if credentials {
        let message = "no credentials: neither the SDK's default chain nor the settings below `access` give any that work";
        return Error::not_applied(ErrorKind::Unauthenticated, operation, message);
    }
    if refused {
        let message = "the service cannot be reached: the connection was refused";
        return Error::not_applied(ErrorKind::Unavailable, operation, message);
    }
    let timed_out = match error {
        SdkError::TimeoutError(_) => true,
        SdkError::DispatchFailure(failure) => failure.is_timeout(),
        SdkError::ConstructionFailure(_) => {
            let message = "the request cannot be made from these settings";
            return Error::not_applied(ErrorKind::InvalidConfig, operation, message);
        }
        _ => false,
    };
    if timed_out {
        return Error::maybe_applied(ErrorKind::TimedOut, operation, "the service gave no answer in time");
    }
    let message = "the service gave no answer: the connection could not be made, or broke";
    Error::maybe_applied(ErrorKind::Unavailable, operation, message)
}

/// By the code, since most refusals have the status 400:
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html>.
fn refused(operation: &'static str, code: Option<&str>, status: u16) -> Error {
    use Effect::{MaybeApplied, NotApplied};
    let (kind, effect, message) = match (code.unwrap_or_default(), status) {
        (
            "ThrottlingException"
            | "Throttling"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "ProvisionedThroughputExceededException"
            // Another change of the same parameter or user is under way.
            | "TooManyUpdates"
            | "ConcurrentModification",
            _,
        )
        | (_, 429) => (ErrorKind::RateLimited, NotApplied, "the service asks to be called later"),
        (
            "ResourceNotFoundException"
            | "ParameterNotFound"
            | "ParameterVersionNotFound"
            | "NoSuchEntity",
            _,
        ) => (ErrorKind::NotFound, NotApplied, "what the request names does not exist"),
        ("ResourceExistsException" | "ParameterAlreadyExists", _) => (ErrorKind::Conflict, NotApplied, "it exists already, and differs"),
        ("AccessDeniedException" | "AccessDenied" | "NotAuthorized", _) => (
            ErrorKind::PermissionDenied,
            NotApplied,
            "the policies of the caller, of the secret or of its KMS key do not allow this",
        ),
        (
            "ExpiredTokenException"
            | "ExpiredToken"
            | "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "RequestExpired"
            | "OptInRequired",
            _,
        ) => (
            ErrorKind::Unauthenticated,
            NotApplied,
            "the service does not accept the credentials: they are wrong or expired, or the clock is",
        ),
        ("EncryptionFailure" | "DecryptionFailure", _) => (
            ErrorKind::InvalidConfig,
            NotApplied,
            "the KMS key of the secret cannot be used: it is disabled, gone, or not allowed to the caller",
        ),
        ("InvalidKeyId", _) => (
            ErrorKind::InvalidConfig,
            NotApplied,
            "the KMS key of the parameter cannot be used: it is disabled, gone, or not allowed to the caller",
        ),
        ("ParameterMaxVersionLimitExceeded", _) => (
            ErrorKind::InvalidConfig,
            NotApplied,
            "the parameter takes no further version while its oldest one has a label",
        ),
        ("ParameterVersionLabelLimitExceeded", _) => {
            (ErrorKind::InvalidConfig, NotApplied, "the version has ten labels, and takes no other")
        }
        ("ParameterLimitExceeded" | "HierarchyLevelLimitExceededException" | "LimitExceeded", _) => {
            (ErrorKind::InvalidConfig, NotApplied, "a quota of the account is used up")
        }
        // A quota, whatever the SDK says: <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>.
        ("LimitExceededException", _) => (
            ErrorKind::InvalidConfig,
            NotApplied,
            "a quota is used up: of secrets, or of versions or labels of this one (versions younger than a day are not \
             removed to make room)",
        ),
        ("InvalidRequestException", _) => (
            ErrorKind::InvalidConfig,
            NotApplied,
            "the secret is in no state for this: it is scheduled for deletion, a replica, or managed by another service",
        ),
        ("InvalidParameterException" | "ValidationException" | "SerializationException", _) => {
            (ErrorKind::InvalidConfig, NotApplied, "the service does not take these parameters")
        }
        // It may have worked on the request all the same.
        (_, 408 | 500..) => (ErrorKind::Unavailable, MaybeApplied, "the service failed"),
        (_, 401 | 403) => {
            (ErrorKind::Unauthenticated, NotApplied, "the service does not accept the credentials")
        }
        (_, 200..=399) => (
            ErrorKind::Unsupported,
            MaybeApplied,
            "this is no answer of the service: check `access.endpoint`",
        ),
        _ => (ErrorKind::InvalidConfig, NotApplied, "the service refused the request"),
    };
    Error { effect, ..Error::not_applied(kind, operation, message) }
}
