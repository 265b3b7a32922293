//! Passwords of `PostgreSQL` roles, rotated in place, beside a loop that runs `ALTER ROLE` and logs in.

use std::{fs, time::Duration};

use keywheel_testservers::Postgres;
use tokio::runtime::{self, Runtime};
use tokio_postgres::{Client, Config, NoTls, error::SqlState};

use crate::{
    bare,
    inventory::{Shape, user},
    life::{self, Life},
    measure::{Outcome, Verdict, milliseconds, per_second, words},
    parts,
};

const ROLES: usize = 500;
const AT_ONCE: [usize; 6] = [1, 4, 8, 16, 32, 64];
const LEAST_RATE: f64 = 0.8;

/// `HashiCorp` Vault's own rotation of static roles, on a machine of this size, without a login that proves the new
/// password.
const VAULT: f64 = 210.0;

pub(crate) fn run() -> Outcome {
    println!(
        "postgres: {ROLES} roles in place, journal and audit on, each new password proved by a login, and each old"
    );
    println!("one by a login that is refused; the bare loop runs ALTER ROLE and logs in, and nothing else");
    let server = server();
    println!(
        "{:>8} {:>12} {:>14} {:>14} {:>12} {:>12}",
        "at once", "keywheel/s", "bare, one/s", "bare, many/s", "ratio, one", "ratio, many"
    );
    let mut best: Option<(f64, Round)> = None;
    for at_once in AT_ONCE {
        let round = Round::of(&server, at_once)?;
        let rate = |time| per_second(ROLES, time);
        let (ours, one, many) = (rate(round.keywheel.time), rate(round.one), rate(round.many));
        println!(
            "{at_once:>8} {ours:>12.0} {one:>14.0} {many:>14.0} {:>12.2} {:>12.2}",
            ours / one,
            ours / many
        );
        if best.as_ref().is_none_or(|(fastest, _)| ours > *fastest) {
            best = Some((ours, round));
        }
    }
    let (rate, round) = best.ok_or("nothing was measured")?;
    let ratio = rate / per_second(ROLES, round.one);
    println!(
        "  best: {rate:.0} rotations/s, {} at once: {ratio:.2} of the loop that does one at a time",
        round.at_once
    );
    println!(
        "  (at least {LEAST_RATE}); for scale, Vault's static roles: {VAULT:.0}/s, one at a time and without the login"
    );
    explain(&server, &round)?;
    Ok(if ratio < LEAST_RATE {
        Verdict::Beyond(format!("{ratio:.2} of the bare loop's rate; at least {LEAST_RATE}"))
    } else {
        Verdict::Within
    })
}

/// A server that makes each change durable, as `initdb` sets it up, and that does not write every statement to its log.
fn server() -> Postgres {
    let roles: String = (0..ROLES).map(|role| format!("CREATE ROLE \"{}\" LOGIN;\n", user(role))).collect();
    Postgres::prepare()
        .setting("fsync", "on")
        .setting("synchronous_commit", "on")
        .setting("full_page_writes", "on")
        .setting("log_statement", "none")
        .setting("log_min_messages", "fatal")
        .setting("shared_buffers", "128MB")
        .setting("max_connections", "200")
        .sql(&roles)
        .start()
}

/// What was measured with one number of rotations at once.
struct Round {
    at_once: usize,
    keywheel: Life,
    /// The bare loop, one role at a time: before and after keywheel.
    one: Duration,
    /// The bare loop with as many workers as keywheel has rotations.
    many: Duration,
    records: usize,
    journal: Duration,
    audit: Duration,
}

impl Round {
    fn of(server: &Postgres, at_once: usize) -> Outcome<Self> {
        let many = rotate(server, at_once)?;
        let before = rotate(server, 1)?;
        let directory = tempfile::tempdir_in(".").map_err(words)?;
        let base = directory.path();
        fs::write(base.join("administrator"), Postgres::PASSWORD).map_err(words)?;
        let target = format!(
            "postgres: {{ port: {}, strategy: in-place, login: {{ user: postgres, password: 'file:administrator' }} }}",
            server.port()
        );
        let shape = Shape { secrets: ROLES, tier: "at-once", at_once, target: Some(&target) };
        let path = shape.write(base)?;
        life::fill_store(base, ROLES, |role| old_value(role).into_bytes())?;
        let keywheel = life::of_all(&path)?;
        let mut worker = Worker::enter(server.port())?;
        for role in (0..ROLES).step_by(10) {
            if !worker.logs_in(role, &life::stored(base, role)?)? || worker.logs_in(role, &old_value(role))? {
                return Err(format!(
                    "role {role} does not accept the value that the store has, or still the old one"
                ));
            }
        }
        let parts = parts::measure(&path, base)?;
        let after = rotate(server, 1)?;
        Ok(Self {
            at_once,
            keywheel,
            one: (before + after) / 2,
            many,
            records: parts.records,
            journal: parts.journal,
            audit: parts.audit,
        })
    }
}

/// Where the time goes: each part by itself, one at a time.
fn explain(server: &Postgres, round: &Round) -> Outcome<()> {
    let mut worker = [Worker::enter(server.port())?];
    rotate(server, 1)?;
    let change = bare::each(&mut worker, ROLES, |worker, role| worker.change(role))?;
    let login =
        bare::each(&mut worker, ROLES, |worker, role| match worker.logs_in(role, &old_value(role))? {
            true => Ok(()),
            false => Err("a login was refused".to_owned()),
        })?;
    let refused =
        bare::each(&mut worker, ROLES, |worker, role| match worker.logs_in(role, "another value")? {
            true => Err("a login was not refused".to_owned()),
            false => Ok(()),
        })?;
    println!("  where the rest goes, each measured by itself, one at a time (in the run they overlap):");
    println!(
        "    ALTER ROLE {:>7.0} ms, an accepted login {:.0} ms, a refused login (which the bare loop leaves out) {:.0} ms",
        milliseconds(change),
        milliseconds(login),
        milliseconds(refused)
    );
    println!(
        "    journal    {:>7.0} ms for {} records and as many leases taken and given back as roles",
        milliseconds(round.journal),
        round.records
    );
    println!("    audit      {:>7.0} ms for its lines, hashes and MACs", milliseconds(round.audit));
    println!(
        "    processor time of keywheel's run: {:.0} ms, on the clock {:.0} ms",
        milliseconds(round.keywheel.processor),
        milliseconds(round.keywheel.time)
    );
    Ok(())
}

fn old_value(role: usize) -> String {
    format!("{role:032}")
}

/// The bare loop: every role once.
fn rotate(server: &Postgres, workers: usize) -> Outcome<Duration> {
    let mut workers = (0..workers).map(|_| Worker::enter(server.port())).collect::<Outcome<Vec<_>>>()?;
    bare::each(&mut workers, ROLES, |worker, role| {
        worker.change(role)?;
        match worker.logs_in(role, &old_value(role))? {
            true => Ok(()),
            false => Err("a login with the new password was refused".to_owned()),
        }
    })
}

/// A thread of its own, with the administrator's session.
struct Worker {
    runtime: Runtime,
    administrator: Client,
    port: u16,
}

impl Worker {
    fn enter(port: u16) -> Outcome<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(words)?;
        let login = login(port, "postgres", Postgres::PASSWORD);
        let (administrator, connection) = runtime.block_on(login.connect(NoTls)).map_err(words)?;
        runtime.spawn(connection);
        Ok(Self { runtime, administrator, port })
    }

    fn change(&mut self, role: usize) -> Outcome<()> {
        let statement = format!("ALTER ROLE \"{}\" PASSWORD '{}'", user(role), old_value(role));
        self.runtime.block_on(self.administrator.batch_execute(&statement)).map_err(words)
    }

    fn logs_in(&mut self, role: usize, value: &str) -> Outcome<bool> {
        let login = login(self.port, &user(role), value);
        self.runtime.block_on(async {
            match login.connect(NoTls).await {
                Ok((client, connection)) => {
                    drop(client);
                    connection.await.map_err(words)?;
                    Ok(true)
                }
                Err(error) if error.code() == Some(&SqlState::INVALID_PASSWORD) => Ok(false),
                Err(error) => Err(words(error)),
            }
        })
    }
}

fn login(port: u16, role: &str, value: &str) -> Config {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).dbname("postgres").user(role).password(value);
    config
}
