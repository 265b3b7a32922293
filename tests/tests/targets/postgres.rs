//! `PostgreSQL`.

use keywheel_testservers::Postgres;

use crate::server::{Server, Strategy};

pub(crate) fn start() -> Box<dyn Server> {
    Box::new(Postgres::prepare().setting("max_connections", "200").start())
}

impl Server for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn strategies(&self) -> &'static [Strategy] {
        &[Strategy::InPlace, Strategy::Alternating]
    }

    fn rotator(&self, strategy: Strategy) -> String {
        format!(
            "    postgres:\n      port: {}\n      strategy: {strategy}\n      \
             login: {{ user: postgres, password: \"file:admin\" }}",
            self.port()
        )
    }

    fn administrator(&self) -> &str {
        Self::PASSWORD
    }

    fn create(&self, user: &str, password: &str) {
        self.sql(&format!("CREATE ROLE {user} LOGIN PASSWORD '{password}'"));
    }

    fn accepts(&self, user: &str, password: &str) -> bool {
        self.lets_in(user, password)
    }
}
