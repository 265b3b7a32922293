//! `MariaDB`.

use keywheel_testservers::Mariadb;

use crate::server::{Server, Strategy};

pub(crate) fn start() -> Box<dyn Server> {
    Box::new(Mariadb::start_with(&["--max-connections=200"]))
}

impl Server for Mariadb {
    fn name(&self) -> &'static str {
        "mariadb"
    }

    fn strategies(&self) -> &'static [Strategy] {
        &[Strategy::InPlace, Strategy::Alternating]
    }

    fn rotator(&self, strategy: Strategy) -> String {
        let (administrator, _) = self.admin();
        format!(
            "    mysql:\n      host: 127.0.0.1\n      port: {}\n      tls: {{ mode: disable }}\n      \
             server: mariadb\n      strategy: {strategy}\n      \
             login: {{ user: {administrator}, password: \"file:admin\" }}",
            self.port()
        )
    }

    fn administrator(&self) -> &str {
        self.admin().1
    }

    fn create(&self, user: &str, password: &str) {
        self.sql(&format!("CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'"));
    }

    fn accepts(&self, user: &str, password: &str) -> bool {
        self.lets_in(user, password)
    }
}
