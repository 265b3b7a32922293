//! What the operating system could hand out: core dumps, and the memory of a living process.

use std::{
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::ExitStatusExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use keywheel_tests::{Scene, files_below, pause, program, until};
use rustix::process::{Pid, WaitOptions, getuid, waitpid};

/// A user that nothing belongs to; not the one that stands for "unknown" in namespaces.
const SOMEBODY: u32 = 54_321;

const SIGABRT: i32 = 6;

/// A shell's words before the program: as many core dumps as the system lets anybody have.
const WITH_DUMPS: &str =
    "ulimit -c unlimited 2>/dev/null || ulimit -c \"$(ulimit -H -c)\"; exec \"$0\" \"$@\"";

/// A scene whose files belong to the user as whom everything in it runs: for root, whom nothing is refused, another.
struct Yard {
    scene: Scene,
    keywheel: PathBuf,
    user: u32,
}

impl Yard {
    fn new() -> Self {
        let scene = Scene::password("overlap: 0s");
        let keywheel = scene.path().join("keywheel");
        std::fs::copy(program("keywheel-under-test"), &keywheel).expect("there is room");
        std::fs::set_permissions(&keywheel, PermissionsExt::from_mode(0o755)).expect("it is ours");
        let user = if getuid().is_root() { SOMEBODY } else { getuid().as_raw() };
        if getuid().is_root() {
            let directories = ["", "secrets", "run"].map(|name| scene.path().join(name));
            for path in files_below(scene.path()).into_iter().chain(directories) {
                chown(path, Some(user), Some(user)).expect("root may");
            }
        }
        Self { scene, keywheel, user }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = if getuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "54321", "--regid", "54321", "--clear-groups", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        command.args(["-c", WITH_DUMPS]).arg(program).current_dir(self.scene.path());
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        command
    }

    fn rotates(&self) -> Command {
        let mut command = self.command(&self.keywheel);
        command.args(["rotate", "db", "--yes"]);
        command
    }
}

/// To whom the kernel says that a process belongs.
fn owner(process: u32) -> u32 {
    std::fs::metadata(format!("/proc/{process}/environ")).expect("it runs").uid()
}

/// A limit of 0 is not enough: it does not count where `core_pattern` is a pipe (core(5)). A process that is not
/// dumpable is dumped nowhere, and `/proc` gives its files to root (proc(5)): that is what shows from outside.
#[test]
fn the_process_has_no_core_dumps_and_cannot_be_looked_into() {
    let yard = Yard::new();
    let mut plain = yard.command(Path::new("sleep")).arg("60").spawn().expect("there is a shell");
    until("sleep to run", || {
        let comm = std::fs::read_to_string(format!("/proc/{}/comm", plain.id())).ok()?;
        (comm.trim() == "sleep").then_some(())
    });
    let control = owner(plain.id());
    plain.kill().and_then(|()| plain.wait()).expect("it runs");
    assert_eq!(control, yard.user, "the control is as closed as keywheel should be");

    let mut keywheel = yard.rotates().env("KEYWHEEL_CRASH_STOP", "1").spawn().expect("there is a shell");
    let stopped = waitpid(Some(Pid::from_child(&keywheel)), WaitOptions::UNTRACED).expect("it is a child");
    assert!(stopped.is_some_and(|(_, status)| status.stopped()), "it ended before its first boundary");
    let process = keywheel.id();
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).expect("anybody may read it");
    let (owner, as_itself) = (owner(process), may_read_as(&yard, &format!("/proc/{process}/environ")));
    keywheel.kill().and_then(|()| keywheel.wait()).expect("it is stopped");
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).expect("there is one");
    let limits: Vec<_> = line.split_whitespace().skip(4).take(2).collect();
    assert_eq!(limits, ["0", "0"], "soft and hard limit of core dumps");
    assert_eq!(owner, 0, "its files in /proc belong to its user: it is dumpable");
    assert!(!as_itself, "another process of the same user can read its environment");
}

fn may_read_as(yard: &Yard, path: &str) -> bool {
    yard.command(Path::new("cat")).arg(path).status().expect("there is a shell").success()
}

#[test]
fn a_process_that_aborts_leaves_no_core() {
    let yard = Yard::new();
    let mut shell = yard.command(Path::new("sh"));
    let control = shell.args(["-c", "kill -ABRT $$"]).status().expect("there is a shell");
    if !control.core_dumped() {
        println!("this system dumps no process, so there is nothing to see");
        return;
    }
    for core in files_below(yard.scene.path()).into_iter().filter(|path| is_core(path)) {
        std::fs::remove_file(core).expect("it is ours");
    }
    for number in ["1", "3", "7"] {
        let status = yard.rotates().env("KEYWHEEL_CRASH_AT", number).status().expect("there is a shell");
        assert_eq!(status.signal(), Some(SIGABRT), "it lived");
        assert!(!status.core_dumped(), "the process was dumped");
    }
    // A dump through a pipe is written by another process.
    pause(std::time::Duration::from_millis(100));
    let cores: Vec<_> = files_below(yard.scene.path()).into_iter().filter(|path| is_core(path)).collect();
    assert!(cores.is_empty(), "there are {cores:?}");
}

fn is_core(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"core"))
}
