//! Programs that stand in for others.

use std::os::unix::fs::PermissionsExt;

use crate::scene::Scene;

/// Writes `script` as a program into the scene's directory, which is also where it will run.
pub(crate) fn stand_in(scene: &Scene, name: &str, script: &str) {
    // By another process: a script that this one still had open for writing, in a child forked meanwhile, is "busy".
    let source = scene.path("source");
    std::fs::write(&source, script).unwrap();
    std::fs::set_permissions(&source, std::fs::Permissions::from_mode(0o755)).unwrap();
    let copied = std::process::Command::new("cp").arg("-p").arg(&source).arg(scene.path(name)).status();
    assert!(copied.unwrap().success());
}
