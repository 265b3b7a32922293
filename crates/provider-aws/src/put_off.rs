//! Requests that the service puts off: the SDK sends them again, each at another moment.

use std::{fmt, sync::Arc, time::Duration};

use aws_smithy_runtime_api::client::{
    interceptors::context::InterceptorContext,
    orchestrator::HttpResponse,
    retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority, RetryReason},
};
use aws_smithy_types::retry::{ErrorKind, RetryConfig};
use keywheel_core::Clock;

/// Tries of one request, the first one included.
const TRIES: u32 = 5;

/// The longest first wait; the SDK draws one up to it, and up to twice as long a one each time.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// What is to wait for longer is left to the engine.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A quota, which the SDK takes for throttling; see `failure.rs`.
const QUOTA: &[u8] = b"LimitExceededException";

/// How the SDK waits.
pub(crate) fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(TRIES)
        .with_initial_backoff(FIRST_WAIT)
        // What `Retry-After` says is doubled at most.
        .with_max_backoff(LONGEST_WAIT * 2)
}

/// Has the SDK repeat what the service certainly has not carried out, because it is asked too much, and nothing else: about
/// a request that may have been carried out the engine asks first.
pub(crate) struct PutOff(Arc<dyn Clock>);

impl PutOff {
    pub(crate) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self(Arc::clone(clock))
    }

    /// Not before the service said, and within twice that: those who were told the same do not come back together.
    fn spread(&self, told: Duration) -> Duration {
        told + told * (self.0.running().subsec_micros() % 1000) / 1000
    }
}

impl fmt::Debug for PutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PutOff").finish_non_exhaustive()
    }
}

impl ClassifyRetry for PutOff {
    fn name(&self) -> &'static str {
        "put off"
    }

    /// After all that the SDK has of its own: the last one decides.
    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        self.classify_retry_v2(context, &RetryAction::NoActionIndicated)
    }

    /// `previous` is what the SDK makes of the code.
    fn classify_retry_v2(&self, context: &InterceptorContext, previous: &RetryAction) -> RetryAction {
        if !context.is_failed() {
            return RetryAction::NoActionIndicated;
        }
        let code_says_so = matches!(
            previous,
            RetryAction::RetryIndicated(RetryReason::RetryableError { kind: ErrorKind::ThrottlingError, .. })
        );
        match context.response() {
            Some(response) if code_says_so || response.status().as_u16() == 429 => match told(response) {
                _ if is_quota(response) => RetryAction::RetryForbidden,
                None => RetryAction::throttling_error(),
                Some(told) if told > LONGEST_WAIT => RetryAction::RetryForbidden,
                Some(told) => RetryAction::retryable_error_with_explicit_delay(
                    ErrorKind::ThrottlingError,
                    self.spread(told),
                ),
            },
            Some(_) | None => RetryAction::RetryForbidden,
        }
    }
}

/// What `Retry-After` says, in seconds.
fn told(response: &HttpResponse) -> Option<Duration> {
    Some(Duration::from_secs(response.headers().get("retry-after")?.trim().parse().ok()?))
}

fn is_quota(response: &HttpResponse) -> bool {
    let body = response.body().bytes().unwrap_or_default();
    body.windows(QUOTA.len()).any(|window| window == QUOTA)
}
