//! `PostgreSQL`.

use keywheel_testservers::Postgres;

use crate::server::{Login, Server, Shared, Strategy, down, up};

/// It writes down all that it can.
const LOGGED: [(&str, &str); 8] = [
    ("log_statement", "all"),
    ("log_min_duration_statement", "0"),
    ("log_min_error_statement", "debug5"),
    ("log_error_verbosity", "verbose"),
    ("log_connections", "on"),
    ("log_disconnections", "on"),
    ("log_parameter_max_length", "-1"),
    ("log_parameter_max_length_on_error", "-1"),
];

pub(crate) fn start() -> Box<dyn Server> {
    let prepared = Postgres::prepare()
        .setting("max_connections", "200")
        // It answers at once, and forgets the last seconds when it is killed.
        .setting("synchronous_commit", "off")
        .setting("wal_writer_delay", "10s");
    let prepared = LOGGED.iter().fold(prepared, |prepared, (name, value)| prepared.setting(name, value));
    Box::new(Shared::new(prepared.start()))
}

impl Server for Shared<Postgres> {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn strategies(&self) -> &'static [Strategy] {
        &[Strategy::InPlace, Strategy::Alternating]
    }

    fn ports(&self) -> Vec<u16> {
        vec![up(self).port()]
    }

    fn rotator(&self, strategy: Strategy, _user: &str, ports: &[u16]) -> String {
        format!(
            "    postgres:\n      port: {}\n      strategy: {strategy}\n      \
             login: {{ user: postgres, password: \"file:admin\" }}",
            ports[0]
        )
    }

    fn administrator(&self) -> String {
        Postgres::PASSWORD.to_owned()
    }

    fn create(&self, _strategy: Strategy, user: &str, password: &str) -> Login {
        up(self).sql(&format!(
            "SET log_statement = 'none'; SET log_min_duration_statement = -1; SET synchronous_commit = on;\n\
             CREATE ROLE {user} LOGIN PASSWORD '{password}'"
        ));
        Login { user: user.to_owned(), password: password.to_owned() }
    }

    fn accepts(&self, user: &str, password: &str) -> bool {
        up(self).lets_in(user, password)
    }

    fn restart(&self) {
        let mut server = down(self);
        server.kill();
        server.start_again();
    }

    fn written(&self) -> String {
        up(self).log()
    }
}
