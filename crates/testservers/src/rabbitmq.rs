//! `RabbitMQ`.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    instance::{Instance, Launch},
    port::free_port,
    program::program,
};

const PACKAGE: &str = "rabbitmq-server";

/// It takes seconds to start: whoever asks while it runs gets the same one.
static SHARED: Mutex<Weak<Rabbitmq>> = Mutex::new(Weak::new());

/// A private server with its management API, on ports of its own. The user `keeper` may do everything.
pub struct Rabbitmq {
    // Dropped in this order: the node ends before its port mapper.
    instance: Instance,
    _mapper: Instance,
    port: u16,
    amqp_port: u16,
}

impl Rabbitmq {
    /// The administrator.
    pub const ADMINISTRATOR: &str = "keeper";

    /// The administrator's password.
    pub const PASSWORD: &str = "password-of-the-administrator";

    /// The server of this process, started if none runs.
    ///
    /// # Panics
    /// As [`Rabbitmq::start`].
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return running;
        }
        let started = Arc::new(Self::start());
        *shared = Arc::downgrade(&started);
        started
    }

    /// Starts a server of the test's own.
    ///
    /// # Panics
    /// When it is not installed, or does not start.
    pub fn start() -> Self {
        Self::launch(None)
    }

    /// Starts one that speaks TLS alone, with this certificate and key in PEM.
    ///
    /// # Panics
    /// As [`Rabbitmq::start`].
    pub fn start_encrypted(files: &[String; 2]) -> Self {
        Self::launch(Some(files))
    }

    fn launch(tls: Option<&[String; 2]>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let [port, amqp_port, mapper_port, distribution_port] = [(); 4].map(|()| free_port());
        let mapper = start_mapper(mapper_port);
        let path = directory.path();
        fs::write(path.join("enabled_plugins"), "[rabbitmq_management].\n").expect("a list of plugins");
        fs::write(path.join("rabbitmq.conf"), settings(path, port, amqp_port, tls))
            .expect("a configuration file");
        let mut command = Command::new(script());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (name, place) in [
            ("HOME", ""),
            ("RABBITMQ_MNESIA_BASE", "data"),
            ("RABBITMQ_LOG_BASE", "logs"),
            ("RABBITMQ_CONFIG_FILE", "rabbitmq.conf"),
            ("RABBITMQ_CONF_ENV_FILE", "none"),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", "enabled_plugins"),
            ("RABBITMQ_PLUGINS_EXPAND_DIR", "plugins"),
            ("RABBITMQ_FEATURE_FLAGS_FILE", "feature-flags"),
            ("RABBITMQ_GENERATED_CONFIG_DIR", "generated"),
            ("RABBITMQ_PID_FILE", "pid"),
        ] {
            command.env(name, path.join(place));
        }
        command
            .env("LANG", "C.UTF-8")
            .env("RABBITMQ_LOGS", "-")
            .env("RABBITMQ_NODENAME", "keywheel@localhost")
            .env("RABBITMQ_DIST_PORT", distribution_port.to_string())
            .env("ERL_EPMD_PORT", mapper_port.to_string())
            // The script becomes the server, so that it ends by the id that is known.
            .env("RABBITMQ_ALLOW_INPUT", "1")
            .env(
                "RABBITMQ_SERVER_START_ARGS",
                "-noinput -start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
            );
        let launch = Launch { command, run_as: None, end_with: Signal::TERM };
        let log = path.join("log");
        let instance = Instance::start(directory, launch, || match tls {
            None => answers(port, amqp_port),
            // Its banner is not UTF-8.
            Some(_) => fs::read(&log)
                .is_ok_and(|log| String::from_utf8_lossy(&log).contains("Server startup complete")),
        });
        Self { instance, _mapper: mapper, port, amqp_port }
    }

    /// The port of the management API.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port for AMQP.
    pub fn amqp_port(&self) -> u16 {
        self.amqp_port
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        self.instance.directory()
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        self.instance.log()
    }

    /// Ends it in order.
    pub fn stop(&mut self) {
        self.instance.stop();
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        self.instance.kill();
    }

    /// Starts it where it was killed or stopped.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        let (port, amqp_port) = (self.port, self.amqp_port);
        self.instance.start_again(|| answers(port, amqp_port));
    }
}

fn settings(path: &Path, port: u16, amqp_port: u16, tls: Option<&[String; 2]>) -> String {
    let listeners = match tls {
        None => format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp_port}\n\
             management.tcp.ip = 127.0.0.1\n\
             management.tcp.port = {port}\n"
        ),
        Some(files) => encrypted_listeners(path, port, amqp_port, files),
    };
    format!(
        "{listeners}default_user = {}\n\
         default_pass = {}\n\
         log.file = false\n\
         log.console = true\n\
         log.console.level = debug\n",
        Rabbitmq::ADMINISTRATOR,
        Rabbitmq::PASSWORD
    )
}

fn encrypted_listeners(path: &Path, port: u16, amqp_port: u16, files: &[String; 2]) -> String {
    let [certificate, key] = ["server.pem", "server.key"].map(|name| path.join(name));
    for (file, text) in [&certificate, &key].into_iter().zip(files) {
        fs::write(file, text).expect("a file of TLS");
    }
    let (certificate, key) = (certificate.display(), key.display());
    format!(
        "listeners.tcp = none\n\
         listeners.ssl.1 = 127.0.0.1:{amqp_port}\n\
         ssl_options.certfile = {certificate}\n\
         ssl_options.keyfile = {key}\n\
         management.ssl.ip = 127.0.0.1\n\
         management.ssl.port = {port}\n\
         management.ssl.certfile = {certificate}\n\
         management.ssl.keyfile = {key}\n"
    )
}

/// Debian's script in the search path insists on a system user; the one beside the server's files does not.
fn script() -> PathBuf {
    let installed = fs::read_dir("/usr/lib/rabbitmq/lib").into_iter().flatten().flatten();
    let directories: Vec<_> = installed.map(|entry| entry.path().join("sbin")).collect();
    program("rabbitmq-server", PACKAGE, &directories)
}

/// Erlang's port mapper, for this server alone.
fn start_mapper(port: u16) -> Instance {
    let directory: TempDir = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(program("epmd", "erlang-base", &[]));
    command.args(["-port", &port.to_string(), "-address", "127.0.0.1"]);
    let launch = Launch { command, run_as: None, end_with: Signal::TERM };
    Instance::start(directory, launch, || TcpStream::connect(("127.0.0.1", port)).is_ok())
}

/// Whether both of its ports answer as they should.
fn answers(port: u16, amqp_port: u16) -> bool {
    let greeted = |port: u16, greeting: &[u8], expected: &[u8]| {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
        let _waits = stream.set_read_timeout(Some(Duration::from_secs(2)));
        let mut reply = vec![0; expected.len()];
        stream.write_all(greeting).and_then(|()| stream.read_exact(&mut reply)).is_ok() && reply == expected
    };
    // A method's frame; the API wants a login.
    greeted(amqp_port, b"AMQP\0\0\x09\x01", &[1, 0, 0])
        && greeted(port, b"GET /api/whoami HTTP/1.1\r\nHost: localhost\r\n\r\n", b"HTTP/1.1 401")
}
