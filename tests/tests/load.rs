//! An application whose pools are under load while its credentials rotate: not one request fails.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use keywheel_tests::{Scene, Stopwatch, pause, program, until};
use keywheel_testservers::{Postgres, Redis, RedisSetup};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// How often both credentials are rotated, unless `KEYWHEEL_LOAD_ROUNDS` says otherwise.
const ROUNDS: u64 = 50;

const USER: &str = "app";

/// The application, ended when this is dropped.
struct Application(Child);

impl Application {
    fn start(scene: &Scene) -> Self {
        let child = Command::new(program("test-database-app"))
            .args(["secrets/postgres", "secrets/redis"])
            .current_dir(scene.path())
            .stdin(Stdio::null())
            .spawn()
            .expect("the application starts");
        let application = Self(child);
        until("the application", || scene.path().join("run/app.pid").exists().then_some(()));
        application
    }

    /// Ends it, and reads what it says.
    fn report(mut self, scene: &Scene) -> Value {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, Signal::TERM).expect("it runs");
        assert!(self.0.wait().expect("it ends").success());
        serde_json::from_slice(&scene.read("run/report.json")).expect("JSON")
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

fn scene(postgres: &Postgres, redis: &Redis) -> Scene {
    let scene = Scene::empty();
    std::fs::create_dir(scene.path().join("secrets")).expect("a directory");
    scene.write("postgres-admin", Postgres::PASSWORD);
    scene.write("redis-admin", Redis::PASSWORD);
    for (name, port) in [("postgres", postgres.port()), ("redis", redis.port())] {
        let document = json!({
            "engine": name, "host": "127.0.0.1", "port": port, "username": USER, "password": Scene::OLD,
        });
        scene.write(&format!("secrets/{name}"), document.to_string());
    }
    postgres.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{}'", Scene::OLD));
    redis.command(&["ACL", "SETUSER", USER, "on", &format!(">{}", Scene::OLD), "~*", "+@all"]);
    scene.write(
        "keywheel.yaml",
        format!(
            "version: 1\n
stores:
  files:
    directory: {{ path: ./secrets }}

rotators:
  postgres:
    postgres:
      host: 127.0.0.1
      port: {}
      strategy: alternating
      login: {{ user: postgres, password: \"file:postgres-admin\" }}
  redis:
    redis:
      host: 127.0.0.1
      port: {}
      login: {{ user: admin, password: \"file:redis-admin\" }}

consumers:
  app:
    signal:
      pid-file: ./run/app.pid
      evidence:
        file: {{ path: ./run/fingerprints.json, pointer: \"/{{secret}}\" }}
    deadline: 30s

defaults: {{ overlap: 0s }}

secrets:
  postgres: {{ generate: password, stores: [files], layout: document, rotator: postgres, identity: {USER}, consumers: [app] }}
  redis: {{ generate: password, stores: [files], layout: document, rotator: redis, identity: {USER}, consumers: [app] }}
",
            postgres.port(),
            redis.port()
        ),
    );
    scene
}

/// A number from the environment: for whoever wants to watch it at leisure.
fn wanted(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().expect("a number"))
}

#[test]
fn under_load_one_hundred_rotations_cost_no_request() {
    let postgres = Postgres::start();
    let redis = Redis::start(RedisSetup::default());
    let scene = scene(&postgres, &redis);
    let application = Application::start(&scene);
    let rounds = wanted("KEYWHEEL_LOAD_ROUNDS", ROUNDS);
    let rest = Duration::from_secs(wanted("KEYWHEEL_LOAD_REST_SECONDS", 0));
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        pause(rest);
        scene.keywheel(&["rotate", "postgres", "redis", "--yes"]).exits(0);
    }
    let elapsed = watch.elapsed();
    scene.is_settled();
    let report = application.report(&scene);
    let served = report["served"].as_array().expect("a list");
    println!(
        "{} rotations in {elapsed:.0?}: {} requests, {} failed, {} credentials served",
        2 * rounds,
        report["requests"],
        report["failed"],
        served.len()
    );
    println!(
        "{:<10} {:<10} {:<16} {:>8} {:>8} {:>9}",
        "server", "user", "fingerprint", "from s", "to s", "requests"
    );
    for row in served {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| row[name].as_f64().unwrap_or_default();
        println!(
            "{:<10} {:<10} {:<16} {:>8.2} {:>8.2} {:>9}",
            text("engine"),
            text("username"),
            text("fingerprint"),
            number("first"),
            number("last"),
            row["requests"].as_u64().unwrap_or_default()
        );
    }
    assert_eq!(report["failed"], 0, "{:#}", report["failures"]);
    assert_eq!(served.len() as u64, 2 * rounds + 2, "each credential served");
    let requests = report["requests"].as_u64().expect("a number");
    assert!(requests > 50 * served.len() as u64, "a load of {requests} requests is none");
    let users: std::collections::BTreeSet<_> = served
        .iter()
        .filter(|served| served["engine"] == "postgres")
        .map(|served| &served["username"])
        .map(Value::to_string)
        .collect();
    assert_eq!(users.len(), 2, "two roles take turns: {users:?}");
}
