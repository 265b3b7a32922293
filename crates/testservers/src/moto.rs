//! A private stand-in for AWS: <https://docs.getmoto.org/en/latest/docs/server_mode.html>.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use rustix::process::Signal;

use crate::{
    instance::{Instance, Launch},
    port::free_port,
    venv::in_venv,
};

static SHARED: Mutex<Weak<Moto>> = Mutex::new(Weak::new());

/// A running server. Whoever asks it may do everything, with any keys.
pub struct Moto {
    instance: Instance,
    port: u16,
}

impl Moto {
    /// The one that the tests of this process share, started with the first of them.
    ///
    /// # Panics
    /// As [`Moto::start`].
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return running;
        }
        let started = Arc::new(Self::start());
        *shared = Arc::downgrade(&started);
        started
    }

    /// Starts one.
    ///
    /// # Panics
    /// When it is not there, or does not start.
    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let mut command = Command::new(installed());
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        // It asks AWS itself for nothing, and is to find nobody's keys.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        let launch = Launch { command, run_as: None, end_with: Signal::TERM };
        Self { instance: Instance::start(directory, launch, || answers(port)), port }
    }

    /// Its port, without TLS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on whoever asks is known by a key of this account, signs with it, and has policies that allow it.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn check_keys(&self) {
        let request = "POST /moto-api/reset-auth HTTP/1.0\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n0";
        assert!(ask(self.port, request).is_some_and(|reply| reply.contains(" 200 ")), "it takes the wish");
    }

    /// What it has written to its log: one line for each request.
    pub fn log(&self) -> String {
        self.instance.log()
    }
}

fn installed() -> PathBuf {
    in_venv("moto_server", "moto[server]", |venv| {
        Some(venv.join("bin").join("moto_server")).filter(|program| program.is_file())
    })
}

/// Whether it is this server that listens, and not one of somebody else who was given the same port meanwhile.
fn answers(port: u16) -> bool {
    let request = "GET /moto-api/data.json HTTP/1.0\r\nHost: localhost\r\n\r\n";
    ask(port, request).is_some_and(|reply| reply.contains("Werkzeug") && reply.contains(" 200 "))
}

fn ask(port: u16, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let _waits = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut reply = String::new();
    stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut reply)).ok()?;
    Some(reply)
}
