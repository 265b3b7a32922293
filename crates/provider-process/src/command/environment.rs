//! What a command finds in its environment.

use std::ffi::OsString;

use keywheel_core::notifier::Notice;

/// The variables that a command inherits, besides those that begin with `LC_`. Everything else is cleared: keywheel's
/// own environment may hold credentials of stores and targets, and a command has no business with them. What a command
/// needs beyond these is written out: `command: [env, DOCKER_HOST=…, docker, …]`.
pub const PASSED_ON: [&str; 10] =
    ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"];

/// The part of this process's environment that a command inherits.
pub(super) fn inherited() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| {
        name.to_str().is_some_and(|name| PASSED_ON.contains(&name) || name.starts_with("LC_"))
    })
}

/// What `notice` is about, in variables. Not the fingerprint.
pub(crate) fn about(notice: &Notice) -> Vec<(&'static str, String)> {
    vec![
        ("KEYWHEEL_SECRET", notice.secret.to_string()),
        ("KEYWHEEL_ROTATION", notice.rotation.to_string()),
        ("KEYWHEEL_PHASE", notice.phase.to_string()),
    ]
}
