//! A panic in every step, at each of its boundary points, for every kind of secret; an abort at a share of them.

use keywheel_tests::{Consumer, Habit, Place, at_once};

use crate::ground::{Figures, Ground};

/// Scenes at once: most of the time they wait for disks and processes.
const AT_ONCE: usize = 4;

/// Every so many points there is an abort as well.
const ABORTED: usize = 4;

/// A kind of secret: its name, its entry, where it stands, whether its consumers accept several values.
type Kind = (&'static str, &'static str, &'static [&'static str], bool);

const KINDS: [Kind; 9] = [
    ("password", "generate: password, stores: [files]", &["file:secrets/db"], false),
    ("variable", "generate: password, stores: [{ store: dotenv, key: DB }]", &["variable:app.env:DB"], false),
    (
        "field",
        "generate: password, stores: [{ store: config, key: /db/password }]",
        &["field:config.json:/db/password"],
        false,
    ),
    (
        "two stores",
        "generate: password, stores: [files, { store: config, key: /both }]",
        &["file:secrets/db", "field:config.json:/both"],
        false,
    ),
    (
        "raw bytes",
        "generate: { bytes: { length: 32, encoding: raw } }, stores: [files]",
        &["file:secrets/db"],
        false,
    ),
    (
        "signing key",
        "flow: signing-key, generate: { bytes: { length: 64, encoding: base64 } }, stores: [files]",
        &["file:secrets/db"],
        true,
    ),
    ("cookie key", "flow: signing-key, generate: cookie-key, stores: [files]", &["file:secrets/db"], true),
    (
        "key pair",
        "flow: signing-key, generate: { key-pair: { algorithm: ed25519 } }, stores: [files]",
        &["file:secrets/db"],
        true,
    ),
    ("provided", "provided: { file: ./inbox }, stores: [files]", &["file:secrets/db"], false),
];

/// What happens to the secret.
#[derive(Clone, Copy, Debug)]
enum Story {
    /// Rotated, and the overlap cut short.
    Forwards,
    /// Rotated, and rolled back by a person.
    Back,
    /// The consumer never moves: rotated and rolled back in one run, so that the new value comes and goes in it.
    InVain,
}

const STORIES: [Story; 3] = [Story::Forwards, Story::Back, Story::InVain];

impl Story {
    fn legs(self) -> &'static [&'static str] {
        match self {
            Self::Forwards => &["rotate db --yes --patience 0s", "retire db --yes"],
            Self::Back => &[
                "rotate db --yes --patience 0s --output json",
                "rollback db --yes --reason leaks --output json",
            ],
            Self::InVain => &["rotate db --yes"],
        }
    }

    fn habit(self) -> Habit {
        match self {
            Self::Forwards | Self::Back => Habit::Reloads,
            Self::InVain => Habit::NeverReloads,
        }
    }

    fn deadline(self) -> &'static str {
        match self {
            Self::Forwards | Self::Back => "20s",
            Self::InVain => "1s",
        }
    }
}

/// Where a run is ended, and how.
struct Point {
    kind: Kind,
    story: Story,
    leg: usize,
    number: usize,
    with: &'static str,
}

/// Every point, or with `share` above 1 one of so many.
pub(crate) fn every_point(share: usize) -> (usize, Figures) {
    let stories: Vec<_> = KINDS.iter().flat_map(|kind| STORIES.map(|story| (*kind, story))).collect();
    let calm = at_once(AT_ONCE, &stories, |(kind, story)| calm(*kind, *story));
    let (points, figures): (Vec<_>, Vec<_>) = calm.into_iter().unzip();
    // Aborts are points of their own, so that the steps take turns in a share as well.
    let points: Vec<_> = points.into_iter().flatten().collect();
    let chosen: Vec<_> = points.into_iter().step_by(share).collect();
    let played = at_once(AT_ONCE, &chosen, play);
    let figures = figures.into_iter().chain(played).fold(Figures::default(), Figures::and);
    (chosen.len(), figures)
}

struct Stage {
    ground: Ground,
    _consumer: Consumer,
}

fn set(kind: Kind, story: Story, label: String) -> Stage {
    let (_, entry, places, ring) = kind;
    // A consumer that shows plain fingerprints cannot show that of a value which a person may have chosen.
    let consumers = if entry.starts_with("provided") { "[spy, reader]" } else { "[app, spy, reader]" };
    let entry = format!("  db: {{ {entry}, overlap: 1h, consumers: {consumers} }}\n");
    let ground = Ground::new(label, story.deadline(), &["db"], &entry);
    let place = places.first().and_then(|place| Place::parse(place)).expect("the table is right");
    let consumer = Consumer::start(ground.scene.path(), &[("db", &place, ring)], story.habit());
    Stage { ground, _consumer: consumer }
}

/// A run in which nothing happens, which tells the points.
fn calm(kind: Kind, story: Story) -> (Vec<Point>, Figures) {
    let mut stage = set(kind, story, format!("{}, {story:?}, unharmed", kind.0));
    let mut points = Vec::new();
    for (leg, command) in story.legs().iter().enumerate() {
        let log = format!("run/boundaries-{leg}");
        stage.ground.run_logging(command, &log);
        let told = stage.ground.scene.read(&log);
        let boundaries = told.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
        assert!(boundaries >= 4, "{}, {story:?}: `{command}` has {boundaries} boundaries", kind.0);
        for number in 1..=boundaries {
            points.push(Point { kind, story, leg, number, with: "panic" });
            if number.is_multiple_of(ABORTED) {
                points.push(Point { kind, story, leg, number, with: "abort" });
            }
        }
    }
    (points, stage.ground.search())
}

fn play(point: &Point) -> Figures {
    let Point { kind, story, leg, number, with } = *point;
    let label = format!("{}, {story:?}, command {}, {with} at {number}", kind.0, leg + 1);
    let mut stage = set(kind, story, label.clone());
    let ground = &mut stage.ground;
    for command in &story.legs()[..leg] {
        ground.run(command);
    }
    let command = story.legs()[leg];
    assert!(ground.die(command, number, with), "{label}: it lived");
    ground.run("status --output json");
    // What a person would do: go on, or go back.
    if number.is_multiple_of(3) {
        ground.run("rollback db --yes --reason leaks");
    }
    ground.run("resume --yes --patience 0s");
    ground.run("history db");
    ground.search()
}
