//! A role and its clone take turns.

use keywheel_core::{Effect, ErrorKind, rotator::Probe};
use keywheel_testservers::Postgres;

use crate::scene::{Scene, owned};

/// Everything that a session of the clone has to inherit in some way.
const APP: &str =
    "CREATE ROLE app LOGIN PASSWORD 'value-one' CONNECTION LIMIT 7 VALID UNTIL '2999-01-01 00:00:00+00';
    CREATE SCHEMA app AUTHORIZATION app;
    CREATE DATABASE second;
    CREATE TABLE app.orders (id int); ALTER TABLE app.orders OWNER TO app;
    ALTER ROLE app SET search_path = \"$user\", public;
    ALTER ROLE app SET work_mem = '8MB';
    ALTER ROLE app SET app.tenant = 'it''s \\ us';
    ALTER ROLE app IN DATABASE second SET search_path = 'Odd, one', app;
    ALTER ROLE app IN DATABASE second SET statement_timeout = '9s';";

#[tokio::test]
async fn the_clone_is_like_the_role_and_what_it_makes_belongs_to_the_role() {
    let server = Postgres::prepare().sql(APP).start();
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), "alternating", "app");
    let (one, two) = (owned("app", "value-one"), owned("app_clone", "value-two"));
    rotator.apply(&scene.unhurried(), two.lend(), Some(one.lend())).await.unwrap();
    assert_eq!(rotator.probe(one.lend()).await.unwrap(), Probe::Accepted);
    assert_eq!(rotator.probe(two.lend()).await.unwrap(), Probe::Accepted);

    let seen = server.sql_as(
        "app_clone",
        "INSERT INTO orders VALUES (1); CREATE TABLE made (id int);
         SELECT session_user, current_user, current_setting('work_mem'), current_setting('app.tenant'),
                current_setting('search_path'), current_schema;
         SELECT tableowner FROM pg_tables WHERE tablename = 'made'",
    );
    assert_eq!(seen, "app_clone|app|8MB|it's \\ us|\"$user\", public|app\napp");
    let copied =
        "SELECT rolconnlimit, rolvaliduntil = '2999-01-01 00:00:00+00' FROM pg_roles WHERE rolname ~ '^app'";
    assert_eq!(server.sql(copied), "7|t\n7|t");
    let in_second = "SELECT DISTINCT setconfig FROM pg_db_role_setting WHERE setdatabase <> 0";
    assert_eq!(server.sql(in_second).lines().count(), 1, "{}", server.sql(in_second));
    let count = "SELECT count(*) FROM pg_db_role_setting WHERE setdatabase <> 0";
    assert_eq!(server.sql(count), "2");
}

#[tokio::test]
async fn the_role_retires_with_all_it_owns_and_comes_back() {
    let server = Postgres::prepare().sql(APP).start();
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), "alternating", "app");
    let (one, two, three) =
        (owned("app", "value-one"), owned("app_clone", "value-two"), owned("app", "value-three"));
    rotator.apply(&scene.unhurried(), two.lend(), Some(one.lend())).await.unwrap();
    rotator.revoke(&scene.unhurried(), one.lend(), Some(two.lend())).await.unwrap();
    assert_eq!(rotator.probe(one.lend()).await.unwrap(), Probe::Rejected);
    let retired = "SELECT rolcanlogin, rolpassword IS NULL FROM pg_authid WHERE rolname = 'app'";
    assert_eq!(server.sql(retired), "f|t");
    // The clone goes on working as the role that may not log in.
    assert_eq!(server.sql_as("app_clone", "INSERT INTO orders VALUES (1); SELECT current_user"), "app");

    // What changes on the role meanwhile is there on the clone after its next turn.
    server.sql("ALTER ROLE app RESET work_mem; ALTER ROLE app SET lock_timeout = '3s'; ALTER ROLE app CONNECTION LIMIT -1 VALID UNTIL 'infinity'");
    rotator.apply(&scene.unhurried(), three.lend(), Some(two.lend())).await.unwrap();
    assert_eq!(rotator.probe(three.lend()).await.unwrap(), Probe::Accepted);
    rotator.revoke(&scene.unhurried(), two.lend(), Some(three.lend())).await.unwrap();
    assert_eq!(rotator.probe(two.lend()).await.unwrap(), Probe::Rejected);
    let four = owned("app_clone", "value-four");
    rotator.apply(&scene.unhurried(), four.lend(), Some(three.lend())).await.unwrap();
    let seen = server.sql_as(
        "app_clone",
        "SELECT current_setting('lock_timeout'), current_setting('work_mem'), rolconnlimit, rolvaliduntil
         FROM pg_roles WHERE rolname = 'app_clone'",
    );
    assert_eq!(seen, "3s|4MB|-1|infinity");
}

/// The second statement of several fails: none of them happened.
#[tokio::test]
async fn a_clone_is_made_whole_or_not_at_all() {
    let server = Postgres::prepare().sql(APP).start();
    // No such setting can be set for a role; it was put there by an older version, say.
    server.sql(
        "UPDATE pg_db_role_setting SET setconfig = setconfig || '{no_such_setting=1}'::text[] WHERE setdatabase = 0",
    );
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), "alternating", "app");
    let two = owned("app_clone", "value-two");
    let error = rotator.apply(&scene.unhurried(), two.lend(), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::NotFound, Effect::NotApplied), "{error}");
    assert_eq!(server.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'app_clone'"), "0");
}

#[tokio::test]
async fn somebody_elses_role_of_the_clones_name_is_left_alone() {
    let server = Postgres::prepare().sql(APP).sql("CREATE ROLE app_clone LOGIN PASSWORD 'theirs'").start();
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), "alternating", "app");
    let two = owned("app_clone", "value-two");
    let error = rotator.apply(&scene.unhurried(), two.lend(), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::NotApplied), "{error}");
    assert!(error.to_string().contains("GRANT \"app\" TO \"app_clone\""), "{error}");
    assert_eq!(rotator.probe(owned("app_clone", "theirs").lend()).await.unwrap(), Probe::Accepted);
    server.sql("GRANT app TO app_clone");
    rotator.apply(&scene.unhurried(), two.lend(), None).await.unwrap();
}

/// VALID UNTIL makes every password be refused, and a later one would bring the old password back.
#[tokio::test]
async fn an_old_password_that_is_only_out_of_date_is_ended_all_the_same() {
    let server = Postgres::prepare().sql(APP).start();
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), "alternating", "app");
    let (one, two) = (owned("app", "value-one"), owned("app_clone", "value-two"));
    rotator.apply(&scene.unhurried(), two.lend(), Some(one.lend())).await.unwrap();
    server.sql("ALTER ROLE app VALID UNTIL 'yesterday'");
    assert_eq!(rotator.probe(one.lend()).await.unwrap(), Probe::Rejected);
    rotator.revoke(&scene.unhurried(), one.lend(), Some(two.lend())).await.unwrap();
    server.sql("ALTER ROLE app VALID UNTIL 'infinity'");
    assert_eq!(rotator.probe(one.lend()).await.unwrap(), Probe::Rejected);
    assert_eq!(server.sql("SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = 'app'"), "t");
}

/// CREATEROLE is enough before `PostgreSQL` 16; from then on the administrator was granted the role too.
#[tokio::test]
async fn no_superuser_is_needed() {
    let server = Postgres::prepare()
        .sql(APP)
        .sql("CREATE ROLE keywheel LOGIN CREATEROLE PASSWORD 'keywheel'; GRANT app TO keywheel WITH ADMIN OPTION")
        .start();
    let scene = Scene::new();
    std::fs::write(scene.path().join("keywheel"), "keywheel").unwrap();
    let text = format!("port: {}\nlogin: {{user: keywheel, password: 'file:keywheel'}}\n", server.port());
    let rotator = scene.target(&text).unwrap().rotator(Some(&"app".into()));
    let findings = rotator.examine().await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    let grant = "GRANT SET ON PARAMETER \"app\".\"tenant\" TO \"keywheel\"";
    assert_eq!(findings[0].hint.as_deref(), Some(grant), "{findings:?}");
    server.sql(grant);
    assert_eq!(rotator.examine().await, []);
    let (one, two) = (owned("app", "value-one"), owned("app_clone", "value-two"));
    rotator.apply(&scene.unhurried(), two.lend(), Some(one.lend())).await.unwrap();
    rotator.revoke(&scene.unhurried(), one.lend(), Some(two.lend())).await.unwrap();
    assert_eq!(server.sql_as("app_clone", "SELECT current_user"), "app");
    assert_eq!(rotator.probe(two.lend()).await.unwrap(), Probe::Accepted);
}

#[tokio::test]
async fn the_role_with_which_keywheel_logs_in_takes_no_turns() {
    let server = Postgres::start();
    let scene = Scene::new();
    let rotator = scene.rotator(server.port(), "alternating", "postgres");
    let two = owned("postgres_clone", "value-two");
    let error = rotator.apply(&scene.unhurried(), two.lend(), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{error}");
    let revoked =
        rotator.revoke(&scene.unhurried(), owned("postgres", Postgres::PASSWORD).lend(), None).await;
    assert_eq!(revoked.unwrap_err().effect, Effect::NotApplied);
    assert!(rotator.examine().await.iter().any(|finding| finding.message.contains("lock itself out")));
}
