//! `MariaDB`.

use std::fs;

use keywheel_testservers::Mariadb;

use crate::server::{Login, Server, Shared, Strategy, down, up};

/// Where every statement is written down, below the data directory.
const STATEMENTS: &str = "statements.log";

pub(crate) fn start() -> Box<dyn Server> {
    let log = format!("--general-log-file={STATEMENTS}");
    let options = ["--max-connections=200", "--general-log=1", "--log-output=FILE", "--log-warnings=9", &log];
    Box::new(Shared::new(Mariadb::start_with(&options)))
}

impl Server for Shared<Mariadb> {
    fn name(&self) -> &'static str {
        "mariadb"
    }

    fn strategies(&self) -> &'static [Strategy] {
        &[Strategy::InPlace, Strategy::Alternating]
    }

    fn ports(&self) -> Vec<u16> {
        vec![up(self).port()]
    }

    fn rotator(&self, strategy: Strategy, _user: &str, ports: &[u16]) -> String {
        format!(
            "    mysql:\n      host: 127.0.0.1\n      port: {}\n      tls: {{ mode: disable }}\n      \
             server: mariadb\n      strategy: {strategy}\n      \
             login: {{ user: {}, password: \"file:admin\" }}",
            ports[0],
            up(self).admin().0
        )
    }

    fn administrator(&self) -> String {
        up(self).admin().1.to_owned()
    }

    fn create(&self, _strategy: Strategy, user: &str, password: &str) -> Login {
        up(self).sql(&format!(
            "SET SESSION sql_log_off = 1;\nCREATE USER '{user}'@'%' IDENTIFIED BY '{password}'"
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
        let server = up(self);
        let statements = fs::read(server.directory().join("data").join(STATEMENTS)).expect("the general log");
        server.log() + &String::from_utf8_lossy(&statements)
    }
}
