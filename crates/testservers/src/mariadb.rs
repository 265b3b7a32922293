//! `MariaDB`.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
    time::Duration,
};

use rustix::process::{Signal, geteuid};
use tempfile::TempDir;

use crate::{
    instance::{Instance, Launch},
    port::free_port,
    program::program,
};

const PACKAGE: &str = "mariadb-server";

/// The account that may do everything, over TCP with its password.
const ADMIN: &str = "keeper";

/// Small files: they are made once and copied for each server.
const SIZES: [&str; 2] = ["--innodb-log-file-size=8M", "--innodb-buffer-pool-size=24M"];

/// The data directory of a server that was never started. It takes seconds to make, and tests are many processes: it is kept
/// beside the tests' own programs, for as long as those are.
static TEMPLATE: LazyLock<PathBuf> = LazyLock::new(|| {
    let server = program("mariadbd", PACKAGE, &[]);
    let version = Command::new(server).arg("--version").output().expect("the program can be started");
    let version: String =
        String::from_utf8_lossy(&version.stdout).chars().filter(char::is_ascii_alphanumeric).collect();
    let tests = std::env::current_exe().expect("a program");
    let beside = tests.parent().expect("a directory");
    let kept = beside.join(format!("mariadb-{}-{version}", geteuid().as_raw()));
    if !kept.is_dir() {
        let made = make_template(beside);
        // Somebody else may have been faster.
        let _kept = fs::rename(made.path().join("data"), &kept);
    }
    kept
});

fn make_template(beside: &Path) -> TempDir {
    let directory = TempDir::new_in(beside).expect("a directory");
    let made = Command::new(program("mariadb-install-db", PACKAGE, &[]))
        .arg("--no-defaults")
        .args(SIZES)
        .args(["--skip-test-db", "--skip-name-resolve", "--auth-root-authentication-method=socket"])
        .args(as_root().map(|()| "--user=root"))
        .arg(format!("--auth-root-socket-user={}", user()))
        .arg(format!("--datadir={}", directory.path().join("data").display()))
        // Two that are made at once must not clear away each other's temporary tables.
        .env("TMPDIR", directory.path())
        .stdin(Stdio::null())
        .output()
        .expect("the program can be started");
    assert!(made.status.success(), "mariadb-install-db: {}", String::from_utf8_lossy(&made.stderr));
    directory
}

/// A private server with a directory, a socket and a port of its own. `root` is let in over the socket only.
pub struct Mariadb {
    instance: Instance,
    port: u16,
    password: String,
}

impl Mariadb {
    /// A server without peculiarities.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server with further options, `--read-only=1`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_with(options: &[&str]) -> Self {
        let directory = TempDir::new().expect("a directory");
        let data = directory.path().join("data");
        copy(&TEMPLATE, &data);
        let port = free_port();
        // Known to this process and to a file of its own directory.
        let password = format!("keeper-{}-{port}", directory.path().display());
        let first = directory.path().join("first.sql");
        let account = format!("'{ADMIN}'@'127.0.0.1'");
        let script = format!(
            "CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{password}';\nGRANT ALL ON *.* TO {account} WITH GRANT OPTION;\n"
        );
        fs::write(&first, script).expect("a script");
        let socket = directory.path().join("socket");
        let mut command = Command::new(program("mariadbd", PACKAGE, &[]));
        command
            .arg("--no-defaults")
            .args(SIZES)
            .args(as_root().map(|()| "--user=root"))
            .args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin"])
            .args(["--innodb-fast-shutdown=2", "--innodb-flush-log-at-trx-commit=2", "--thread-cache-size=4"])
            .arg(format!("--port={port}"))
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--tmpdir={}", directory.path().display()))
            .arg(format!("--socket={}", socket.display()))
            .arg(format!("--pid-file={}", directory.path().join("pid").display()))
            .arg(format!("--init-file={}", first.display()))
            .args(options);
        let launch = Launch { command, run_as: None, end_with: Signal::TERM };
        let instance = Instance::start(directory, launch, || greets(&socket));
        Self { instance, port, password }
    }

    /// The port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Name and password of an account that may do everything.
    pub fn admin(&self) -> (&'static str, &str) {
        (ADMIN, &self.password)
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        self.instance.directory()
    }

    /// What the server's own client prints for `sql`, as root: a line for each row, tabs between columns.
    ///
    /// # Panics
    /// When the server refuses it.
    pub fn sql(&self, sql: &str) -> String {
        self.try_sql(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// As [`Mariadb::sql`].
    ///
    /// # Errors
    /// What the client printed when the server refused it.
    pub fn try_sql(&self, sql: &str) -> Result<String, String> {
        let mut client = Command::new(program("mariadb", "mariadb-client", &[]))
            .args(["--no-defaults", "--batch", "--skip-column-names", "--default-character-set=utf8mb4"])
            .arg(format!("--user={}", user()))
            .arg(format!("--socket={}", self.socket().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let mut input = client.stdin.take().expect("a pipe");
        input.write_all(sql.as_bytes()).expect("the client reads");
        drop(input);
        let output = client.wait_with_output().expect("the client ends");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Whether a login over TCP works: what somebody sees who has only this account's name and password.
    ///
    /// # Panics
    /// When it answers neither yes nor no.
    pub fn lets_in(&self, user: &str, password: &str) -> bool {
        let output = Command::new(program("mariadb", "mariadb-client", &[]))
            .args(["--no-defaults", "--host=127.0.0.1", "--protocol=tcp", "--execute=SELECT 1"])
            .arg(format!("--port={}", self.port))
            .arg(format!("--user={user}"))
            .env("MYSQL_PWD", password)
            .stdin(Stdio::null())
            .output()
            .expect("the program can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        let refused = ["ERROR 1045", "ERROR 4151"].iter().any(|code| said.contains(code));
        assert!(refused || output.status.success(), "it says neither yes nor no: {said}");
        !refused
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        self.instance.log()
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        self.instance.kill();
    }

    /// Has it end in order.
    pub fn stop(&mut self) {
        self.instance.stop();
    }

    /// Starts it where it was killed or stopped.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        let socket = self.socket();
        self.instance.start_again(|| greets(&socket));
    }

    fn socket(&self) -> PathBuf {
        self.instance.directory().join("socket")
    }
}

fn as_root() -> Option<()> {
    geteuid().is_root().then_some(())
}

/// Whom the socket lets in as root: whoever runs this. `root@localhost` has the name of the one that made it.
fn user() -> String {
    if geteuid().is_root() {
        return "root".to_owned();
    }
    let output = Command::new("id").arg("-un").output().expect("`id` can be started");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Whether the server greets: it does when it takes logins.
fn greets(socket: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else { return false };
    let _without = stream.set_read_timeout(Some(Duration::from_secs(5)));
    stream.read_exact(&mut [0; 5]).is_ok()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
