//! What a rotation costs besides its statement and its login.

use std::time::Duration;

use keywheel_core::{provider::Target, rotator::Probe};
use keywheel_testservers::{Postgres, Stopwatch};
use tokio_postgres::{Client, Config, NoTls};

use crate::scene::{ADMINISTRATOR, Scene, owned};

const ROLES: usize = 500;

fn config(port: u16, role: &str, password: &str) -> Config {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).dbname("postgres").user(role).password(password);
    config
}

/// One statement and one login, as a script would do it.
async fn bare(administrator: &Client, port: u16, role: &str) -> Duration {
    let watch = Stopwatch::start();
    administrator.batch_execute(&format!("ALTER ROLE {role} PASSWORD 'value-one'")).await.unwrap();
    let (client, connection) = config(port, role, "value-one").connect(NoTls).await.unwrap();
    drop(client);
    connection.await.unwrap();
    watch.elapsed()
}

async fn rotated(scene: &Scene, target: &dyn Target, role: &str) -> Duration {
    let new = owned(role, "value-two");
    let watch = Stopwatch::start();
    let rotator = target.rotator(Some(&role.into()));
    rotator.apply(&scene.unhurried(), new.lend(), None).await.unwrap();
    assert_eq!(rotator.probe(new.lend()).await.unwrap(), Probe::Accepted);
    watch.elapsed()
}

/// The two take turns role by role, so that whatever else the machine does slows down both.
///
/// `cargo test -p keywheel-provider-postgres --release -- --ignored --nocapture speed`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures: it wants a machine of its own"]
async fn changing_many_roles_costs_little_more_than_statements_and_logins() {
    let create: Vec<_> = (0..ROLES).map(|role| format!("CREATE ROLE app{role} LOGIN;\n")).collect();
    let server = Postgres::prepare().sql(&create.concat()).start();
    let port = server.port();
    let scene = Scene::new();
    let text = format!("port: {port}\nstrategy: in-place\n{ADMINISTRATOR}");
    let target = scene.target(&text).unwrap();
    let (administrator, connection) =
        config(port, "postgres", Postgres::PASSWORD).connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let (mut theirs, mut ours) = (Duration::ZERO, Duration::ZERO);
    for role in 0..ROLES {
        let role = format!("app{role}");
        theirs += bare(&administrator, port, &role).await;
        ours += rotated(&scene, &*target, &role).await;
    }
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    println!("{ROLES} roles: bare {theirs:?}, keywheel {ours:?}: {ratio:.2} of the bare loop's speed");
    assert!(ratio >= 0.8, "{ratio}");
}
