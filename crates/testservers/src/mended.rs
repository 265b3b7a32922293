//! The stand-in's refusals of keys, in the form that AWS gives them in. It wraps them once more than IAM and STS do
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>), so that the SDK finds no code in them.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
};

/// As long as what they take the place of: an answer says its length before.
const MENDED: [(&[u8], &[u8]); 2] =
    [(b"<Errors><Error>", b"<Error>        "), (b"</Error></Errors>", b"</Error>         ")];

/// A relay to a [`Moto`](crate::Moto). It ends with the process.
pub struct Mended(u16);

impl Mended {
    /// A relay to `port` of the loopback interface.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn of(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("a bound socket").port();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let (Ok(from), Ok(to)) = (client.try_clone(), server.try_clone()) else { continue };
                thread::spawn(move || carry(from, to, |_piece| {}));
                thread::spawn(move || carry(server, client, mend));
            }
        });
        Self(own)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.0
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, change: impl Fn(&mut [u8])) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        change(&mut piece[..length]);
        if to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    let _gone = from.shutdown(Shutdown::Both);
    let _gone = to.shutdown(Shutdown::Both);
}

fn mend(piece: &mut [u8]) {
    for (wrong, right) in MENDED {
        if let Some(at) = piece.windows(wrong.len()).position(|window| window == wrong) {
            piece[at..at + right.len()].copy_from_slice(right);
        }
    }
}
