//! Ports that a test has for itself.

use std::{
    fs::{self, File},
    net::TcpListener,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

/// Below those that the kernel gives to connections: it could give away one that a server is about to listen on. And so far
/// below that there is room for the second port of a Redis cluster's node, 10,000 higher.
const PORTS: std::ops::Range<u16> = 10_000..20_000;

/// Kept for as long as this process lives.
static KEPT: Mutex<Vec<Port>> = Mutex::new(Vec::new());

/// A port of the loopback interface that no other test takes until this is dropped, whether anybody listens on it or not.
pub(crate) struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// One that nobody listens on.
    ///
    /// # Panics
    /// When there is none.
    pub(crate) fn take() -> Self {
        /// What was given back is not given away again at once: somebody may still be about to ask there.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let directory = std::env::temp_dir().join("keywheel-test-ports");
        fs::create_dir_all(&directory).expect("a directory for locks");
        let count = u32::from(PORTS.end - PORTS.start);
        // Processes begin at different places, so that they seldom ask for the same one.
        let first = std::process::id().wrapping_mul(7919);
        for _ in 0..count {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            let offset = u16::try_from(first.wrapping_add(step) % count).expect("less than a port");
            let number = PORTS.start + offset;
            let Ok(lock) = File::create(directory.join(number.to_string())) else { continue };
            if lock.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", number)).is_ok() {
                return Self { number, _lock: lock };
            }
        }
        panic!("every port from {} to {} is taken", PORTS.start, PORTS.end);
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// Whether somebody has the port of this number.
    #[cfg(test)]
    pub(crate) fn is_taken(number: u16) -> bool {
        let file = std::env::temp_dir().join("keywheel-test-ports").join(number.to_string());
        File::open(file).expect("it was taken once").try_lock().is_err()
    }
}

/// A port of the loopback interface that nobody listens on, and that no other test takes while this process lives: a server
/// that finds its port taken ends, and whoever took it would be asked in its place.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    let port = Port::take();
    let number = port.number();
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).push(port);
    number
}
