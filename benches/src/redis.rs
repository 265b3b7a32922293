//! Passwords of Redis users, rotated in place, beside loops that run `ACL SETUSER` and log in.

use std::fs;

use keywheel_testservers::{Redis, RedisSetup};
use redis::{
    Client, Connection, ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisConnectionInfo, RedisError,
    RedisResult, cmd,
};

use crate::{
    bare, file,
    inventory::{Kept, Shape, user},
    life,
    measure::{Outcome, Verdict, milliseconds, per_second, words},
    parts::{self, Parts},
    processor::Cost,
};

const USERS: usize = 5_000;
const AT_ONCE: [usize; 3] = [16, 64, 256];

/// A save writes every user, so the loop that saves each change does it for some of them only.
const SAVED: usize = 500;
const THREADS: usize = 8;
const LEAST_RATE: f64 = 0.8;

pub(crate) fn run() -> Outcome {
    println!(
        "redis: {USERS} users in place, journal and audit on, saved by the server; each new password is proved by a"
    );
    println!(
        "login, each old one by a login that is refused. The bare loops run ACL SETUSER, and AUTH in a new connection,"
    );
    println!(
        "one user at a time: with an ACL SAVE after each change, without which a restart brings the old password back,"
    );
    println!("and without.");
    let users = (0..USERS).map(|number| format!("{} on >{} ~* &* +@all", user(number), old_value(number)));
    let server = Redis::start(RedisSetup { users: users.collect(), ..RedisSetup::default() });
    println!(
        "{:>9} {:>12} {:>15} {:>17} {:>10} {:>11}",
        "at once", "keywheel/s", "bare, saved/s", "bare, unsaved/s", "to saved", "to unsaved"
    );
    let mut best: Option<(f64, Round)> = None;
    for at_once in AT_ONCE {
        let round = Round::of(&server, at_once)?;
        let ours = per_second(USERS, round.keywheel.time);
        let (saved, unsaved) = (per_second(SAVED, round.saved.time), per_second(USERS, round.unsaved.time));
        println!(
            "{at_once:>9} {ours:>12.0} {saved:>15.0} {unsaved:>17.0} {:>10.2} {:>11.2}",
            ours / saved,
            ours / unsaved
        );
        if best.as_ref().is_none_or(|(fastest, _)| ours > *fastest) {
            best = Some((ours, round));
        }
    }
    let (rate, round) = best.ok_or("nothing was measured")?;
    let ratio = rate / per_second(SAVED, round.saved.time);
    println!("  best, {} at once: {rate:.0} rotations/s", round.at_once);
    println!("  ratio to the loop whose changes survive a restart {ratio:>7.2} (at least {LEAST_RATE})");
    explain(&server, &round)?;
    Ok(if ratio < LEAST_RATE {
        Verdict::Beyond(format!("{ratio:.2} of the bare loop's rate; at least {LEAST_RATE}"))
    } else {
        Verdict::Within
    })
}

/// What was measured with one number of rotations at once.
struct Round {
    at_once: usize,
    keywheel: Cost,
    /// The bare loop that saves each change, over the first [`SAVED`] users: the mean of before and after.
    saved: Cost,
    /// The bare loop that does not: likewise.
    unsaved: Cost,
    /// What the server was asked, as it counts it.
    asked: String,
    parts: Parts,
}

impl Round {
    fn of(server: &Redis, at_once: usize) -> Outcome<Self> {
        let directory = tempfile::tempdir_in(".").map_err(words)?;
        let base = directory.path();
        fs::write(base.join("administrator"), Redis::PASSWORD).map_err(words)?;
        let login = "login: { user: admin, password: 'file:administrator' }";
        let target =
            format!("redis: {{ host: 127.0.0.1, port: {}, strategy: in-place, {login} }}", server.port());
        let shape =
            Shape { secrets: USERS, tier: "at-once", at_once, target: Some(&target), store: Kept::Files };
        let path = shape.write(base)?;
        life::fill_store(base, USERS, |number| old_value(number).into_bytes())?;
        let saved = rotate(server, 1, SAVED, true)?;
        let unsaved = rotate(server, 1, USERS, false)?;
        server.command(&["CONFIG", "RESETSTAT"]);
        let keywheel = Cost::of(server.id(), || life::of_all(&path).map(|life| life.time))?;
        let asked = asked(server);
        for number in (0..USERS).step_by(10) {
            let accepts = |value: &str| logs_in(server.port(), &user(number), value);
            if !accepts(&life::stored(base, number)?)? || accepts(&old_value(number))? {
                return Err(format!(
                    "user {number} refuses the value that the store has, or accepts the old one"
                ));
            }
        }
        let parts = parts::measure(&path, base)?;
        let unsaved = unsaved.mean(rotate(server, 1, USERS, false)?);
        let saved = saved.mean(rotate(server, 1, SAVED, true)?);
        Ok(Self { at_once, keywheel, saved, unsaved, asked, parts })
    }
}

/// How often the server was asked what.
fn asked(server: &Redis) -> String {
    let statistics = server.command(&["INFO", "commandstats"]);
    let counts = statistics.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let (calls, _) = rest.split_once(',')?;
        (name != "config|resetstat").then(|| format!("{calls} {}", name.replace('|', " ")))
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// Where the time goes.
fn explain(server: &Redis, round: &Round) -> Outcome<()> {
    let threaded = rotate(server, THREADS, USERS, false)?;
    let files = file::bare(file::THREADS, USERS)?;
    println!("  each part by itself (in the run they overlap):");
    for (what, time) in [
        ("the unsaved loop", round.unsaved.time),
        ("the unsaved loop with 8 threads", threaded.time),
        ("the store's files: 8 fsyncs each, with 8 threads", files),
        ("journal: its records and leases", round.parts.journal),
        ("audit: its lines, hashes and MACs", round.parts.audit),
    ] {
        println!("    {:>7.0} ms  {what}", milliseconds(time));
    }
    println!("  the server was asked: {}", round.asked);
    println!("  processor time, which other work on the machine changes less:");
    for (what, count, cost) in [
        ("keywheel", USERS, round.keywheel),
        ("bare, saved", SAVED, round.saved),
        ("bare, unsaved", USERS, round.unsaved),
    ] {
        println!(
            "    {what:<13} {count:>5} users {:>7.0} ms, the server {:>6.0} ms, on the clock {:>6.0} ms",
            milliseconds(cost.here),
            milliseconds(cost.server),
            milliseconds(cost.time)
        );
    }
    Ok(())
}

fn old_value(number: usize) -> String {
    format!("{number:032}")
}

/// The bare loop over the first `count` users.
fn rotate(server: &Redis, workers: usize, count: usize, save: bool) -> Outcome<Cost> {
    let port = server.port();
    let enter = || connect(port, "admin", Redis::PASSWORD).map_err(words);
    let mut workers = (0..workers).map(|_| enter()).collect::<Outcome<Vec<_>>>()?;
    Cost::of(server.id(), || {
        bare::each(&mut workers, count, |administrator, number| {
            let mut change = cmd("ACL");
            change.arg("SETUSER").arg(user(number)).arg("resetpass").arg(format!(">{}", old_value(number)));
            change.exec(administrator).map_err(words)?;
            if save {
                cmd("ACL").arg("SAVE").exec(administrator).map_err(words)?;
            }
            connect(port, &user(number), &old_value(number)).map(drop).map_err(words)
        })
    })
}

fn connect(port: u16, user: &str, password: &str) -> RedisResult<Connection> {
    let login =
        RedisConnectionInfo::default().set_skip_set_lib_name().set_username(user).set_password(password);
    let address = ConnectionAddr::Tcp("127.0.0.1".to_owned(), port);
    Client::open(address.into_connection_info()?.set_redis_settings(login))?.get_connection()
}

fn logs_in(port: u16, user: &str, password: &str) -> Outcome<bool> {
    let refused = |error: &RedisError| error.kind() == ErrorKind::AuthenticationFailed;
    match connect(port, user, password) {
        Ok(_) => Ok(true),
        Err(error) if refused(&error) => Ok(false),
        Err(error) => Err(words(error)),
    }
}
