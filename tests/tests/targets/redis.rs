//! Redis.

use keywheel_testservers::{Redis, RedisSetup};

use crate::server::{Server, Strategy};

pub(crate) fn start() -> Box<dyn Server> {
    Box::new(Redis::start(RedisSetup::default()))
}

impl Server for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn strategies(&self) -> &'static [Strategy] {
        &[Strategy::InPlace, Strategy::Overlap]
    }

    fn rotator(&self, strategy: Strategy) -> String {
        format!(
            "    redis:\n      host: 127.0.0.1\n      port: {}\n      strategy: {strategy}\n      \
             login: {{ user: admin, password: \"file:admin\" }}",
            self.port()
        )
    }

    fn administrator(&self) -> &str {
        Self::PASSWORD
    }

    fn create(&self, user: &str, password: &str) {
        self.command(&["ACL", "SETUSER", user, "on", &format!(">{password}"), "~*", "+@all"]);
    }

    fn accepts(&self, user: &str, password: &str) -> bool {
        self.lets_in(user, password)
    }
}
