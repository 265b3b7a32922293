//! One point: a user, a kill, a look from outside, a recovery, a last look.

use std::{
    collections::BTreeSet,
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use keywheel_tests::{Said, Scene, hidden_versions, pause};

use crate::{
    server::{Server, Strategy},
    story::Story,
};

const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;

/// `resume` may take so many calls: one that ends the undo says 20, the next one 0.
const RESUMES: usize = 3;

/// Where a run is killed.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) strategy: Strategy,
    pub(crate) story: Story,
    leg: usize,
    number: usize,
    /// The action and the place around it, as the failpoints write them.
    at: String,
}

/// How a point ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recovered {
    KilledOnce,
    KilledTwice,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { strategy, story, leg, number, at } = self;
        write!(f, "{strategy}, {story}, command {}, point {number} ({at})", leg + 1)
    }
}

/// Every point of a story: runs it once, unharmed, and has the boundaries written down.
pub(crate) fn boundaries(server: &dyn Server, strategy: Strategy, story: Story) -> Vec<Point> {
    let mut stage = Stage::set(server, strategy, story);
    let mut points = Vec::new();
    for (leg, command) in story.legs().iter().enumerate() {
        let log = format!("boundaries-{leg}");
        stage.scene.command(command.arguments).env("KEYWHEEL_CRASH_LOG", &log).run().exits(0);
        if !command.killed {
            continue;
        }
        let log = String::from_utf8(stage.scene.read(&log)).expect("the log is text");
        points.extend(log.lines().enumerate().map(|(index, line)| {
            let at = line.split('\t').skip(2).collect::<Vec<_>>().join(", ");
            Point { strategy, story, leg, number: index + 1, at }
        }));
    }
    stage
        .outwait_the_overlap()
        .and_then(|()| stage.has_ended())
        .unwrap_or_else(|why| panic!("{strategy}, {story}, unharmed: {why}"));
    points
}

/// Kills one run there and recovers.
pub(crate) fn play(server: &dyn Server, point: &Point) -> Result<Recovered, String> {
    let mut stage = Stage::set(server, point.strategy, point.story);
    stage.play(point).map_err(|why| format!("{why}\n  the scene is kept in {}", stage.scene.keep().display()))
}

/// A user and a password, as the document says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Login {
    user: String,
    password: String,
}

struct Stage<'a> {
    server: &'a dyn Server,
    strategy: Strategy,
    story: Story,
    scene: Scene,
    old: Login,
    /// Every credential that was seen anywhere.
    seen: BTreeSet<Login>,
}

impl<'a> Stage<'a> {
    fn set(server: &'a dyn Server, strategy: Strategy, story: Story) -> Self {
        static USERS: AtomicUsize = AtomicUsize::new(0);
        let user = format!("app_{}", USERS.fetch_add(1, Ordering::Relaxed));
        let old = Login { user, password: Scene::OLD.to_owned() };
        server.create(&old.user, &old.password);
        let scene = Scene::empty();
        std::fs::create_dir(scene.path().join("secrets")).expect("a directory");
        scene.write("admin", server.administrator());
        let document = serde_json::json!({
            "username": old.user, "password": old.password, "pool": { "size": 4 },
        });
        scene.write("secrets/db", document.to_string());
        let inventory = format!(
            "version: 1\n\nstores:\n  files:\n    directory: {{ path: ./secrets }}\n\nrotators:\n  server:\n{}\n\n\
             secrets:\n  db: {{ generate: password, stores: [files], layout: document, rotator: server, \
             identity: {}, overlap: {} }}\n",
            server.rotator(strategy),
            old.user,
            story.overlap(strategy),
        );
        scene.write("keywheel.yaml", inventory);
        let seen = BTreeSet::from([old.clone()]);
        Self { server, strategy, story, scene, old, seen }
    }

    fn play(&mut self, point: &Point) -> Result<Recovered, String> {
        let mut recovered = Recovered::KilledOnce;
        for (leg, command) in self.story.legs().iter().enumerate() {
            if leg != point.leg {
                let said = self.scene.keywheel(command.arguments);
                expect(said.code() == Some(0), || format!("{:?} says {}", command.arguments, told(&said)))?;
                continue;
            }
            let (with, signal) =
                if point.number.is_multiple_of(4) { ("SIGKILL", SIGKILL) } else { ("abort", SIGABRT) };
            let said = self.scene.command(command.arguments).dying_at(point.number, with).run();
            expect(said.signal() == Some(signal), || format!("not killed by {with}: {}", told(&said)))?;
            self.nobody_is_locked_out().map_err(|why| format!("after the kill: {why}"))?;
            let recovery = self.story.recovery();
            // A share of the recoveries is killed as well, at different distances from its start.
            if point.number.is_multiple_of(3) {
                let number = 1 + point.number / 3 % 8;
                let said = self.scene.command(recovery).dying_at(number, "abort").run();
                if said.signal() == Some(SIGABRT) {
                    recovered = Recovered::KilledTwice;
                }
                self.nobody_is_locked_out().map_err(|why| format!("after the second kill: {why}"))?;
            } else if self.story == Story::RolledBackAfterTheKill {
                let said = self.scene.keywheel(recovery);
                expect(said.code() == Some(0), || format!("rollback says {}", told(&said)))?;
            }
            self.resume()?;
            if self.story == Story::RolledBackAfterTheKill {
                break;
            }
        }
        self.has_ended()?;
        Ok(recovered)
    }

    fn resume(&self) -> Result<(), String> {
        for _ in 0..RESUMES {
            let said = self.scene.keywheel(&["resume", "--yes"]);
            match (said.code(), self.story.ends_with_the_new_value()) {
                (Some(0), _) => return self.outwait_the_overlap(),
                (Some(20), false) => {}
                (_, true | false) => return Err(format!("resume says {}", told(&said))),
            }
        }
        Err(format!("{RESUMES} calls of resume did not end it"))
    }

    /// A `resume` that finds the way back waiting for its overlap leaves it to the next one.
    fn outwait_the_overlap(&self) -> Result<(), String> {
        if self.story.overlap(self.strategy) != "1s" {
            return Ok(());
        }
        pause(Duration::from_secs(1));
        let said = self.scene.keywheel(&["resume", "--yes"]);
        expect(matches!(said.code(), Some(0 | 20)), || {
            format!("resume after the overlap says {}", told(&said))
        })
    }

    fn current(&self) -> Result<Login, String> {
        login(&self.scene.read("secrets/db"))
    }

    /// What must hold at every instant.
    fn nobody_is_locked_out(&mut self) -> Result<(), String> {
        let current = self.current()?;
        let mut durable = BTreeSet::from([current.clone()]);
        for hidden in hidden_versions(self.scene.path()) {
            durable.insert(login(&hidden)?);
        }
        self.seen.extend(durable.iter().cloned());
        let current_works = self.accepts(&current);
        expect(current_works || !self.strategy.keeps_old(), || {
            format!("`{}` is current, and cannot log in", current.user)
        })?;
        expect(current_works || durable.iter().any(|login| self.accepts(login)), || {
            "no durable version logs in".to_owned()
        })?;
        expect(self.seen.len() <= 2, || format!("one rotation made {} new values", self.seen.len() - 1))
    }

    fn accepts(&self, login: &Login) -> bool {
        self.server.accepts(&login.user, &login.password)
    }

    /// What must hold in the end.
    fn has_ended(&mut self) -> Result<(), String> {
        let current = self.current()?;
        self.seen.insert(current.clone());
        let is_new = current != self.old;
        expect(is_new == self.story.ends_with_the_new_value(), || "it ended the other way".to_owned())?;
        expect(self.accepts(&current), || format!("`{}` is current, and cannot log in", current.user))?;
        for other in self.seen.iter().filter(|seen| **seen != current) {
            expect(!self.accepts(other), || format!("`{}` logs in with the other value", other.user))?;
        }
        let rest: serde_json::Value =
            serde_json::from_slice(&self.scene.read("secrets/db")).map_err(|error| error.to_string())?;
        expect(rest["pool"]["size"] == 4, || "the rest of the document is gone".to_owned())?;
        self.scene.unsettled()
    }
}

fn login(document: &[u8]) -> Result<Login, String> {
    let document: serde_json::Value = serde_json::from_slice(document)
        .map_err(|error| format!("a store shows part of a value: {error}"))?;
    let text = |name: &str| document[name].as_str().map(str::to_owned).ok_or(format!("no `{name}`"));
    Ok(Login { user: text("username")?, password: text("password")? })
}

fn expect(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

fn told(said: &Said) -> String {
    format!("{}:\n{}", said.status, said.words())
}
