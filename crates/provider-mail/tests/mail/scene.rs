//! A mail server with a certificate of its own, and a notice that uses it.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use keywheel_core::{
    RotationId,
    message::{Message, Occasion},
    provider::Channel,
};
use keywheel_provider_mail::kinds;
use keywheel_testkit::declared::{self, surroundings};
use keywheel_testservers::{Instance, Launch, free_port, program};
use rustix::process::Signal;

/// A running server; it ends with the test.
pub(crate) struct Server {
    instance: Instance,
    pub(crate) port: u16,
}

impl Server {
    /// One that wants TLS and a login, or neither.
    pub(crate) fn start(encrypted: bool) -> Self {
        // The library's own program: where it is, the library is.
        let _there = program("aiosmtpd", "python3-aiosmtpd", &[]);
        let directory = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (certificate, key) = (directory.path().join("ca.pem"), directory.path().join("key.pem"));
        fs::write(&certificate, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let none = PathBuf::from("-");
        let port = free_port();
        let mut command = Command::new("/usr/bin/python3");
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/server.py"))
            .arg(directory.path())
            .arg(port.to_string())
            .args(if encrypted { [&certificate, &key] } else { [&none, &none] });
        let launch = Launch { command, run_as: None, end_with: Signal::TERM };
        let instance = Instance::start(directory, launch, || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { instance, port }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.instance.directory()
    }

    /// The mail with this number, from 1.
    pub(crate) fn mail(&self, number: usize) -> Option<String> {
        fs::read_to_string(self.directory().join(format!("mail-{number}"))).ok()
    }

    /// A notice that logs in with what the file `password` holds.
    pub(crate) fn notice(&self, more: &str) -> Arc<dyn Channel> {
        let text = format!(
            "server: localhost\nport: {}\nca-file: ca.pem\nusername: app\npassword: file:password\n\
             from: keywheel <keywheel@example.org>\n{more}",
            self.port
        );
        channel(&text, self.directory()).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    pub(crate) fn password(&self, password: &str) {
        fs::write(self.directory().join("password"), password).unwrap();
    }
}

/// The notice that `text` describes, or the mistakes in it as they are printed.
pub(crate) fn channel(text: &str, base: &Path) -> Result<Arc<dyn Channel>, String> {
    declared::configure(&*kinds()[0], &surroundings(base), text)
}

pub(crate) fn message() -> Message {
    Message {
        id: "7/parked".to_owned(),
        occasion: Occasion::Parked,
        secret: "db-password".into(),
        rotation: Some(RotationId::from_random([7; 16])),
        environment: Some("production".into()),
        owner: Some("platform team".into()),
        at: "2026-09-21T14:13:20Z".parse().unwrap(),
        words: "the rotation waits for a person: grün ist es nicht".to_owned(),
    }
}
