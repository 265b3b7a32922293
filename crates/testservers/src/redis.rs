//! A private Redis.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use rustix::process::Signal;

use crate::{
    instance::{Instance, Launch},
    port::free_port,
    program::program,
};

/// The user that [`Redis::command`] is.
const ADMINISTRATOR: &str = "admin";

/// Where a server keeps its users over a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedisUsers {
    /// In a file of their own.
    #[default]
    AclFile,
    /// In its configuration file.
    ConfigFile,
    /// It was started with arguments alone.
    Nowhere,
}

/// How a server is set up.
#[derive(Default)]
pub struct RedisSetup {
    /// Where it keeps users.
    pub users_in: RedisUsers,
    /// Its users besides `admin`, as an ACL file has them, without the word `user`. `default` is off unless it is here.
    pub users: Vec<String>,
    /// Further settings, as its configuration file has them.
    pub settings: Vec<String>,
    /// PEM: its certificate, its key, and the certificate of the authority. It then speaks TLS alone.
    pub tls: Option<[String; 3]>,
    /// Whether it is a Sentinel.
    pub sentinel: bool,
}

/// A running server.
pub struct Redis {
    instance: Instance,
    port: u16,
    tls: bool,
}

impl Redis {
    /// The password of the user `admin`, who may do everything.
    pub const PASSWORD: &str = "the-administrators-password";

    /// Starts one.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(setup: RedisSetup) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, port) = (directory.path(), free_port());
        let mut users = setup.users;
        if !users.iter().any(|user| user.starts_with("default ")) {
            users.push("default off".to_owned());
        }
        users.push(format!("{ADMINISTRATOR} on >{} ~* &* +@all", Self::PASSWORD));
        let users: Vec<_> = users.iter().map(|user| format!("user {user}")).collect();

        let mut settings = vec!["bind 127.0.0.1".to_owned(), "save \"\"".to_owned()];
        settings.push(format!("dir {}", path.display()));
        match &setup.tls {
            None => settings.push(format!("port {port}")),
            Some(files) => settings.extend(tls_settings(path, port, files)),
        }
        settings.extend(setup.settings);
        let mut command = Command::new(program("redis-server", "redis-server", &[]));
        match setup.users_in {
            RedisUsers::AclFile => {
                fs::write(path.join("users.acl"), users.join("\n") + "\n").expect("a file of users");
                settings.push(format!("aclfile {}", path.join("users.acl").display()));
                command.arg(write_settings(path, &settings));
            }
            RedisUsers::ConfigFile => {
                settings.extend(users);
                command.arg(write_settings(path, &settings));
            }
            RedisUsers::Nowhere => {
                for setting in settings.iter().chain(&users) {
                    let (name, value) = setting.split_once(' ').expect("a setting has a value");
                    command.arg(format!("--{name}"));
                    // Words of their own, as on its command line; `""` is one that is empty.
                    command.args(value.split(' ').map(|word| word.trim_matches('"')));
                }
            }
        }
        if setup.sentinel {
            command.arg("--sentinel");
        }
        let (tls, log) = (setup.tls.is_some(), path.join("log"));
        let launch = Launch { command, run_as: None, end_with: Signal::TERM };
        Self { instance: Instance::start(directory, launch, || answers(port, tls, &log)), port, tls }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its directory, with `users.acl` and `redis.conf`.
    pub fn directory(&self) -> &Path {
        self.instance.directory()
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        self.instance.log()
    }

    /// Its process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.instance.id()
    }

    /// Kills it as a power cut would, and starts it with what is on the disk.
    pub fn survive_a_power_cut(&mut self) {
        self.instance.kill();
        let (port, tls, log) = (self.port, self.tls, self.directory().join("log"));
        self.instance.start_again(|| answers(port, tls, &log));
    }

    /// What it answers the user `admin`.
    ///
    /// # Panics
    /// When it refuses the login.
    pub fn command(&self, words: &[&str]) -> String {
        self.command_as(ADMINISTRATOR, Self::PASSWORD, words)
    }

    /// What it answers somebody else.
    ///
    /// # Panics
    /// When it cannot be asked.
    pub fn command_as(&self, user: &str, password: &str, words: &[&str]) -> String {
        let mut command = Command::new(program("redis-cli", "redis-tools", &[]));
        command.args(["-p", &self.port.to_string(), "--user", user, "--no-auth-warning"]);
        if self.tls {
            command.arg("--tls").arg("--cacert").arg(self.directory().join("authority.pem"));
        }
        command.env("REDISCLI_AUTH", password).args(words).stdin(Stdio::null());
        let output = command.output().expect("redis-cli can be started");
        let said = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        said + &String::from_utf8_lossy(&output.stderr)
    }

    /// Whether a login works: what somebody sees who has only this user's name and password.
    ///
    /// # Panics
    /// When it answers neither yes nor no.
    pub fn lets_in(&self, user: &str, password: &str) -> bool {
        let said = self.command_as(user, password, &["PING"]);
        let refused = said.contains("WRONGPASS");
        assert!(refused || said.contains("PONG"), "it says neither yes nor no: {said}");
        !refused
    }
}

fn tls_settings(path: &Path, port: u16, [certificate, key, authority]: &[String; 3]) -> Vec<String> {
    let files = [("server.pem", certificate), ("server.key", key), ("authority.pem", authority)];
    for (name, text) in files {
        fs::write(path.join(name), text).expect("a file of TLS");
    }
    vec![
        "port 0".to_owned(),
        format!("tls-port {port}"),
        format!("tls-cert-file {}", path.join("server.pem").display()),
        format!("tls-key-file {}", path.join("server.key").display()),
        format!("tls-ca-cert-file {}", path.join("authority.pem").display()),
        "tls-auth-clients optional".to_owned(),
    ]
}

fn write_settings(path: &Path, settings: &[String]) -> std::path::PathBuf {
    let file = path.join("redis.conf");
    fs::write(&file, settings.join("\n") + "\n").expect("a configuration file");
    file
}

/// Whether it is this server that listens, and not one of somebody else who was given the same port meanwhile.
fn answers(port: u16, tls: bool, log: &Path) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    if tls {
        return fs::read(log)
            .is_ok_and(|log| String::from_utf8_lossy(&log).contains("Ready to accept connections"));
    }
    let _waits = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let mut reply = [0; 64];
    let length = stream.write_all(b"PING\r\n").and_then(|()| stream.read(&mut reply));
    // An answer or a refusal, in the form that Redis gives it.
    length.is_ok_and(|length| length > 0 && matches!(reply[0], b'+' | b'-'))
}
