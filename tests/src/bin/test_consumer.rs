//! A stand-in for an application: it reads its secrets, reads them again on SIGHUP, and shows the fingerprint of each.
//!
//! `test-consumer [--never | --after=MILLISECONDS] (one|ring)=NAME=PLACE…`; a ring also accepts `.next` and `.previous`.
//! It writes `run/app.pid` and `run/fingerprints.json`, and ends with its standard input.

use std::{fs, io, io::Read, io::Write, path::Path, time::Duration};

use keywheel_tests::{Place, fingerprint, pause};
use serde_json::{Map, Value, json};
use tokio::signal::unix::{SignalKind, signal};

struct Use {
    name: String,
    place: Place,
    ring: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let never = arguments.iter().any(|argument| argument == "--never");
    let after = arguments.iter().find_map(|argument| argument.strip_prefix("--after=")?.parse().ok());
    let uses: Vec<_> = arguments.iter().filter_map(|argument| read_use(argument)).collect();

    // Before the pid is shown: a SIGHUP that comes right after must find its handler.
    let mut reload = signal(SignalKind::hangup())?;
    fs::create_dir_all("run")?;
    show(&uses)?;
    write_whole("run/app.pid", &format!("{}\n", std::process::id()))?;
    std::thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0)
    });
    while reload.recv().await.is_some() {
        if never {
            continue;
        }
        pause(Duration::from_millis(after.unwrap_or(0)));
        show(&uses)?;
    }
    Ok(())
}

fn read_use(argument: &str) -> Option<Use> {
    let (kind, rest) = argument.split_once('=')?;
    let (name, place) = rest.split_once('=')?;
    Some(Use { name: name.to_owned(), place: Place::parse(place)?, ring: kind == "ring" })
}

fn show(uses: &[Use]) -> io::Result<()> {
    let mut shown = Map::new();
    for Use { name, place, ring } in uses {
        let of = |place: &Place| place.read(Path::new(".")).map(|value| fingerprint(&value));
        let current = of(place);
        let fingerprints = if *ring {
            let beside = |suffix: &&str| place.beside(suffix).as_ref().and_then(of);
            let accepted: Vec<_> = ["", ".next", ".previous"].iter().filter_map(beside).collect();
            json!({ "current": current, "accepted": accepted })
        } else {
            json!(current)
        };
        shown.insert(name.clone(), fingerprints);
    }
    write_whole("run/fingerprints.json", &Value::Object(shown).to_string())
}

/// A reader sees the old text or the new one, never a part.
fn write_whole(path: &str, text: &str) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in("run")?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}
