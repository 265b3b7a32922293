//! People are told by a real process, and a receiver that hangs holds nothing up for long.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use crate::world::World;

/// A message as it arrived: the headers, in lower case, and the body.
type Got = (String, String);

/// A receiver that answers with each of `answers` in turn and then hangs.
fn receiver(answers: &'static [&'static str]) -> (u16, Receiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (tell, told) = channel();
    // Ends with the test's process.
    thread::spawn(move || {
        let mut open = Vec::new();
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.expect("a connection");
            let got = request(&stream);
            if let Some(answer) = answers.get(number) {
                let _gone =
                    write!(stream, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
            open.push(stream);
            let _ = tell.send(got);
        }
    });
    (port, told)
}

fn request(stream: &TcpStream) -> Got {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).expect("a line") > 0, "it ended early");
    }
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).expect("a body");
    (head, String::from_utf8(body).expect("text"))
}

fn world(port: u16, on: &str) -> World {
    let world = World::empty();
    world.write("key", "0123456789abcdef0123456789abcdef");
    world.write(
        "keywheel.yaml",
        &format!(
            "version: 1\nstores: {{ app-dir: {{ directory: {{ path: ./secrets }} }} }}\n\
             notices:\n  ops: {{ webhook: {{ url: 'http://127.0.0.1:{port}/', key: file:key }}, on: [{on}] }}\n\
             secrets: {{ session: {{ generate: password, stores: [app-dir], overlap: 0s, owner: ops }} }}\n"
        ),
    );
    world
}

#[test]
fn a_message_arrives_although_the_receiver_was_overloaded_at_first() {
    let (port, told) = receiver(&["503 Service Unavailable", "204 No Content"]);
    let world = world(port, "succeeded");
    let shown = world.shows("rotate session --yes");
    assert!(shown.starts_with("exit 0\n") && !shown.contains("not delivered"), "{shown}");
    let tries: Vec<Got> = told.try_iter().collect();
    assert_eq!(tries.len(), 2, "{tries:?}");
    let id =
        |got: &Got| got.0.lines().find(|line| line.starts_with("x-keywheel-notice: ")).map(str::to_owned);
    assert!(id(&tries[0]).is_some());
    assert_eq!(id(&tries[0]), id(&tries[1]));
    let (head, body) = &tries[1];
    assert!(head.contains("x-keywheel-signature: v1="), "{head}");
    assert!(body.contains(r#""occasion":"succeeded""#) && body.contains(r#""owner":"ops""#), "{body}");
    let value = world.read("secrets/session");
    assert!(!body.contains(value.trim()) && !head.contains(value.trim()));
}

#[test]
fn a_receiver_that_hangs_is_named_and_the_rotation_is_done() {
    let (port, told) = receiver(&[]);
    let world = world(port, "started, succeeded");
    let shown = world.shows("rotate session --yes");
    assert!(shown.starts_with("exit 0\n"), "{shown}");
    assert!(shown.contains("notice ops: not delivered: 2 messages had not left within 3 s"), "{shown}");
    assert!(told.recv_timeout(Duration::from_secs(5)).is_ok(), "it was asked");
}

#[test]
fn doctor_looks_at_notices() {
    let (port, _told) = receiver(&[]);
    let world = world(port, "failed");
    assert!(world.shows("doctor").contains("notice ops"), "{}", world.shows("doctor"));
    world.write("key", "short");
    let shown = world.shows("doctor");
    assert!(shown.contains("fewer than 16 bytes"), "{shown}");
}
