//! The requests of one operation.

use std::{error::Error as StdError, pin::Pin, time::Duration};

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use keywheel_core::{CallContext, Clock, Effect, Error, ErrorKind};
use tokio::time::timeout;

use crate::failure::{Failure, failure};

/// How long the answers to a request, and to its repetitions, may take together.
const PATIENCE: Duration = Duration::from_secs(30);

/// The requests of one operation. Once one of them may have changed something, every failure is `MaybeApplied`.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'static str,
    deadline: Option<Duration>,
    clock: &'a dyn Clock,
    changed: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn new(operation: &'static str, clock: &'a dyn Clock, context: Option<&CallContext>) -> Self {
        Self { operation, deadline: context.map(|context| context.deadline), clock, changed: false }
    }

    /// A request that only looks.
    pub(crate) async fn look<T, E>(
        &self,
        request: Pin<Box<impl Future<Output = Result<T, SdkError<E, HttpResponse>>>>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        self.send(request).await.map_err(|failure| Failure {
            error: self.seal(Error { effect: Effect::NotApplied, ..failure.error }),
            ..failure
        })
    }

    /// A request that changes something.
    pub(crate) async fn change<T, E>(
        &mut self,
        request: Pin<Box<impl Future<Output = Result<T, SdkError<E, HttpResponse>>>>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let outcome = self.send(request).await;
        let outcome = outcome.map_err(|failure| Failure { error: self.seal(failure.error), ..failure });
        // What was certainly refused leaves it certain for the next request, too.
        self.changed |=
            outcome.as_ref().err().is_none_or(|failed| failed.error.effect == Effect::MaybeApplied);
        outcome
    }

    async fn send<T, E>(
        &self,
        request: Pin<Box<impl Future<Output = Result<T, SdkError<E, HttpResponse>>>>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let limit = match self.deadline {
            Some(deadline) => deadline.saturating_sub(self.clock.running()).min(PATIENCE),
            None => PATIENCE,
        };
        if limit.is_zero() {
            let message = "there was no time left to begin it";
            return Err(self.plain(Error::not_applied(ErrorKind::TimedOut, self.operation, message)));
        }
        match timeout(limit, request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(failure(self.operation, &error)),
            Err(_elapsed) => {
                let message = "the service gave no answer in time";
                Err(self.plain(Error::maybe_applied(ErrorKind::TimedOut, self.operation, message)))
            }
        }
    }

    #[expect(clippy::unused_self, reason = "reads as what it belongs to")]
    fn plain(&self, error: Error) -> Failure {
        Failure { error, code: None }
    }

    fn seal(&self, error: Error) -> Error {
        if self.changed { Error { effect: Effect::MaybeApplied, ..error } } else { error }
    }

    /// An error about what was found.
    pub(crate) fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        self.seal(Error::not_applied(kind, self.operation, message))
    }
}
