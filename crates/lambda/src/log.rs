//! The log on stderr, which Lambda hands to `CloudWatch`.

use std::panic::PanicHookInfo;

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// Crates that log what they send or were sent at levels that somebody may turn on.
const QUIET: [&str; 6] = [
    "aws_smithy_runtime=warn",
    "hyper=warn",
    "lambda_runtime=info",
    "mysql_async=warn",
    "rustls=warn",
    "tokio_postgres=info",
];

/// Starts logging: what `KEYWHEEL_LOG` says, or the level that the function is configured with, or `info`.
pub(crate) fn configure() {
    std::panic::set_hook(Box::new(tell));
    let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    let wanted = variable("KEYWHEEL_LOG").or_else(|| variable("AWS_LAMBDA_LOG_LEVEL")).unwrap_or_default();
    let mut filter =
        EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy(wanted);
    // Last, so that no filter from outside turns them on.
    for directive in QUIET {
        filter = filter.add_directive(directive.parse().expect("the directives above are well formed"));
    }
    // CloudWatch has the time of each line.
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .without_time()
        .with_writer(std::io::stderr);
    if variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json")) {
        log.json().init();
    } else {
        log.init();
    }
}

/// A panic's text may hold whatever a library formatted into it, so only its place is told.
fn tell(panic: &PanicHookInfo<'_>) {
    let place = panic
        .location()
        .map_or_else(|| "an unknown place".to_owned(), |at| format!("{}:{}", at.file(), at.line()));
    tracing::error!(place, "the function has a bug");
}
