//! Redis.

use keywheel_testservers::{Redis, RedisSetup};

use crate::server::{Login, Server, Shared, Strategy, down, up};

pub(crate) fn start() -> Box<dyn Server> {
    let settings = ["loglevel debug", "slowlog-log-slower-than 0", "slowlog-max-len 1000000"];
    let settings = settings.map(str::to_owned).to_vec();
    Box::new(Shared::new(Redis::start(RedisSetup { settings, ..RedisSetup::default() })))
}

impl Server for Shared<Redis> {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn strategies(&self) -> &'static [Strategy] {
        &[Strategy::InPlace, Strategy::Overlap]
    }

    fn ports(&self) -> Vec<u16> {
        vec![up(self).port()]
    }

    fn rotator(&self, strategy: Strategy, _user: &str, ports: &[u16]) -> String {
        format!(
            "    redis:\n      host: 127.0.0.1\n      port: {}\n      strategy: {strategy}\n      \
             login: {{ user: admin, password: \"file:admin\" }}",
            ports[0]
        )
    }

    fn administrator(&self) -> String {
        Redis::PASSWORD.to_owned()
    }

    fn create(&self, _strategy: Strategy, user: &str, password: &str) -> Login {
        let server = up(self);
        server.command(&["ACL", "SETUSER", user, "on", &format!(">{password}"), "~*", "+@all"]);
        // A restart would forget a user whom nobody saved.
        assert_eq!(server.command(&["ACL", "SAVE"]), "OK");
        Login { user: user.to_owned(), password: password.to_owned() }
    }

    fn accepts(&self, user: &str, password: &str) -> bool {
        up(self).lets_in(user, password)
    }

    fn restart(&self) {
        down(self).survive_a_power_cut();
    }

    fn written(&self) -> String {
        let server = up(self);
        // Every command since its last start, as it shows them.
        server.log() + &server.command(&["SLOWLOG", "GET", "-1"]) + &server.command(&["ACL", "LOG", "-1"])
    }
}
