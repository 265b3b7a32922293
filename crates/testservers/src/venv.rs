//! Where servers are that come with Python: no distribution has them.

use std::path::{Path, PathBuf};

/// Names the virtual environment of Python that has them.
const VENV: &str = "KEYWHEEL_TEST_VENV";

/// What `find` finds in the environment: the one that [`VENV`] names, or that of `cargo xtask test`.
///
/// # Panics
/// When it is not there, with the requirement for pip that has it.
pub(crate) fn in_venv(program: &str, requirement: &str, find: impl Fn(&Path) -> Option<PathBuf>) -> PathBuf {
    let named = std::env::var_os(VENV).map(PathBuf::from);
    // Tests lie in `target/debug/deps`; `cargo xtask test` makes the environment in `target/venv`.
    let beside = std::env::current_exe().ok().into_iter().flat_map(|test| {
        test.ancestors().skip(1).take(4).map(|directory| directory.join("venv")).collect::<Vec<_>>()
    });
    named.into_iter().chain(beside).find_map(|venv| find(&venv)).unwrap_or_else(|| {
        panic!(
            "`{program}` is missing: run `cargo xtask test`, or `python3 -m venv target/venv && target/venv/bin/pip install \
             '{requirement}'` with the package `python3-venv`, or say in {VENV} where such an environment is"
        )
    })
}
