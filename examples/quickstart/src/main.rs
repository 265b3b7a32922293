//! A stand-in for an application: it reads its secrets from files, reads them again on SIGHUP, and shows the fingerprint
//! of each one it uses, so that whoever rotates them can see that it moved.
//!
//! Started in a directory with `secrets/`, `app.env` and `config.json`; writes `run/app.pid` and
//! `run/fingerprints.json`. Stops on SIGTERM.

mod secrets;

use std::{fs, io, io::Write, path::Path};

use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    fs::create_dir_all("run")?;
    // Before the pid is shown: a SIGHUP that comes right after must find its handler.
    let mut reload = signal(SignalKind::hangup())?;
    let mut stop = signal(SignalKind::terminate())?;
    show()?;
    write_whole(Path::new("run/app.pid"), &format!("{}\n", std::process::id()))?;
    loop {
        tokio::select! {
            _ = reload.recv() => show()?,
            _ = stop.recv() => break,
        }
    }
    fs::remove_file("run/app.pid")
}

/// Reads every secret and shows the fingerprints.
fn show() -> io::Result<()> {
    let shown = serde_json::to_string_pretty(&secrets::fingerprints())?;
    write_whole(Path::new("run/fingerprints.json"), &shown)
}

/// A reader sees the old text or the new one, never a part.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in("run")?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}
