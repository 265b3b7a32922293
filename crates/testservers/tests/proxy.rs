//! What befalls one piece, and what does not befall the others.

#![expect(clippy::unwrap_used, reason = "a socket that fails fails the test")]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use keywheel_testservers::{Mishap, Proxy, Weather, until};

const SOON: Duration = Duration::from_millis(300);

/// Says back whatever it hears, and remembers it.
struct Echo {
    port: u16,
    heard: Arc<Mutex<String>>,
}

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(String::new()));
        let memory = Arc::clone(&heard);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let memory = Arc::clone(&memory);
                thread::spawn(move || {
                    let mut letter = [0];
                    while let Ok(1) = stream.read(&mut letter) {
                        memory.lock().unwrap().push(char::from(letter[0]));
                        let _gone = stream.write_all(&letter);
                    }
                });
            }
        });
        Self { port, heard }
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().clone()
    }

    fn hears(&self, what: &str) {
        until(what, || (self.heard() == what).then_some(()));
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Said,
    Closed,
    Nothing,
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream
}

fn say(stream: &mut TcpStream, letter: u8) -> Answer {
    let mut answer = [0];
    if stream.write_all(&[letter]).is_err() {
        return Answer::Closed;
    }
    match stream.read(&mut answer) {
        Ok(1) => {
            assert_eq!(answer[0], letter);
            Answer::Said
        }
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Answer::Nothing,
        Ok(_) | Err(_) => Answer::Closed,
    }
}

/// Two relays in one weather. The second piece meets the mishap; the first one goes another way.
fn meets(mishap: Mishap, answer: &Answer) -> (Echo, [Proxy; 2]) {
    let echo = Echo::start();
    let first = Proxy::to(echo.port);
    let second = first.beside(echo.port);
    first.set(Weather::Once(1, mishap));
    let (mut one, mut two) = (connect(&first), connect(&second));
    assert_eq!(say(&mut one, b'a'), Answer::Said);
    assert!(!first.has_struck());
    assert_eq!(say(&mut two, b'b'), *answer, "{mishap:?}");
    assert!(first.has_struck() && second.sent() == 2);
    (echo, [first, second])
}

fn is_fair_again(echo: &Echo, [first, _]: &[Proxy; 2], heard: &str) {
    assert_eq!(say(&mut connect(first), b'c'), Answer::Said);
    assert_eq!(echo.heard(), heard);
}

#[test]
fn a_lost_request_does_not_arrive_and_its_connection_ends() {
    let (echo, proxies) = meets(Mishap::RequestLost, &Answer::Closed);
    is_fair_again(&echo, &proxies, "ac");
}

#[test]
fn a_request_whose_reply_is_lost_arrives_and_its_connection_ends() {
    let (echo, proxies) = meets(Mishap::ReplyLost, &Answer::Closed);
    is_fair_again(&echo, &proxies, "abc");
}

#[test]
fn nothing_comes_back_and_nobody_is_told() {
    let (echo, proxies) = meets(Mishap::Silence, &Answer::Nothing);
    is_fair_again(&echo, &proxies, "abc");
}

#[test]
fn what_is_late_arrives_when_its_sender_has_gone() {
    let (echo, proxies) = meets(Mishap::Late(SOON * 4), &Answer::Nothing);
    assert!(proxies[1].is_holding());
    is_fair_again(&echo, &proxies, "ac");
    echo.hears("acb");
    assert!(!proxies[0].is_holding());
}

#[test]
fn nobody_is_reached_until_somebody_mends_it() {
    let (echo, proxies) = meets(Mishap::Outage, &Answer::Closed);
    for proxy in &proxies {
        assert_eq!(say(&mut connect(proxy), b'x'), Answer::Closed);
    }
    proxies[1].set(Weather::Fair);
    is_fair_again(&echo, &proxies, "ac");
}
