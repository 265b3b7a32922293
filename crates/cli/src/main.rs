//! The `keywheel` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    keywheel_cli::main()
}
