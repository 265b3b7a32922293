//! The log on stderr.

use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt::time::uptime};

/// Crates that log what they send at levels that somebody may turn on: requests with headers, statements with values.
const QUIET: [&str; 6] = [
    "vaultrs=off",
    "rustify=off",
    "kube_client=warn",
    "hyper=warn",
    "aws_smithy_runtime=warn",
    "rustls=warn",
];

/// Starts logging: warnings, or more with each `-v`, or what `KEYWHEEL_LOG` says.
pub(super) fn configure(verbose: u8) {
    let wanted = std::env::var("KEYWHEEL_LOG").ok().filter(|filter| !filter.is_empty());
    if verbose == 0 && wanted.is_none() {
        // Failures are told as results; the log would say them twice. Without a subscriber logging costs nothing.
        return;
    }
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let mut filter =
        EnvFilter::builder().with_default_directive(level.into()).parse_lossy(wanted.unwrap_or_default());
    // Last, so that no filter from outside turns them on.
    for directive in QUIET {
        filter = filter.add_directive(directive.parse().expect("the directives above are well formed"));
    }
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(uptime())
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .init();
}
