//! The `keywheel` command with its failpoints: what the tests run, and nobody else.

use std::process::ExitCode;

fn main() -> ExitCode {
    keywheel_cli::main()
}
