//! Every command, in text and JSON, at TRACE; and the failures in which a message might quote what it could not read.

use keywheel_tests::{Consumer, Habit, Place};

use crate::ground::{Figures, Ground};

const SECRETS: &str = r"  db: { generate: password, stores: [files], consumers: [app, watcher], overlap: 1h }
  variable: { generate: password, stores: [{ store: dotenv, key: DB }], consumers: [app, spy], overlap: 0s }
  field: { generate: { password: { length: 40 } }, stores: [{ store: config, key: /db/password }], consumers: [spy], overlap: 1h }
  ring: { flow: signing-key, generate: { bytes: { length: 64, encoding: base64 } }, stores: [files], consumers: [app, spy], overlap: 1h }
  cookie: { flow: signing-key, generate: cookie-key, stores: [files], consumers: [spy], overlap: 1h }
  pair: { flow: signing-key, generate: { key-pair: { algorithm: ed25519 } }, stores: [files], overlap: 0s }
  both: { generate: password, stores: [files, { store: config, key: /both }], overlap: 0s }
  raw: { generate: { bytes: { length: 32, encoding: raw } }, stores: [files], overlap: 0s }
  piped: { provided: stdin, stores: [files], overlap: 1h }
  pushed: { generate: password, stores: [files], consumers: [taker, reader], overlap: 1h }
  verified: { flow: signing-key, generate: { bytes: { length: 64, encoding: raw } }, stores: [files], consumers: [taker, reader], overlap: 1h }
  inbox: { provided: { file: ./inbox }, stores: [{ store: config, key: /inbox }], overlap: 0s }
";

const FILES: [&str; 4] = ["db", "ring", "both", "piped"];

/// Runs everything, and searches it.
pub(crate) fn everything() -> Figures {
    let mut ground = Ground::new("everything", "10s", &FILES, SECRETS);
    let env = Place::Variable("app.env".to_owned(), "DB".to_owned());
    let (db, ring) = (Place::file("secrets/db"), Place::file("secrets/ring"));
    let uses = [("db", &db, false), ("variable", &env, false), ("ring", &ring, true)];
    let mut consumer = Consumer::start(ground.scene.path(), &uses, Habit::Reloads);
    good_days(&mut ground);
    kills(&mut ground);
    broken_stores(&mut ground);
    wrong_files(&mut ground);
    consumer.die();
    ground.run("rotate db --yes --force --patience 0s");
    ground.run("rollback db --yes --reason leaks --patience 0s");
    ground.run("retire db --pending --yes");
    looks(&mut ground);
    let figures = ground.search();
    nothing_was_left_out(&ground);
    values_were_handed_over(&ground);
    figures
}

/// Nothing is found in an output that nobody collects.
fn nothing_was_left_out(ground: &Ground) {
    for (name, part) in [
        ("stdout of rotate", "recorded"),
        ("stderr of rotate", " TRACE "),
        ("cmdline of rotate", "--yes"),
        ("journal.db during rotate", "SQLite format 3"),
        ("journal.db-wal during rotate", "fingerprint"),
        ("journal.db-wal after rotate", "fingerprint"),
        ("journal.db-shm during rotate", ""),
        ("journal.db.head after rotate", ""),
        ("saved.plan", "format"),
        (".keywheel/audit/audit.jsonl", "fingerprint"),
        (".keywheel/keys/audit.key", ""),
        // A command's own arguments, environment and input, and the arguments of the keywheel that started it.
        ("run/spy", "./spy\ntold\nwith\narguments"),
        ("run/spy", "KEYWHEEL_PHASE=promoted"),
        ("run/spy", "\"phase\":\"promoted\""),
        ("run/spy", "keywheel-under-test\nrotate"),
        ("run/taker", "./taker\nfile"),
        ("run/taker", "KEYWHEEL_VALUE_FILE=/proc/self/fd/3"),
        ("run/taker", "\"phase\":\"rolled-back\""),
    ] {
        let part = part.as_bytes();
        let holds = |bytes: &[u8]| {
            bytes.len() > part.len()
                && (part.is_empty() || bytes.windows(part.len()).any(|window| window == part))
        };
        let searched =
            ground.outputs.iter().any(|output| output.name.starts_with(name) && holds(&output.bytes));
        assert!(searched, "no `{name}` with `{}` in it was searched", String::from_utf8_lossy(part));
    }
}

/// Values were handed over, in every phase and either way: else that they are nowhere would show nothing.
fn values_were_handed_over(ground: &Ground) {
    let taken = String::from_utf8(ground.scene.read("run/taken")).expect("it is text");
    for phase in ["next-published", "promoted", "rolled-back"] {
        for way in ["stdin", "file"] {
            let whole = |line: &&str| {
                let words: Vec<_> = line.split(' ').collect();
                words[..2] == [way, phase] && words[2].len() == 16 && words[2] == words[3]
            };
            let count = taken.lines().filter(|line| line.starts_with(&format!("{way} {phase} "))).count();
            assert_eq!(taken.lines().filter(whole).count(), count, "another value was handed over: {taken}");
            assert!(count > 0, "{phase}: no value was handed over by {way}: {taken}");
        }
    }
}

fn looks(ground: &mut Ground) {
    for command in [
        "check",
        "doctor",
        "list",
        "status",
        "verify",
        "plan --all",
        "plan --all --dry-run",
        "history db",
        "history ring",
        "fingerprint db",
        "audit show --limit 500",
        "audit verify",
        "schema",
    ] {
        ground.run(command);
        ground.run(&format!("{command} --output json"));
    }
}

fn good_days(ground: &mut Ground) {
    looks(ground);
    ground.run("plan --all --out saved.plan");
    ground.run("rotate --plan saved.plan --yes");
    ground.run("rotate --all --yes --force");
    let piped = [("piped-in-by-a-person-2Tz5-Qk8m", ""), ("piped-in-again-9Lr3-Wd7p", " --output json")];
    for (value, more) in piped {
        ground.values.add("stdin", value);
        ground.run_with(&format!("rotate piped --yes --force --value-from-stdin{more}"), value.as_bytes());
    }
    ground.run_with("fingerprint --stdin", b"piped-in-by-a-person-2Tz5-Qk8m");
    ground.run_with("fingerprint --stdin --output json --mode keyed", b"piped-in-by-a-person-2Tz5-Qk8m");
    ground.run("fingerprint --file secrets/db");
    ground.run("rotate db ring --yes --force --output json");
    ground.run("rotate cookie --yes --force --patience 0s");
    ground.run("rollback cookie --yes --reason leaks");
    ground.run("rollback pushed --yes --reason leaks");
    ground.run("rollback verified --yes --reason leaks");
    // Consumers that print the value and fail.
    ground.scene.write("run/refuse", "");
    ground.run("rotate pushed --yes --force --patience 0s");
    ground.run("rotate verified --yes --force --patience 0s --output json");
    ground.run("status");
    std::fs::remove_file(ground.scene.path().join("run/refuse")).expect("it is there");
    ground.run("resume --yes --patience 0s");
    ground.run("retire ring --yes");
    ground.run("retire field --yes --output json");
    ground.run("vouch db --yes --reason leaks");
    std::fs::create_dir(ground.scene.path().join("made")).expect("the scene is ours");
    for recipe in ["password", "bytes --length 32 --encoding hex", "cookie-key"] {
        ground.generate(&format!("generate {recipe}"));
        ground.run(&format!("generate {recipe} --out made/{}", recipe.replace(' ', "")));
    }
    // The public half is no secret, and nothing of the private one may stand in it.
    ground.run("generate key-pair --algorithm ed25519 --out made/pair.pem --public");
    ground.run("generate key-pair --algorithm ed25519 --out made/pair.jwk --jwk");
}

fn kills(ground: &mut Ground) {
    for (number, with) in
        [(2, "abort"), (3, "panic"), (6, "SIGKILL"), (7, "panic"), (11, "abort"), (14, "panic")]
    {
        let more = if number % 2 == 0 { "" } else { " --output json" };
        let died = ground.die(&format!("rotate both pair raw variable --yes --force{more}"), number, with);
        assert!(died, "it lived through {with} at boundary {number}");
        ground.run("status --output json");
        ground.run(&format!("resume --yes{more}"));
    }
}

fn broken_stores(ground: &mut Ground) {
    ground.die("rotate both --yes --force", 4, "abort");
    ground.scene.write("secrets/both", "an-editor-wrote-this-6Xc1-Pd4v");
    ground.run("resume --yes");
    let document = ground.scene.read("config.json");
    ground.scene.write("config.json", &document[..document.len() - 5]);
    for command in ["plan --all", "rotate field inbox --yes --force", "check", "verify", "doctor"] {
        ground.run(command);
        ground.run(&format!("{command} --output json"));
    }
    ground.scene.write("config.json", document);
    let env = ground.scene.read("app.env");
    ground.scene.write("app.env", [&env[..], b"BROKEN='not closed 8Fs3-Hn6b-0Lw9"].concat());
    ground.values.add("a broken line", &b"not closed 8Fs3-Hn6b-0Lw9"[..]);
    for command in ["plan --all", "rotate variable --yes --force", "check", "verify"] {
        ground.run(command);
    }
    ground.scene.write("app.env", env);
    let bytes = b"\xff\xfe\x00bytes-that-are-no-text-1Mv4";
    ground.values.add("stdin", &bytes[..]);
    ground.run_with("rotate piped --yes --force --value-from-stdin", bytes);
    // What lies aside, damaged in its first line and cut short.
    ground.die("rotate piped --yes --force --value-from-stdin", 3, "abort");
    ground.die("rotate raw --yes --force", 3, "abort");
    for kept in keywheel_tests::pending_files(ground.scene.path()) {
        // What became of the first may have taken the second along.
        let Ok(whole) = std::fs::read(&kept) else { continue };
        for broken in [&whole[1..], &whole[..whole.len() - 3], &whole[whole.len() / 2..]] {
            std::fs::write(&kept, broken).expect("it is ours");
            ground.run("status");
            ground.run("verify --output json");
            ground.run("resume --yes --patience 0s");
        }
        std::fs::write(&kept, whole).expect("it is ours");
    }
    ground.run("resume --yes");
}

/// Every setting that names a file, and every option, given the file of a secret instead.
fn wrong_files(ground: &mut Ground) {
    std::fs::create_dir(ground.scene.path().join("wrong")).expect("the scene is ours");
    ground.scene.write("wrong/text", "\"a-json-string-that-is-a-secret-3Kf9\"");
    ground.scene.write("wrong/digits", "918273645546372819");
    ground.scene.write("wrong/format", "{\"format\": \"a-secret-in-json-7Bt2-Xw5q\"}");
    ground.scene.write("wrong/words", "{\"format\": 1, \"inventory\": [\"one-of-many-secrets-5Zp8\"]}");
    ground.values.add("a wrong file", "a-json-string-that-is-a-secret-3Kf9");
    ground.values.add("a wrong file", "a-secret-in-json-7Bt2-Xw5q");
    ground.values.add("a wrong file", "one-of-many-secrets-5Zp8");
    ground.values.add("a wrong file", "918273645546372819");
    for path in [
        "secrets/db",
        "secrets/ring",
        "secrets/pair",
        "secrets/raw",
        "wrong/text",
        "wrong/digits",
        "wrong/format",
        "wrong/words",
        "app.env",
        "config.json",
        "inbox",
    ] {
        for output in ["text", "json"] {
            ground.run(&format!("check --inventory {path} --output {output}"));
            ground.run(&format!("rotate --plan {path} --yes --output {output}"));
        }
        let inventory = "version: 1\nstate: ./run/wrong\n\
            stores:\n  env: { env-file: { path: ./WRONG } }\n  document: { document: { path: ./WRONG } }\n  \
            directory: { directory: { path: ./WRONG } }\n\
            consumers:\n  pid: { signal: { pid-file: ./WRONG, evidence: { file: { path: ./WRONG } } } }\n  \
            shown: { signal: { pid-file: ./run/app.pid, evidence: { file: { path: ./WRONG, pointer: /a } } } }\n  \
            printed: { command: { command: [./WRONG], evidence: { command: [cat, ./WRONG] } } }\n\
            secrets:\n  a: { generate: password, stores: [{ store: env, key: A }], consumers: [pid], overlap: 0s }\n  \
            b: { generate: password, stores: [{ store: document, key: /a }], consumers: [shown], overlap: 0s }\n  \
            c: { generate: password, stores: [directory], overlap: 0s }\n  \
            d: { provided: { file: ./WRONG }, stores: [new], consumers: [printed], overlap: 0s }\n";
        let inventory =
            inventory.replace("stores:\n  env", "stores:\n  new: { directory: { path: ./run/new } }\n  env");
        ground.scene.write("wrong.yaml", inventory.replace("WRONG", path));
        for command in ["check", "doctor", "plan --all", "verify"] {
            ground.run(&format!("{command} --inventory wrong.yaml"));
        }
    }
}
