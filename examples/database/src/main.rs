//! `database-app FILE…`: one pool for each credential document.

use std::process::ExitCode;

fn main() -> ExitCode {
    database_app::main()
}
