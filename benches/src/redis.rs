//! Passwords of Redis users, rotated in place, beside loops that run `ACL SETUSER` and log in.

use std::{fs, time::Duration};

use keywheel_testservers::{Redis, RedisSetup};
use redis::{
    Client, Connection, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, cmd,
};

use crate::{
    bare,
    inventory::{Shape, user},
    life::{self, Life},
    measure::{Outcome, Verdict, milliseconds, per_second, words},
    parts::{self, Parts},
};

const USERS: usize = 5_000;
const AT_ONCE: [usize; 4] = [16, 64, 128, 256];
/// A save writes every user: with a save for each change the loop is measured for fewer of them.
const SAVED: usize = 500;
const LEAST_RATE: f64 = 0.8;

pub(crate) fn run() -> Outcome {
    let server = Redis::start(RedisSetup {
        users: (0..USERS)
            .map(|number| format!("{} on >{} ~* &* +@all", user(number), old_value(number)))
            .collect(),
        ..RedisSetup::default()
    });
    println!("redis: {USERS} users");
    for at_once in AT_ONCE {
        let before = rotate(&server, 1, USERS, false)?;
        let (life, parts) = keywheel(&server, at_once)?;
        let after = rotate(&server, 1, USERS, false)?;
        let many = rotate(&server, 8, USERS, false)?;
        let saved = rotate(&server, 1, SAVED, true)?;
        println!(
            "{at_once}: keywheel {:.0}/s cpu {:.0} of {:.0} ms; bare one {:.0}/s, 8: {:.0}/s, saved {:.0}/s; journal {:.0} ms audit {:.0} ms",
            per_second(USERS, life.time),
            milliseconds(life.processor),
            milliseconds(life.time),
            per_second(USERS, (before + after) / 2),
            per_second(USERS, many),
            per_second(SAVED, saved),
            milliseconds(parts.journal),
            milliseconds(parts.audit)
        );
    }
    Ok(Verdict::Measured)
}

fn keywheel(server: &Redis, at_once: usize) -> Outcome<(Life, Parts)> {
    let directory = tempfile::tempdir_in(".").map_err(words)?;
    let base = directory.path();
    fs::write(base.join("administrator"), Redis::PASSWORD).map_err(words)?;
    let target = format!(
        "redis: {{ host: 127.0.0.1, port: {}, strategy: in-place, login: {{ user: admin, password: 'file:administrator' }} }}",
        server.port()
    );
    let shape = Shape { secrets: USERS, tier: "at-once", at_once, target: Some(&target) };
    let path = shape.write(base)?;
    life::fill_store(base, USERS, |number| old_value(number).into_bytes())?;
    let life = life::of_all(&path)?;
    for number in (0..USERS).step_by(10) {
        let port = server.port();
        if !logs_in(port, &user(number), &life::stored(base, number)?)?
            || logs_in(port, &user(number), &old_value(number))?
        {
            return Err(format!(
                "user {number} does not accept the value that the store has, or still the old one"
            ));
        }
    }
    Ok((life, parts::measure(&path, base)?))
}

fn old_value(number: usize) -> String {
    format!("{number:032}")
}

fn rotate(server: &Redis, workers: usize, count: usize, save: bool) -> Outcome<Duration> {
    let port = server.port();
    let mut workers =
        (0..workers).map(|_| connect(port, "admin", Redis::PASSWORD)).collect::<Outcome<Vec<_>>>()?;
    bare::each(&mut workers, count, |administrator, number| {
        let mut change = cmd("ACL");
        change.arg("SETUSER").arg(user(number)).arg("resetpass").arg(format!(">{}", old_value(number)));
        change.exec(administrator).map_err(words)?;
        if save {
            cmd("ACL").arg("SAVE").exec(administrator).map_err(words)?;
        }
        connect(port, &user(number), &old_value(number)).map(drop)
    })
}

fn client(port: u16, user: &str, password: &str) -> Outcome<Client> {
    let settings =
        RedisConnectionInfo::default().set_skip_set_lib_name().set_username(user).set_password(password);
    let address = ConnectionAddr::Tcp("127.0.0.1".to_owned(), port);
    let info: ConnectionInfo = address.into_connection_info().map_err(words)?.set_redis_settings(settings);
    Client::open(info).map_err(words)
}

fn connect(port: u16, user: &str, password: &str) -> Outcome<Connection> {
    client(port, user, password)?.get_connection().map_err(words)
}

fn logs_in(port: u16, user: &str, password: &str) -> Outcome<bool> {
    match client(port, user, password)?.get_connection() {
        Ok(_) => Ok(true),
        Err(error) if format!("{error:?}").contains("WRONGPASS") => Ok(false),
        Err(error) => Err(words(error)),
    }
}
