//! The function: one event, one step.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use keywheel_core::{
    CallContext, Clock, Effect, Entropy, Error, ErrorKind, Fence, Result, RotationId, provider::Surroundings,
};
use keywheel_provider_aws::RotatedSecrets;
use tokio::time::timeout;
use tracing::{Instrument, info, info_span, warn};

use crate::{
    event::{Event, Step},
    settings::Settings,
    stages::{Standing, standing},
    steps::Rotation,
};

/// Kept back to say that the time is over, before the runtime ends the function without a word.
const FAREWELL: Duration = Duration::from_secs(1);

/// How often a step is tried in all that fails for a passing reason: each begins by asking what is done already.
const TRIES: usize = 3;

const FIRST_WAIT: Duration = Duration::from_millis(200);

/// What a step that succeeded found or did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The version is current: the whole rotation was over.
    AlreadyCurrent,
    /// The pending version got a value.
    Created,
    /// It had one.
    AlreadyCreated,
    /// The database accepts the pending credential now.
    Set,
    /// It did so before.
    AlreadySet,
    /// It does.
    Tested,
    /// The pending version became current.
    Finished,
}

/// Serves Secrets Manager.
pub struct RotationFunction {
    pub(crate) secrets: RotatedSecrets,
    pub(crate) settings: Settings,
    pub(crate) surroundings: Surroundings,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl RotationFunction {
    /// One that finds its secrets in `secrets`. No I/O.
    pub fn new(
        settings: Settings,
        secrets: RotatedSecrets,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let surroundings = Surroundings { base: settings.base.clone(), clock };
        Self { secrets, settings, surroundings, entropy }
    }

    /// Does the step, with so much time left for it. Twice is once, and a step that was cut off anywhere is ended by the next
    /// call of it.
    ///
    /// # Errors
    /// What failed, what may have been changed by it, and how to mend it.
    pub async fn serve(&self, event: &Event, left: Duration) -> Result<Outcome> {
        let span = info_span!("step", secret = event.secret, version = event.token, step = %event.step);
        // Boxed: what a step does with the SDK is large.
        let outcome =
            Box::pin(self.within(event, left.saturating_sub(FAREWELL))).instrument(span.clone()).await;
        span.in_scope(|| match outcome {
            Ok(outcome) => {
                info!(?outcome, "done");
                Ok(outcome)
            }
            Err(error) => {
                let error = told(error, event);
                warn!(%error, "failed");
                Err(error)
            }
        })
    }

    async fn within(&self, event: &Event, limit: Duration) -> Result<Outcome> {
        let clock = &self.surroundings.clock;
        let context = CallContext {
            rotation: rotation(&event.token),
            started_at: clock.now(),
            initiator: "AWS Secrets Manager".into(),
            deadline: clock.running() + limit,
            fence: Fence::default(),
        };
        timeout(limit, self.tries(event, &context)).await.unwrap_or_else(|_elapsed| {
            let message = "the function's time is over: if the next calls end like this, look whether it reaches the database \
                 and Secrets Manager (subnets, security groups, a VPC endpoint), and give it a longer time-out";
            Err(Error::maybe_applied(ErrorKind::TimedOut, "serve", message))
        })
    }

    async fn tries(&self, event: &Event, context: &CallContext) -> Result<Outcome> {
        let waits = ExponentialBuilder::default().with_min_delay(FIRST_WAIT).with_max_times(TRIES - 1);
        for wait in waits.build() {
            match self.once(event, context).await {
                Err(error) if error.kind.is_transient() => {
                    warn!(%error, "tried again");
                    self.surroundings.clock.sleep(wait).await;
                }
                ended => return ended,
            }
        }
        self.once(event, context).await
    }

    async fn once(&self, event: &Event, context: &CallContext) -> Result<Outcome> {
        let secret = self.secrets.secret(&event.secret);
        let labels = secret.labels(context).await?;
        let current = match standing(&labels, &event.token)? {
            Standing::Current => return Ok(Outcome::AlreadyCurrent),
            Standing::PendingAfter(current) => current,
        };
        let rotation =
            Rotation { function: self, secret, labels: &labels, current, token: &event.token, context };
        match event.step {
            Step::Create => rotation.create().await,
            Step::Set => rotation.set().await,
            Step::Test => rotation.test().await,
            Step::Finish => rotation.finish().await,
        }
    }
}

/// The rotation's id is the token: what is no UUID, which Secrets Manager takes too, is not told to anybody.
fn rotation(token: &str) -> RotationId {
    token.parse().unwrap_or_else(|_| RotationId::from_bytes([0; 16]))
}

fn told(mut error: Error, event: &Event) -> Error {
    // The providers say it of the secret that the request was about, which may be the administrator's.
    if !error.context.iter().any(|(key, _)| *key == "secret") {
        error = error.with("secret", &event.secret);
    }
    let state = match error.effect {
        Effect::NotApplied => "nothing was changed",
        Effect::MaybeApplied => "something may have been changed; the next call finds out",
    };
    error.with("version", &event.token).with("step", event.step).with("state", state)
}
