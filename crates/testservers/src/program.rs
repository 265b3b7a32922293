//! Where the servers' programs are.

use std::path::PathBuf;

/// Where distributions put servers besides the search path.
const DIRECTORIES: [&str; 4] = ["/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/local/bin"];

/// The program called `name`: from `directories`, else from the search path.
///
/// # Panics
/// When it is not there, with the package that has it.
pub fn program(name: &str, package: &str, directories: &[PathBuf]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let searched = std::env::split_paths(&path).chain(DIRECTORIES.map(PathBuf::from));
    directories
        .iter()
        .cloned()
        .chain(searched)
        .map(|directory| directory.join(name))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| {
            panic!("`{name}` is missing: install the package `{package}`, or run `cargo xtask test`")
        })
}
