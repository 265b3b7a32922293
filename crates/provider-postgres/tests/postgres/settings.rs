//! Settings as an inventory holds them: read, and mistakes shown where they were made.

use keywheel_core::{
    inventory,
    provider::{Connection, Kind, Kinds, Target},
    rotator::Strategy,
    yaml::Style,
};
use rstest::rstest;

use crate::scene::Scene;

#[tokio::test]
async fn what_is_left_out_has_a_default() {
    let target = Scene::new().target("login: {user: keywheel, password: '${env:PGPASSWORD}'}\n").unwrap();
    assert_eq!(target.strategy(), Strategy::Alternating);
    assert_eq!(target.describe(), "PostgreSQL at 127.0.0.1:5432/postgres");
    let connection = Connection {
        engine: "postgres",
        host: "127.0.0.1".to_owned(),
        port: 5432,
        database: Some("postgres".to_owned()),
    };
    assert_eq!(target.connection(), Some(connection));
}

#[rstest]
#[case::no_login("host: db\n", "roles that take turns are changed by a third one", "1:")]
#[case::literal_password("login:\n  user: a\n  password: hunter2\n", "`${env:NAME}` or `file:PATH`", "3:")]
#[case::url("strategy: in-place\nhost: postgres://me@db/x\n", "not the name of one server", "2:")]
#[case::several("strategy: in-place\nhost: a,b\n", "not the name of one server", "2:")]
#[case::port("strategy: in-place\nport: 0\n", "no server listens on port 0", "2:")]
#[case::mode("strategy: in-place\nsslmode: on\n", "verify-full", "2:")]
#[case::certificate(
    "strategy: in-place\nsslmode: disable\nroot-certificate: ca.pem\n",
    "certificates mean nothing",
    "2:"
)]
#[case::unknown("strategy: in-place\nusername: app\n", "username", "2:")]
#[case::empty("strategy: in-place\ndatabase: ''\n", "it is empty", "2:")]
#[case::user("login: {user: '', password: 'file:x'}\n", "no role is called that", "1:")]
fn a_mistake_is_shown_where_it_was_made(#[case] text: &str, #[case] message: &str, #[case] line: &str) {
    let mistakes = Scene::new().target(text).err().unwrap();
    assert!(mistakes.contains(message), "{mistakes}");
    assert!(mistakes.contains(&format!("keywheel.yaml:{line}")), "{mistakes}");
    assert!(!mistakes.contains("hunter2"), "{mistakes}");
}

#[test]
fn several_mistakes_are_reported_at_once() {
    let mistakes = Scene::new().target("host: ''\nport: 0\n").err().unwrap();
    assert!(
        mistakes.contains("port 0") && mistakes.contains("empty") && mistakes.contains("third one"),
        "{mistakes}"
    );
}

#[test]
fn a_consumer_needs_a_login() {
    let scene = Scene::new();
    let mistakes = scene.consumer("host: db\n").err().unwrap();
    assert!(mistakes.contains("login"), "{mistakes}");
    let text = "login: {user: a, password: 'file:x'}\napplication-name: keywheel\n";
    let mistakes = scene.consumer(text).err().unwrap();
    assert!(mistakes.contains("keywheel's own sessions"), "{mistakes}");
    let text = "login: {user: a, password: 'file:x'}\napplication-name: web\n";
    let consumer = scene.consumer(text).unwrap();
    assert_eq!(consumer.describe(), "sessions of `web` at 127.0.0.1:5432/postgres");
    assert!(!consumer.shows_plain_fingerprints());
    assert_eq!(consumer.trusted(), None);
}

/// The inventory refuses references wherever the schema has none.
#[test]
fn an_inventory_takes_references_for_what_is_secret() {
    let text = "version: 1
rotators:
  main:
    postgres:
      host: db
      client-certificate: { certificate: a.pem, key: '${env:KEY}' }
      login: { user: keywheel, password: 'file:x' }
consumers:
  web:
    postgres-sessions: { login: { user: keywheel, password: '${env:PASSWORD}' } }
secrets: {}
";
    let kinds = Kinds {
        rotators: keywheel_provider_postgres::rotators::kinds(),
        consumers: keywheel_provider_postgres::consumers::kinds(),
        ..Kinds::default()
    };
    let scene = Scene::new();
    let path = scene.path().join("keywheel.yaml");
    let read = |text: &str| inventory::read(&path, text.into(), &kinds, &scene.surroundings.clock).map(drop);
    read(text).map_err(|mistakes| mistakes.render(Style::Plain)).unwrap();
    let mistakes = read(&text.replace("host: db", "host: '${env:HOST}'")).unwrap_err().render(Style::Plain);
    assert!(mistakes.contains("a reference is read only where"), "{mistakes}");
}

#[test]
fn the_schema_has_the_settings_words() {
    fn schema<T: ?Sized>(kind: &dyn Kind<T>) -> String {
        let mut generator = schemars::SchemaGenerator::default();
        let schema = kind.schema(&mut generator);
        format!("{schema:?}{:?}", generator.definitions())
    }
    let rotator = schema(&*keywheel_provider_postgres::rotators::kinds()[0] as &dyn Kind<dyn Target>);
    for word in ["sslmode", "verify-full", "root-certificate", "in-place", "client-certificate"] {
        assert!(rotator.contains(&format!("\"{word}\"")), "{word}: {rotator}");
    }
    let consumer = schema(&*keywheel_provider_postgres::consumers::kinds()[0]);
    assert!(consumer.contains("\"application-name\"") && consumer.contains("\"at-least\""), "{consumer}");
}
