//! The binary that Lambda starts: `bootstrap`.

mod log;

use std::{process::ExitCode, sync::Arc, time::Duration};

use jiff::Timestamp;
use keywheel_core::{
    Clock as _, Error, ErrorKind, OsEntropy,
    provider::{Mistake, Surroundings},
};
use keywheel_engine::SystemClock;
use keywheel_lambda::{Event, RotationFunction, Settings};
use keywheel_provider_aws::{AccessSettings, SecretsManagerSettings};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;

/// Without a deadline in the event, which Lambda never leaves out.
const LONGEST: Duration = Duration::from_mins(15);

fn main() -> ExitCode {
    log::configure();
    // Before anything connects: whoever comes first decides for the process.
    let _first = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let function = match made() {
        Ok(function) => Arc::new(function),
        Err(mistakes) => {
            for Mistake { field, message, hint } in mistakes {
                tracing::error!("the environment of the function has a mistake: {field}: {message} ({hint})");
            }
            return ExitCode::FAILURE;
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "no runtime");
            return ExitCode::FAILURE;
        }
    };
    let handler = service_fn(move |event: LambdaEvent<Value>| answer(Arc::clone(&function), event));
    match runtime.block_on(lambda_runtime::Runtime::new(handler).run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the runtime API of Lambda failed");
            ExitCode::FAILURE
        }
    }
}

fn made() -> Result<RotationFunction, Vec<Mistake>> {
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    let surroundings = Surroundings { base: settings.base.clone(), clock: Arc::new(SystemClock) };
    let access = AccessSettings { endpoint: settings.endpoint.clone(), ..AccessSettings::default() };
    let secrets = SecretsManagerSettings { access, ..SecretsManagerSettings::default() };
    let secrets = secrets.rotated(&surroundings).map_err(|mistakes| {
        let named = |mistake| Mistake { field: "SECRETS_MANAGER_ENDPOINT".into(), ..mistake };
        mistakes.into_iter().map(named).collect::<Vec<_>>()
    })?;
    Ok(RotationFunction::new(settings, secrets, Arc::new(SystemClock), Arc::new(OsEntropy)))
}

async fn answer(function: Arc<RotationFunction>, event: LambdaEvent<Value>) -> Result<(), Diagnostic> {
    let left = time_left(event.context.deadline);
    // In a task of its own: the text of a panic may hold anything, and the library would pass it on.
    let served = tokio::spawn(async move {
        let event = Event::read(&event.payload)?;
        function.serve(&event, left).await
    });
    match served.await {
        Ok(Ok(_outcome)) => Ok(()),
        Ok(Err(error)) => Err(diagnostic(&error)),
        Err(_panicked) => {
            let message =
                "the function has a bug; its log says where. What was begun is ended by the next call";
            Err(diagnostic(&Error::maybe_applied(ErrorKind::Internal, "serve", message)))
        }
    }
}

fn time_left(deadline: u64) -> Duration {
    let deadline = i64::try_from(deadline).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    deadline.map_or(LONGEST, |at| {
        Duration::try_from(at.duration_since(SystemClock.now())).unwrap_or(Duration::ZERO)
    })
}

fn diagnostic(error: &Error) -> Diagnostic {
    Diagnostic { error_type: error.kind.to_string(), error_message: error.to_string() }
}
