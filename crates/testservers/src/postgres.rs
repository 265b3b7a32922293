//! Private `PostgreSQL` servers.

use std::{
    env, fs,
    io::Write,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rustix::process::Signal;

use crate::{
    instance::{Instance, Launch},
    patience::until,
    port::free_port,
    program::program,
};

const PACKAGE: &str = "postgresql";

/// Where Debian keeps them, the newest first.
const DIRECTORIES: [&str; 4] = [
    "/usr/lib/postgresql/18/bin",
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/15/bin",
];

/// Who it runs as if the test runs as root, which `PostgreSQL` refuses: nobody.
const NOBODY: u32 = 65534;

/// Whoever reaches the socket in the server's directory is the test; over TCP a password is asked for.
const RULES: &str = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";

/// A running server with the superuser `postgres`, its directory and its log. Every statement is logged.
pub struct Postgres {
    instance: Instance,
    port: u16,
}

/// What a server is started with.
pub struct PostgresLaunch {
    settings: Vec<(String, String)>,
    files: Vec<(String, String)>,
    rules: String,
    statements: String,
    standby: bool,
}

impl Postgres {
    /// The password of the superuser `postgres` over TCP.
    pub const PASSWORD: &str = "keywheel-test-administrator";

    /// Starts a server as `initdb` makes it.
    pub fn start() -> Self {
        Self::prepare().start()
    }

    /// A server that differs from what `initdb` makes.
    pub fn prepare() -> PostgresLaunch {
        PostgresLaunch {
            settings: Vec::new(),
            files: Vec::new(),
            rules: RULES.to_owned(),
            statements: String::new(),
            standby: false,
        }
    }

    /// The port of the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its directory; the data is in `data`.
    pub fn directory(&self) -> &Path {
        self.instance.directory()
    }

    /// The id of its first process, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.instance.id()
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        self.instance.log()
    }

    /// Has the superuser run `statements`, and gives what they return: columns separated by `|`, a line for each row.
    ///
    /// # Panics
    /// When one of them fails.
    pub fn sql(&self, statements: &str) -> String {
        self.sql_as("postgres", statements)
    }

    /// Has `role` run `statements` as if it had logged in.
    ///
    /// # Panics
    /// When one of them fails.
    pub fn sql_as(&self, role: &str, statements: &str) -> String {
        let mut child = self.psql(role).spawn().expect("psql starts");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(statements.as_bytes()).expect("psql reads");
        drop(input);
        let output = child.wait_with_output().expect("psql ends");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{statements}: {errors}");
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    /// A `psql` of `role` that reads statements from its input: a session that goes on for as long as it is kept.
    pub fn psql(&self, role: &str) -> Command {
        let mut command = Command::new(binary("psql"));
        command
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-h"])
            .arg(self.directory())
            .args(["-p", &self.port.to_string(), "-U", role])
            .env_remove("PGOPTIONS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Whether a login over TCP works: what somebody sees who has only this role's name and password.
    ///
    /// # Panics
    /// When it answers neither yes nor no.
    pub fn lets_in(&self, role: &str, password: &str) -> bool {
        let output = Command::new(binary("psql"))
            .args(["-X", "-q", "-d", "postgres", "-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", role])
            .args(["-c", "SELECT 1"])
            .env("PGPASSWORD", password)
            .stdin(Stdio::null())
            .output()
            .expect("psql starts");
        let said = String::from_utf8_lossy(&output.stderr);
        let refused =
            said.contains("password authentication failed") || said.contains("is not permitted to log in");
        assert!(refused || output.status.success(), "it says neither yes nor no: {said}");
        !refused
    }

    /// Puts `rule` before the other lines of `pg_hba.conf`.
    pub fn rule(&self, rule: &str) {
        let path = self.directory().join("data/pg_hba.conf");
        let rules = fs::read_to_string(&path).expect("the rules");
        fs::write(&path, format!("{rule}\n{rules}")).expect("the rules");
        // The postmaster reads them a moment after it was asked to.
        let reloads = || self.log().matches("reloading configuration files").count();
        let before = reloads();
        self.sql("SELECT pg_reload_conf()");
        until("the reload", || (reloads() > before).then_some(()));
    }

    /// Kills it, as a power cut would, and waits until the last of its processes is gone.
    pub fn kill(&mut self) {
        self.instance.kill();
        let data = self.directory().join("data");
        until("the end of its processes", || {
            let processes = fs::read_dir("/proc").expect("processes");
            let alive = processes.flatten().any(|process| {
                fs::read_link(process.path().join("cwd")).is_ok_and(|directory| directory == data)
            });
            (!alive).then_some(())
        });
    }

    /// Starts it where it was killed.
    pub fn start_again(&mut self) {
        let ask = self.ready();
        self.instance.start_again(ask);
    }

    fn ready(&self) -> impl FnMut() -> bool + use<> {
        ready(self.directory(), self.port)
    }
}

impl PostgresLaunch {
    /// A setting of `postgresql.conf`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A file in the data directory that only the server may read.
    #[must_use]
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// Instead of the usual lines of `pg_hba.conf`.
    #[must_use]
    pub fn rules(mut self, rules: &str) -> Self {
        rules.clone_into(&mut self.rules);
        self
    }

    /// What the superuser runs before anybody else is there: with [`PostgresLaunch::standby`] before it becomes one.
    #[must_use]
    pub fn sql(mut self, statements: &str) -> Self {
        self.statements.push_str(statements);
        self.statements.push_str(";\n");
        self
    }

    /// A server that only reads, as a replica does.
    #[must_use]
    pub fn standby(mut self) -> Self {
        self.standby = true;
        self
    }

    /// Starts it.
    pub fn start(self) -> Postgres {
        let directory = tempfile::tempdir().expect("a directory");
        hand_over(directory.path(), 0o700);
        let data = directory.path().join("data");
        copy(&template(), &data);
        fs::write(data.join("pg_hba.conf"), &self.rules).expect("the rules");
        for (name, text) in &self.files {
            fs::write(data.join(name), text).expect("a file");
            hand_over(&data.join(name), 0o600);
        }
        let port = free_port();
        let mut command = Command::new(binary("postgres"));
        command.arg("-D").arg(&data).args(["-p", &port.to_string(), "-k"]).arg(directory.path());
        for (name, value) in self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let answers = ready(directory.path(), port);
        let launch = Launch { command, run_as: run_as(), end_with: Signal::INT };
        let mut server = Postgres { instance: Instance::start(directory, launch, answers), port };
        if !self.statements.is_empty() {
            // Whoever kills the server finds it as it was prepared.
            server.sql(&format!("SET synchronous_commit = on;\n{}", self.statements));
        }
        if self.standby {
            server.instance.stop();
            fs::write(data.join("standby.signal"), "").expect("a file");
            hand_over(&data.join("standby.signal"), 0o600);
            server.start_again();
        }
        server
    }
}

fn ready(directory: &Path, port: u16) -> impl FnMut() -> bool + use<> {
    let mut ask = Command::new(binary("pg_isready"));
    ask.args(["-q", "-p", &port.to_string(), "-h"]).arg(directory);
    move || ask.status().is_ok_and(|status| status.success())
}

fn binary(name: &str) -> PathBuf {
    program(name, PACKAGE, &DIRECTORIES.map(PathBuf::from))
}

fn run_as() -> Option<u32> {
    rustix::process::geteuid().is_root().then_some(NOBODY)
}

fn hand_over(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the directory is ours");
    if let Some(id) = run_as() {
        chown(path, Some(id), Some(id)).expect("root may give things away");
    }
}

/// A data directory as `initdb` leaves it, made once for each build directory: `initdb` takes most of a second.
fn template() -> PathBuf {
    let program = env::current_exe().expect("a running program");
    // Another major version cannot read it.
    let version: String = binary("initdb").to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    let kept = program.parent().expect("a directory").join(format!("postgres-template-{version}"));
    if kept.is_dir() {
        return kept;
    }
    let fresh = tempfile::tempdir().expect("a directory");
    hand_over(fresh.path(), 0o700);
    let data = fresh.path().join("data");
    let mut initdb = Command::new(binary("initdb"));
    initdb
        .args(["--no-sync", "--no-instructions", "--wal-segsize=1", "--username=postgres"])
        .args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--pgdata"])
        .arg(&data)
        .current_dir(fresh.path())
        .env("LC_ALL", "C");
    if let Some(id) = run_as() {
        std::os::unix::process::CommandExt::uid(&mut initdb, id);
    }
    let output = initdb.output().expect("initdb starts");
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
    let settings = "listen_addresses = '127.0.0.1'\nfsync = off\nsynchronous_commit = off\n\
                    full_page_writes = off\nshared_buffers = 16MB\nmax_connections = 60\nlog_statement = all\n\
                    log_min_messages = info\nlog_line_prefix = '%u %a '\n\
                    password_encryption = 'scram-sha-256'\n";
    let file = fs::File::options().append(true).open(data.join("postgresql.conf"));
    file.expect("the settings").write_all(settings.as_bytes()).expect("the settings");
    set_password(&data);
    // Whoever comes first puts it in place; the others find it there.
    let ours = tempfile::tempdir_in(kept.parent().expect("a directory")).expect("a directory");
    copy(&data, &ours.path().join("data"));
    let _first = fs::rename(ours.path().join("data"), &kept);
    kept
}

/// Gives the superuser a password, without a server.
fn set_password(data: &Path) {
    let mut single = Command::new(binary("postgres"));
    single.args(["--single", "-F", "-c", "log_statement=none", "-D"]).arg(data).arg("postgres");
    single.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(id) = run_as() {
        std::os::unix::process::CommandExt::uid(&mut single, id);
    }
    let mut child = single.spawn().expect("postgres starts");
    let statement = format!("ALTER ROLE postgres PASSWORD '{}'\n", Postgres::PASSWORD);
    child.stdin.take().expect("a pipe").write_all(statement.as_bytes()).expect("postgres reads");
    assert!(child.wait().expect("postgres ends").success(), "the superuser has no password");
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").args(["-a", "--reflink=auto"]).arg(from).arg(to).status();
    assert!(done.is_ok_and(|status| status.success()), "cp fails: {} to {}", from.display(), to.display());
}
