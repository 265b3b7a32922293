//! A network that fails: a relay on the loopback interface that a test cuts, slows down, or makes lose what comes back.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::patience::pause;

/// What becomes of connections and of what they carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Everything arrives.
    Fair,
    /// New connections are refused and the open ones are reset.
    Cut,
    /// Everything arrives, each piece so much later.
    Slow(Duration),
    /// What is sent arrives; nothing comes back, and nobody is told.
    RepliesLost,
    /// Everything arrives until so many more pieces were sent; then the connection is reset before anything comes back.
    CutAfterSent(usize),
}

struct State {
    weather: Weather,
    open: Vec<TcpStream>,
}

/// A relay to one port. It ends when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    sent: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
}

impl Proxy {
    /// A relay to `port` of the loopback interface.
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let proxy = Self {
            address,
            state: Arc::new(Mutex::new(State { weather: Weather::Fair, open: Vec::new() })),
            sent: Arc::default(),
            ended: Arc::default(),
        };
        let (state, sent, ended) = (proxy.state.clone(), proxy.sent.clone(), proxy.ended.clone());
        thread::spawn(move || {
            for arrived in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                if let Ok(client) = arrived {
                    relay(&client, port, &state, &sent);
                }
            }
        });
        proxy
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Changes the weather, for open connections as well.
    pub fn set(&self, weather: Weather) {
        let mut state = lock(&self.state);
        state.weather = weather;
        if weather == Weather::Cut {
            reset(&mut state);
        }
    }

    /// How many pieces were sent towards the server so far: to learn where to cut.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.set(Weather::Cut);
        // The listener waits for somebody.
        let _woken = TcpStream::connect(self.address);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn reset(state: &mut State) {
    for open in state.open.drain(..) {
        let _gone = open.shutdown(Shutdown::Both);
    }
}

fn relay(client: &TcpStream, port: u16, state: &Arc<Mutex<State>>, sent: &Arc<AtomicUsize>) {
    if lock(state).weather == Weather::Cut {
        let _gone = client.shutdown(Shutdown::Both);
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
        let _gone = client.shutdown(Shutdown::Both);
        return;
    };
    let streams = [client.try_clone(), client.try_clone(), server.try_clone(), server.try_clone()];
    let [Ok(from_client), Ok(to_client), Ok(from_server), Ok(to_server)] = streams else { return };
    lock(state).open.extend([client.try_clone(), server.try_clone()].into_iter().flatten());
    let (out, back) = (state.clone(), state.clone());
    let sent = sent.clone();
    thread::spawn(move || carry(from_client, to_server, |_| send(&out, &sent)));
    thread::spawn(move || carry(from_server, to_client, |_| come_back(&back)));
}

/// Whether the piece goes on.
enum Fate {
    Arrives,
    IsLost,
    Resets,
}

fn carry(mut from: TcpStream, mut to: TcpStream, fate: impl Fn(&[u8]) -> Fate) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        match fate(&piece[..length]) {
            Fate::Arrives if to.write_all(&piece[..length]).is_ok() => {}
            Fate::IsLost => {}
            Fate::Arrives | Fate::Resets => break,
        }
    }
    let _gone = from.shutdown(Shutdown::Both);
    let _gone = to.shutdown(Shutdown::Both);
}

fn send(state: &Mutex<State>, sent: &AtomicUsize) -> Fate {
    sent.fetch_add(1, Ordering::Relaxed);
    let mut state = lock(state);
    match state.weather {
        Weather::Fair | Weather::RepliesLost => Fate::Arrives,
        Weather::Cut => Fate::Resets,
        Weather::Slow(by) => {
            drop(state);
            pause(by);
            Fate::Arrives
        }
        Weather::CutAfterSent(0) => {
            reset(&mut state);
            Fate::Resets
        }
        Weather::CutAfterSent(left) => {
            state.weather = Weather::CutAfterSent(left - 1);
            Fate::Arrives
        }
    }
}

fn come_back(state: &Mutex<State>) -> Fate {
    let mut state = lock(state);
    match state.weather {
        Weather::RepliesLost => Fate::IsLost,
        Weather::Cut => Fate::Resets,
        Weather::Slow(by) => {
            drop(state);
            pause(by);
            Fate::Arrives
        }
        // The last piece that was let through arrived; its answer does not.
        Weather::CutAfterSent(0) => {
            reset(&mut state);
            state.weather = Weather::Cut;
            Fate::Resets
        }
        Weather::Fair | Weather::CutAfterSent(_) => Fate::Arrives,
    }
}
