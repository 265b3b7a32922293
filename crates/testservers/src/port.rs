//! Ports that a test has for itself.

use std::{
    fs::{self, File},
    net::TcpListener,
    sync::{Mutex, PoisonError},
};

/// Below those that the kernel gives to connections: it could give away one that a server is about to listen on. And so far
/// below that there is room for the second port of a Redis cluster's node, 10,000 higher.
const PORTS: std::ops::Range<u16> = 10_000..20_000;

/// Kept for as long as this process lives.
static TAKEN: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A port of the loopback interface that nobody listens on, and that no other test takes while this process lives: a server
/// that finds its port taken ends, and whoever took it would be asked in its place.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    let directory = std::env::temp_dir().join("keywheel-test-ports");
    fs::create_dir_all(&directory).expect("a directory for locks");
    let count = u32::from(PORTS.end - PORTS.start);
    // Processes begin at different places, so that they seldom ask for the same one.
    let first = std::process::id().wrapping_mul(7919);
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    for step in 0..count {
        let offset = u16::try_from((first.wrapping_add(step)) % count).expect("less than a port");
        let port = PORTS.start + offset;
        let Ok(lock) = File::create(directory.join(port.to_string())) else { continue };
        if lock.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            taken.push(lock);
            return port;
        }
    }
    panic!("every port from {} to {} is taken", PORTS.start, PORTS.end);
}
