//! `RabbitMQ`.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use keywheel_testservers::Rabbitmq;
use serde_json::json;

use crate::{
    server::{Login, Server, Shared, Strategy, down, up},
    trouble::Trouble,
};

pub(crate) fn start() -> Box<dyn Server> {
    Box::new(Shared::new(Rabbitmq::start()))
}

impl Server for Shared<Rabbitmq> {
    fn name(&self) -> &'static str {
        "rabbitmq"
    }

    fn strategies(&self) -> &'static [Strategy] {
        &[Strategy::InPlace, Strategy::Alternating]
    }

    fn ports(&self) -> Vec<u16> {
        let server = up(self);
        vec![server.port(), server.amqp_port()]
    }

    fn rotator(&self, strategy: Strategy, _user: &str, ports: &[u16]) -> String {
        format!(
            "    rabbitmq:\n      host: 127.0.0.1\n      port: {}\n      amqp-port: {}\n      \
             strategy: {strategy}\n      login: {{ user: {}, password: \"file:admin\" }}",
            ports[0],
            ports[1],
            Rabbitmq::ADMINISTRATOR
        )
    }

    fn administrator(&self) -> String {
        Rabbitmq::PASSWORD.to_owned()
    }

    fn create(&self, _strategy: Strategy, user: &str, password: &str) -> Login {
        let administrator = (Rabbitmq::ADMINISTRATOR, Rabbitmq::PASSWORD);
        // Whoever has this tag may ask who they are.
        let body = json!({ "password": password, "tags": "management" });
        let status = ask(&up(self), "PUT", &format!("users/{user}"), administrator, &body.to_string());
        assert_eq!(status, 201, "the user {user} cannot be made");
        let everything = json!({ "configure": ".*", "write": ".*", "read": ".*" }).to_string();
        let status = ask(&up(self), "PUT", &format!("permissions/%2F/{user}"), administrator, &everything);
        assert_eq!(status, 201, "the user {user} gets no permissions");
        Login { user: user.to_owned(), password: password.to_owned() }
    }

    fn accepts(&self, user: &str, password: &str) -> bool {
        match ask(&up(self), "GET", "whoami", (user, password), "") {
            200 => true,
            401 => false,
            status => panic!("it says neither yes nor no: {status}"),
        }
    }

    fn restart(&self) {
        let mut server = down(self);
        server.kill();
        server.start_again();
    }

    fn written(&self) -> String {
        up(self).log()
    }

    fn share(&self, trouble: Trouble) -> usize {
        // It takes seconds to start.
        if trouble == Trouble::Restarted { 1 } else { trouble.share() }
    }
}

/// What its management API answers, as a number.
fn ask(server: &Rabbitmq, method: &str, path: &str, (user, password): (&str, &str), body: &str) -> u16 {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("the management API");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
    let login = STANDARD.encode(format!("{user}:{password}"));
    let request = format!(
        "{method} /api/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Basic {login}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut answer = [0; 12];
    stream.write_all(request.as_bytes()).and_then(|()| stream.read_exact(&mut answer)).expect("an answer");
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("this is no answer: {answer}"))
}
