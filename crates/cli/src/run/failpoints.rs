//! Dies at a boundary that the environment names: how the crash harness kills the real binary at every step.
//!
//! | variable | meaning |
//! |---|---|
//! | `KEYWHEEL_CRASH_AT` | the number of the boundary, counted from 1 over the run; unset: none |
//! | `KEYWHEEL_CRASH_WITH` | `abort` (default), `SIGKILL`, `SIGTERM`, `SIGINT`, `exit` or `panic` |
//! | `KEYWHEEL_CRASH_LOG` | a file that gets a line for each boundary: number, secret, action, point, between tabs |
//! | `KEYWHEEL_CRASH_STOP` | set: stops itself (`SIGSTOP`) at every boundary, until whoever looks at it sends `SIGCONT` |

use std::{
    fs::{File, OpenOptions},
    io::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use keywheel::{
    core::rotation::{Action, History},
    engine::{Boundary, Point},
};
use rustix::process::{Signal, getpid, kill_process};

/// The signal reaches some thread, not always the one that sent it; the sender must not run ahead of it.
const UNTIL_STOPPED: Duration = Duration::from_millis(2);

/// How the process dies.
enum Death {
    Abort,
    By(Signal),
    Exit,
    Panic,
}

/// Counts boundaries, and dies at one of them.
pub(crate) struct Failpoints {
    at: Option<u64>,
    death: Death,
    stops: bool,
    state: Mutex<(u64, Option<File>)>,
}

impl Failpoints {
    /// As the environment says. Ends the process on a setting that means nothing: a harness that believes it crashed a
    /// run that went through would prove nothing.
    pub(crate) fn from_environment() -> Self {
        let refuse = |variable: &str| -> ! {
            let _ = writeln!(std::io::stderr(), "{variable} means nothing here");
            std::process::exit(2)
        };
        let at = std::env::var("KEYWHEEL_CRASH_AT")
            .ok()
            .map(|text| text.parse().unwrap_or_else(|_| refuse("KEYWHEEL_CRASH_AT")));
        let death = match std::env::var("KEYWHEEL_CRASH_WITH").as_deref() {
            Err(_) | Ok("abort") => Death::Abort,
            Ok("SIGKILL") => Death::By(Signal::KILL),
            Ok("SIGTERM") => Death::By(Signal::TERM),
            Ok("SIGINT") => Death::By(Signal::INT),
            Ok("exit") => Death::Exit,
            Ok("panic") => Death::Panic,
            Ok(_) => refuse("KEYWHEEL_CRASH_WITH"),
        };
        let log = std::env::var_os("KEYWHEEL_CRASH_LOG").map(|path| {
            let file = OpenOptions::new().append(true).create(true).open(path);
            file.unwrap_or_else(|_| refuse("KEYWHEEL_CRASH_LOG"))
        });
        let stops = std::env::var_os("KEYWHEEL_CRASH_STOP").is_some();
        Self { at, death, stops, state: Mutex::new((0, log)) }
    }

    #[expect(clippy::disallowed_methods, reason = "another process looks at this one in real time")]
    fn stop() {
        let _ = kill_process(getpid(), Signal::STOP);
        std::thread::sleep(UNTIL_STOPPED);
    }

    fn die(&self) {
        match self.death {
            Death::Abort => std::process::abort(),
            Death::By(signal) => {
                let _ = kill_process(getpid(), signal);
            }
            Death::Exit => std::process::exit(1),
            Death::Panic => panic!("the payload, which nobody may see"),
        }
    }
}

impl Boundary for Failpoints {
    fn at(&self, point: Point, history: &History, action: Action) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += 1;
        let number = state.0;
        if let Some(log) = &mut state.1 {
            let spec = history.spec();
            let line = format!("{number}\t{}\t{}\t{}\n", spec.secret, action.describe(spec), point.as_str());
            // One write for one line: several rotations share the file.
            let _ = log.write_all(line.as_bytes());
        }
        if self.stops {
            Self::stop();
        }
        // Still under the lock: no other task passes a boundary once the process is to die.
        if self.at == Some(number) {
            self.die();
        }
    }
}
