//! The application of examples/database.

use std::process::ExitCode;

fn main() -> ExitCode {
    database_app::main()
}
