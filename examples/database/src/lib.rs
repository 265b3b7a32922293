//! An application as there are many: pools of connections to databases, requests all the time, credentials read from
//! documents, and read again at SIGHUP.
//!
//! It does what an application has to do so that a rotation costs no request: at SIGHUP it reads its documents again, each
//! worker finishes its request and takes a new connection, and once the last old connection is gone it shows the
//! fingerprints that it uses in `run/fingerprints.json`. At SIGTERM it says in `run/report.json` how many requests there
//! were, how many failed, and which credential served when.

#![expect(clippy::disallowed_methods, reason = "an application has the machine's own clock")]

mod document;
mod pool;
mod report;
mod server;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use tokio::signal::unix::{SignalKind, signal};

use crate::{document::Document, pool::Pool, report::Report};

/// Runs the application until SIGTERM; its arguments are the documents.
pub fn main() -> ExitCode {
    let documents: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(serve(&documents))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("database-app: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(documents: &[PathBuf]) -> io::Result<()> {
    // Before anything is shown: whoever sees it may send signals.
    let mut reload = signal(SignalKind::hangup())?;
    let mut end = signal(SignalKind::terminate())?;
    let report = Arc::new(Report::begin());
    let mut pools = Vec::new();
    for path in documents {
        pools.push(Pool::open(path.clone(), Document::read(path)?, &report));
    }
    show(&pools).await?;
    write("run/app.pid", std::process::id().to_string().as_bytes())?;
    loop {
        tokio::select! {
            _ = reload.recv() => {
                for pool in &mut pools {
                    // A document that cannot be read is not used; what was read before still is.
                    match Document::read(&pool.path) {
                        Ok(document) => pool.switch_to(document),
                        Err(error) => eprintln!("database-app: {}: {error}", pool.path.display()),
                    }
                }
                show(&pools).await?;
            }
            _ = end.recv() => break,
        }
    }
    write("run/report.json", report.to_json().as_bytes())
}

/// Shows what is used, once nothing else is used any more.
async fn show(pools: &[Pool]) -> io::Result<()> {
    let mut shown = serde_json::Map::new();
    for pool in pools {
        pool.has_moved().await;
        shown.insert(pool.name(), pool.fingerprint().into());
    }
    write("run/fingerprints.json", serde_json::Value::Object(shown).to_string().as_bytes())
}

/// Replaces a file in one step: whoever reads it sees the old text or the new one.
fn write(path: &str, text: &[u8]) -> io::Result<()> {
    let path = Path::new(path);
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text)?;
    file.persist(path)?;
    Ok(())
}
