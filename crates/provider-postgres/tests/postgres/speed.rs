//! What a rotation costs besides its statement and its login.

use std::time::Duration;

use keywheel_core::rotator::Probe;
use keywheel_testservers::{Postgres, Stopwatch};
use tokio_postgres::{Config, NoTls};

use crate::scene::{Scene, owned};

const ROLES: usize = 500;

fn config(port: u16, role: &str, password: &str) -> Config {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).dbname("postgres").user(role).password(password);
    config
}

/// One statement and one login for each role, as a script would do it.
async fn bare(port: u16, round: usize) -> Duration {
    let (client, connection) = config(port, "postgres", Postgres::PASSWORD).connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let watch = Stopwatch::start();
    for role in 0..ROLES {
        let (role, password) = (format!("app{role}"), format!("bare-{round}-{role}"));
        client.batch_execute(&format!("ALTER ROLE {role} PASSWORD '{password}'")).await.unwrap();
        let (client, connection) = config(port, &role, &password).connect(NoTls).await.unwrap();
        drop(client);
        connection.await.unwrap();
    }
    watch.elapsed()
}

async fn rotated(scene: &Scene, port: u16, strategy: &str, round: usize) -> Duration {
    let text = format!("port: {port}\nstrategy: {strategy}\n{}", crate::scene::ADMINISTRATOR);
    let target = scene.target(&text).unwrap();
    let watch = Stopwatch::start();
    for role in 0..ROLES {
        let role = format!("app{role}");
        let rotator = target.rotator(Some(&role.as_str().into()));
        let new = owned(&role, &format!("ours-{round}-{role}"));
        rotator.apply(&scene.unhurried(), new.lend(), None).await.unwrap();
        assert_eq!(rotator.probe(new.lend()).await.unwrap(), Probe::Accepted);
    }
    watch.elapsed()
}

/// `cargo test -p keywheel-provider-postgres --release -- --ignored --nocapture speed`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures: it wants a machine of its own"]
async fn changing_many_roles_costs_little_more_than_statements_and_logins() {
    let create: Vec<_> = (0..ROLES).map(|role| format!("CREATE ROLE app{role} LOGIN;\n")).collect();
    let server = Postgres::prepare().sql(&create.concat()).start();
    let scene = Scene::new();
    let (mut bare_best, mut ours_best) = (Duration::MAX, Duration::MAX);
    for round in 0..3 {
        bare_best = bare_best.min(bare(server.port(), round).await);
        ours_best = ours_best.min(rotated(&scene, server.port(), "in-place", round).await);
    }
    let ratio = bare_best.as_secs_f64() / ours_best.as_secs_f64();
    println!(
        "{ROLES} roles: bare {bare_best:?}, keywheel {ours_best:?}: {ratio:.2} of the bare loop's speed"
    );
    assert!(ratio >= 0.8, "{ratio}");
}
