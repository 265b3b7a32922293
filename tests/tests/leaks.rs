//! Everything that a run at TRACE writes outside the stores, searched for every value, in every encoding, in pieces.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt::Write,
    path::Path,
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use keywheel_tests::{Consumer, Habit, Place, Scene, files_below, hidden_versions};

/// Shorter pieces turn up by chance.
const PIECE: usize = 12;

const SECRETS: &str = r"  db: { generate: password, stores: [files], consumers: [app], overlap: 1h }
  variable: { generate: password, stores: [{ store: dotenv, key: DB }], consumers: [app], overlap: 0s }
  field: { generate: { password: { length: 40 } }, stores: [{ store: config, key: /db/password }], overlap: 1h }
  ring: { flow: signing-key, generate: { bytes: { length: 64, encoding: base64 } }, stores: [files], consumers: [app], overlap: 1h }
  cookie: { flow: signing-key, generate: cookie-key, stores: [files], overlap: 1h }
  pair: { flow: signing-key, generate: { key-pair: { algorithm: ed25519 } }, stores: [files], overlap: 0s }
  both: { generate: password, stores: [files, { store: config, key: /both }], overlap: 0s }
  piped: { provided: stdin, stores: [files], overlap: 1h }
  inbox: { provided: { file: ./inbox }, stores: [{ store: config, key: /inbox }], overlap: 0s }
";

#[test]
fn no_value_is_found_anywhere_outside_the_stores() {
    let mut hunt = Hunt::set();
    hunt.everything();
    let values = hunt.values.len();
    assert!(values >= 15, "only {values} values were made");
    let pieces = hunt.pieces();
    let control = hunt.found_in_stores(&pieces);
    assert!(control >= 8, "the search finds only {control} of the values where they are");
    let searched: usize = hunt.written.iter().map(|(_, bytes)| bytes.len()).sum();
    let logged: usize = hunt.written.iter().map(|(_, bytes)| log_lines(bytes)).sum();
    println!(
        "{values} values, {} pieces, {searched} bytes in {} outputs, {logged} lines of log among them",
        pieces.len(),
        hunt.written.len()
    );
    let found: BTreeSet<_> = hunt
        .written
        .iter()
        .filter_map(|(name, bytes)| Some(format!("{name}: {}", pieces.get(hit(bytes, &pieces)?)?)))
        .collect();
    assert!(found.is_empty(), "values were found in {found:#?}");
    assert!(searched > 100_000, "only {searched} bytes were searched");
}

struct Hunt {
    scene: Scene,
    consumer: Consumer,
    /// Every value that was seen in a store, and the name of what it was.
    values: BTreeMap<Vec<u8>, String>,
    /// Everything that was written elsewhere.
    written: Vec<(String, Vec<u8>)>,
}

/// Pieces of values, and what they are pieces of.
type Pieces = BTreeMap<Vec<u8>, String>;

impl Hunt {
    fn set() -> Self {
        let scene = Scene::new(SECRETS);
        for (name, value) in
            [("db", "old-db"), ("ring", "old-ring"), ("both", "old-both"), ("piped", "old-piped")]
        {
            scene.write(&format!("secrets/{name}"), format!("{value}-Zq81-aYb3-9Kd0-Ww2x-Lm7P"));
        }
        scene.write("config.json", r#"{ "db": { "user": "app", "password": "old-field-\"quoted\"-7Ht2-Vx9c" }, "both": "old-both-Zq81-aYb3-9Kd0-Ww2x-Lm7P", "inbox": "old-inbox-5Gy8-Nb3z" }"#);
        scene.write("inbox", "a-value-of-a-console-4Rw7 with \"quotes\" & 0Jp6");
        let env = Place::Variable("app.env".to_owned(), "DB".to_owned());
        let uses = [
            ("db", Place::file("secrets/db"), false),
            ("variable", env, false),
            ("ring", Place::file("secrets/ring"), true),
        ];
        let uses: Vec<_> = uses.iter().map(|(name, place, ring)| (*name, place, *ring)).collect();
        let consumer = Consumer::start(scene.path(), &uses, Habit::Reloads);
        Self { scene, consumer, values: BTreeMap::new(), written: Vec::new() }
    }

    fn everything(&mut self) {
        self.remember();
        for command in
            ["check", "doctor", "list", "status", "verify", "plan --all", "plan --all --output json"]
        {
            self.run(command);
        }
        self.run("plan --all --out saved.plan");
        self.run("rotate --all --yes");
        self.run_with("rotate piped --yes --value-from-stdin", b"piped-in-by-a-person-2Tz5-Qk8m");
        self.run("rotate db ring --yes --force --output json");
        self.run("rollback cookie --yes --reason leaks");
        self.run("retire ring --yes");
        self.run("retire field --yes --output json");
        for number in [2, 3, 6, 7, 11] {
            self.die("rotate both pair variable --yes --force", number);
            self.run("status --output json");
            self.run("resume --yes");
        }
        self.trouble();
        for command in [
            "check --output json",
            "history db",
            "history ring --output json",
            "verify --output json",
            "audit show --limit 500",
            "audit show --output json",
            "audit verify",
            "status --output json",
            "doctor",
        ] {
            self.run(command);
        }
        self.collect_files();
    }

    /// Failures are where a message might quote what it could not read.
    fn trouble(&mut self) {
        self.die("rotate both --yes --force", 4);
        self.scene.write("secrets/both", "an-editor-wrote-this-6Xc1-Pd4v");
        self.run("resume --yes");
        let document = self.scene.read("config.json");
        let cut = document.len() - 5;
        self.scene.write("config.json", &document[..cut]);
        for command in ["plan --all", "rotate field inbox --yes", "check", "verify", "doctor"] {
            self.run(command);
        }
        self.scene.write("config.json", document);
        let env = self.scene.read("app.env");
        self.scene.write("app.env", [&env[..], b"BROKEN='not closed 8Fs3-Hn6b-0Lw9"].concat());
        self.values.insert(b"not closed 8Fs3-Hn6b-0Lw9".to_vec(), "broken line".to_owned());
        for command in ["plan --all", "rotate variable --yes", "check", "verify"] {
            self.run(command);
        }
        self.scene.write("app.env", env);
        self.run_with("rotate piped --yes --value-from-stdin", b"\xff\xfe\x00bytes-that-are-no-text-1Mv4");
        self.values.insert(b"\xff\xfe\x00bytes-that-are-no-text-1Mv4".to_vec(), "piped bytes".to_owned());
        self.consumer.die();
        self.run("rotate db --yes --force --patience 0s");
        self.run("rollback db --yes --reason leaks --patience 0s");
        self.run("retire db --pending --yes");
    }

    fn run(&mut self, command: &str) {
        self.run_with(command, b"");
    }

    fn run_with(&mut self, command: &str, input: &[u8]) {
        let said = self.command(command).run_with_input(input);
        self.written.push((format!("stdout of {command}"), said.stdout.into_bytes()));
        self.written.push((format!("stderr of {command}"), said.stderr.into_bytes()));
        self.remember();
    }

    fn die(&mut self, command: &str, number: usize) {
        let said = self.command(command).dying_at(number, "abort").run();
        assert_eq!(said.code(), None, "{}", said.words());
        self.written.push((format!("stdout of {command}, killed"), said.stdout.into_bytes()));
        self.written.push((format!("stderr of {command}, killed"), said.stderr.into_bytes()));
        self.remember();
    }

    fn command(&self, command: &str) -> keywheel_tests::Keywheel {
        let mut arguments: Vec<_> = command.split(' ').collect();
        arguments.push("-vvv");
        self.scene.command(&arguments).env("KEYWHEEL_LOG", "trace").env("RUST_BACKTRACE", "full")
    }

    /// Every value that stands in a store now.
    fn remember(&mut self) {
        let directory = self.scene.path();
        let mut values: Vec<Vec<u8>> = hidden_versions(directory);
        values.extend(
            files_below(&directory.join("secrets")).iter().filter_map(|path| std::fs::read(path).ok()),
        );
        for pointer in ["/db/password", "/both", "/inbox"] {
            values.extend(Place::Field("config.json".to_owned(), pointer.to_owned()).read(directory));
        }
        values.extend(Place::Variable("app.env".to_owned(), "DB".to_owned()).read(directory));
        values.extend(Place::file("inbox").read(directory));
        for value in values {
            let number = self.values.len();
            self.values.entry(value).or_insert_with(|| format!("value {number}"));
        }
    }

    /// Journal, audit, keys, plans, whatever else there is: all files but the stores.
    fn collect_files(&mut self) {
        let directory = self.scene.path();
        for path in files_below(directory) {
            let name = path.strip_prefix(directory).unwrap_or(&path);
            if !is_store(name) {
                self.written.push((name.display().to_string(), std::fs::read(&path).expect("it is there")));
            }
        }
    }

    fn pieces(&self) -> Pieces {
        let mut pieces = Pieces::new();
        for (value, name) in &self.values {
            for (encoding, text) in encodings(value) {
                for piece in text.windows(PIECE).filter(|piece| !is_framing(piece)) {
                    pieces.entry(piece.to_vec()).or_insert_with(|| format!("{name}, {encoding}"));
                }
            }
        }
        pieces
    }

    fn found_in_stores(&self, pieces: &Pieces) -> usize {
        let directory = self.scene.path();
        files_below(directory)
            .iter()
            .filter(|path| is_store(path.strip_prefix(directory).unwrap_or(path)))
            .filter(|path| std::fs::read(path).is_ok_and(|bytes| hit(&bytes, pieces).is_some()))
            .count()
    }
}

/// Lines that `tracing` wrote: how much of what was searched is log.
fn log_lines(bytes: &[u8]) -> usize {
    let levels = [" TRACE ", " DEBUG ", "  INFO ", "  WARN ", " ERROR "];
    let text = String::from_utf8_lossy(bytes);
    text.lines().filter(|line| levels.iter().any(|level| line.contains(level))).count()
}

fn is_store(name: &Path) -> bool {
    let stores = ["secrets", "app.env", "config.json", "inbox", ".keywheel/pending", ".keywheel/previous"];
    stores.iter().any(|store| name.starts_with(store))
}

/// What every PEM file has, and no key.
fn is_framing(piece: &[u8]) -> bool {
    let framing = b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n-----BEGIN PUBLIC KEY-----";
    framing.windows(PIECE).any(|window| window == piece)
}

fn hit<'b>(bytes: &'b [u8], pieces: &Pieces) -> Option<&'b [u8]> {
    let known: HashSet<&[u8]> = pieces.keys().map(Vec::as_slice).collect();
    bytes.windows(PIECE).find(|window| known.contains(window))
}

fn encodings(value: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex = value.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let decimal: Vec<_> = value.iter().map(u8::to_string).collect();
    let json = serde_json::to_string(&String::from_utf8_lossy(value)).expect("text is JSON");
    let mut encodings = vec![
        ("raw", value.to_vec()),
        ("upper-case hex", hex.to_uppercase().into_bytes()),
        ("hex", hex.into_bytes()),
        ("JSON", json.into_bytes()),
        ("Rust's Debug of bytes", decimal.join(", ").into_bytes()),
        ("Rust's Debug of text", value.escape_ascii().to_string().into_bytes()),
    ];
    // A value may begin at any of the three places of base64's groups.
    for skipped in 0..value.len().min(3) {
        encodings.push(("base64", STANDARD_NO_PAD.encode(&value[skipped..]).into_bytes()));
        encodings.push(("base64url", URL_SAFE_NO_PAD.encode(&value[skipped..]).into_bytes()));
    }
    encodings
}
