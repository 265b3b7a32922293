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
    /// Everything arrives until so many more pieces were sent; the next one meets the mishap, and then it is fair again.
    Once(usize, Mishap),
}

/// What becomes of one piece that is sent, and of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It does not arrive, and the connection is reset.
    RequestLost,
    /// It arrives, and the connection is reset before anything comes back.
    ReplyLost,
    /// It arrives so much later, even if its sender has given it up by then.
    Late(Duration),
    /// It arrives, nothing comes back, and nobody is told.
    Silence,
    /// It does not arrive, and the weather is [`Weather::Cut`].
    Outage,
}

struct State {
    weather: Weather,
    open: Vec<TcpStream>,
    /// Pieces that are late.
    held: usize,
}

/// What happens to the replies of one connection.
type Doom = Mutex<Option<Fate>>;

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
        let state = State { weather: Weather::Fair, open: Vec::new(), held: 0 };
        Self::with(port, Arc::new(Mutex::new(state)), Arc::default())
    }

    /// A relay to another port, in the same weather: it counts the same pieces.
    #[must_use]
    pub fn beside(&self, port: u16) -> Self {
        Self::with(port, Arc::clone(&self.state), Arc::clone(&self.sent))
    }

    fn with(port: u16, state: Arc<Mutex<State>>, sent: Arc<AtomicUsize>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let proxy = Self { address, state, sent, ended: Arc::default() };
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

    /// Whether the piece of [`Weather::Once`] has met its mishap.
    pub fn has_struck(&self) -> bool {
        !matches!(lock(&self.state).weather, Weather::Once(..))
    }

    /// Whether a piece is on its way that will arrive late.
    pub fn is_holding(&self) -> bool {
        lock(&self.state).held > 0
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
    let doom = Arc::new(Doom::default());
    let replies = Arc::clone(&doom);
    thread::spawn(move || carry(from_client, to_server, || send(&out, &sent, &doom)));
    thread::spawn(move || carry(from_server, to_client, || come_back(&back, &replies)));
}

/// Whether the piece goes on.
#[derive(Clone, Copy)]
enum Fate {
    Arrives,
    IsLost,
    Resets,
}

fn carry(mut from: TcpStream, mut to: TcpStream, fate: impl Fn() -> Fate) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        match fate() {
            Fate::Arrives if to.write_all(&piece[..length]).is_ok() => {}
            Fate::IsLost => {}
            Fate::Arrives | Fate::Resets => break,
        }
    }
    let _gone = from.shutdown(Shutdown::Both);
    let _gone = to.shutdown(Shutdown::Both);
}

fn send(shared: &Mutex<State>, sent: &AtomicUsize, doom: &Doom) -> Fate {
    sent.fetch_add(1, Ordering::Relaxed);
    let mut state = lock(shared);
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
        Weather::Once(0, mishap) => {
            state.weather = Weather::Fair;
            drop(state);
            meet(mishap, shared, doom)
        }
        Weather::Once(left, mishap) => {
            state.weather = Weather::Once(left - 1, mishap);
            Fate::Arrives
        }
    }
}

fn meet(mishap: Mishap, state: &Mutex<State>, doom: &Doom) -> Fate {
    let no_reply = |fate| *doom.lock().unwrap_or_else(PoisonError::into_inner) = Some(fate);
    match mishap {
        Mishap::RequestLost => return Fate::Resets,
        Mishap::ReplyLost => no_reply(Fate::Resets),
        Mishap::Silence => no_reply(Fate::IsLost),
        Mishap::Late(by) => {
            lock(state).held += 1;
            pause(by);
            lock(state).held -= 1;
        }
        Mishap::Outage => {
            let mut state = lock(state);
            state.weather = Weather::Cut;
            reset(&mut state);
            return Fate::Resets;
        }
    }
    Fate::Arrives
}

fn come_back(state: &Mutex<State>, doom: &Doom) -> Fate {
    if let Some(fate) = *doom.lock().unwrap_or_else(PoisonError::into_inner) {
        return fate;
    }
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
        Weather::Fair | Weather::CutAfterSent(_) | Weather::Once(..) => Fate::Arrives,
    }
}
