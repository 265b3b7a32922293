//! Passwords of `PostgreSQL` roles, rotated in place, beside a loop that runs `ALTER ROLE` and logs in.

use std::fs;

use keywheel_testservers::Postgres;
use tokio::runtime::{self, Runtime};
use tokio_postgres::{Client, Config, NoTls, error::SqlState};

use crate::{
    bare,
    inventory::{Kept, Shape, user},
    life,
    measure::{Outcome, Verdict, milliseconds, per_second, words},
    parts::{self, Parts},
    processor::Cost,
};

const ROLES: usize = 500;
const AT_ONCE: [usize; 4] = [1, 4, 16, 64];
const LEAST_RATE: f64 = 0.8;

/// `HashiCorp` Vault's own rotation of static roles on a machine with two cores, whatever the concurrency, and without a
/// login that proves the new password.
const VAULT: f64 = 210.0;

pub(crate) fn run() -> Outcome {
    println!(
        "postgres: {ROLES} roles in place, journal and audit on; each new password is proved by a login, each old one"
    );
    println!(
        "by a login that is refused. The bare loop runs ALTER ROLE and logs in, one role at a time or as many at once."
    );
    let server = server();
    println!(
        "{:>9} {:>12} {:>15} {:>16} {:>10} {:>11}",
        "at once", "keywheel/s", "bare, one/s", "bare, many/s", "to one", "to many"
    );
    let mut best: Option<(f64, Round)> = None;
    for at_once in AT_ONCE {
        let round = Round::of(&server, at_once)?;
        let [ours, one, many] =
            [round.keywheel, round.one, round.many].map(|cost| per_second(ROLES, cost.time));
        println!(
            "{at_once:>9} {ours:>12.0} {one:>15.0} {many:>16.0} {:>10.2} {:>11.2}",
            ours / one,
            ours / many
        );
        if best.as_ref().is_none_or(|(fastest, _)| ours > *fastest) {
            best = Some((ours, round));
        }
    }
    let (rate, round) = best.ok_or("nothing was measured")?;
    let ratio = rate / per_second(ROLES, round.one.time);
    println!("  best, {} at once: {rate:.0} rotations/s", round.at_once);
    println!("  ratio to one at a time   {ratio:>7.2} (at least {LEAST_RATE})");
    println!("  for scale, Vault's static roles, without the login: {VAULT:.0} rotations/s");
    explain(&server, &round)?;
    Ok(if ratio < LEAST_RATE {
        Verdict::Beyond(format!("{ratio:.2} of the bare loop's rate; at least {LEAST_RATE}"))
    } else {
        Verdict::Within
    })
}

/// A server that makes each change durable, as `initdb` sets it up, and that does not write every statement to its log.
fn server() -> Postgres {
    let roles: Vec<_> = (0..ROLES).map(|role| format!("CREATE ROLE \"{}\" LOGIN;\n", user(role))).collect();
    Postgres::prepare()
        .setting("fsync", "on")
        .setting("synchronous_commit", "on")
        .setting("full_page_writes", "on")
        .setting("log_statement", "none")
        .setting("log_min_messages", "fatal")
        .setting("shared_buffers", "128MB")
        .setting("max_connections", "200")
        .sql(&roles.concat())
        .start()
}

/// What was measured with one number of rotations at once.
struct Round {
    at_once: usize,
    keywheel: Cost,
    /// The bare loop, one role at a time: the mean of before and after.
    one: Cost,
    /// The bare loop with as many workers as keywheel has rotations.
    many: Cost,
    parts: Parts,
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
        let shape =
            Shape { secrets: ROLES, tier: "at-once", at_once, target: Some(&target), store: Kept::Files };
        let path = shape.write(base)?;
        life::fill_store(base, ROLES, |role| old_value(role).into_bytes())?;
        let keywheel = Cost::of(server.id(), || life::of_all(&path).map(|life| life.time))?;
        let mut worker = Worker::enter(server.port())?;
        for role in (0..ROLES).step_by(10) {
            if !worker.logs_in(role, &life::stored(base, role)?)? || worker.logs_in(role, &old_value(role))? {
                return Err(format!(
                    "role {role} refuses the value that the store has, or accepts the old one"
                ));
            }
        }
        let parts = parts::measure(&path, base)?;
        let one = before.mean(rotate(server, 1)?);
        Ok(Self { at_once, keywheel, one, many, parts })
    }
}

/// Where the time goes.
fn explain(server: &Postgres, round: &Round) -> Outcome<()> {
    let mut worker = [Worker::enter(server.port())?];
    rotate(server, 1)?;
    let change = bare::each(&mut worker, ROLES, Worker::change)?;
    let login = bare::each(&mut worker, ROLES, Worker::must_log_in)?;
    let refused = bare::each(&mut worker, ROLES, |worker, role| {
        if worker.logs_in(role, "another value")? {
            Err("a login was not refused".to_owned())
        } else {
            Ok(())
        }
    })?;
    println!("  each part by itself (in the run they overlap):");
    for (what, time) in [
        ("ALTER ROLE, one at a time", change),
        ("accepted logins, one at a time", login),
        ("refused logins, one at a time; the bare loop has none", refused),
        ("journal: its records and leases", round.parts.journal),
        ("audit: its lines, hashes and MACs", round.parts.audit),
    ] {
        println!("    {:>7.0} ms  {what}", milliseconds(time));
    }
    println!("  processor time, which other work on the machine changes less:");
    for (what, cost) in [("keywheel", round.keywheel), ("bare, one", round.one), ("bare, many", round.many)] {
        println!(
            "    {what:<10} {:>7.0} ms, the server {:>6.0} ms, on the clock {:>6.0} ms",
            milliseconds(cost.here),
            milliseconds(cost.server),
            milliseconds(cost.time)
        );
    }
    Ok(())
}

fn old_value(role: usize) -> String {
    format!("{role:032}")
}

/// The bare loop: every role once.
fn rotate(server: &Postgres, workers: usize) -> Outcome<Cost> {
    let mut workers = (0..workers).map(|_| Worker::enter(server.port())).collect::<Outcome<Vec<_>>>()?;
    Cost::of(server.id(), || {
        bare::each(&mut workers, ROLES, |worker, role| {
            worker.change(role)?;
            worker.must_log_in(role)
        })
    })
}

/// What one thread of the bare loop has: an administrator's session.
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

    fn must_log_in(&mut self, role: usize) -> Outcome<()> {
        if self.logs_in(role, &old_value(role))? { Ok(()) } else { Err("a login was refused".to_owned()) }
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
