//! One point: a scene, a kill, a look from outside, a recovery, a last look.

use std::{collections::BTreeSet, fmt, time::Duration};

use keywheel_tests::{Consumer, Place, Said, Scene, files_holding, fingerprint, hidden_versions, pause};

use crate::{
    form::Form,
    story::{End, Story},
};

const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;

/// `resume` may take so many calls: one that ends the undo says 20, the next one 0.
const RESUMES: usize = 3;

/// Where a run is killed.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) form: Form,
    pub(crate) story: Story,
    leg: usize,
    number: usize,
    /// The action and the place around it, as the failpoints write them.
    pub(crate) at: String,
}

/// How a point ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recovered {
    KilledOnce,
    KilledTwice,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { form, story, leg, number, at } = self;
        write!(f, "{form}, {story}, command {}, point {number} ({at})", leg + 1)
    }
}

/// Every point of a story: runs it once, unharmed, and has the boundaries written down.
pub(crate) fn boundaries(form: Form, story: Story) -> Vec<Point> {
    let stage = Stage::set(form, story);
    let mut points = Vec::new();
    for (leg, command) in story.legs().iter().enumerate() {
        let log = format!("boundaries-{leg}");
        let said = stage.scene.command(command.arguments).env("KEYWHEEL_CRASH_LOG", &log).run();
        said.exits(command.code);
        if !command.killed {
            continue;
        }
        let log = String::from_utf8(stage.scene.read(&log)).expect("the log is text");
        points.extend(log.lines().enumerate().map(|(index, line)| {
            let at = line.split('\t').skip(2).collect::<Vec<_>>().join(", ");
            Point { form, story, leg, number: index + 1, at }
        }));
    }
    stage.has_ended().unwrap_or_else(|why| panic!("{form}, {story}, unharmed: {why}"));
    points
}

/// Kills one run there and recovers.
pub(crate) fn play(point: &Point) -> Result<Recovered, String> {
    let mut stage = Stage::set(point.form, point.story);
    stage.play(point).map_err(|why| format!("{why}\n  the scene is kept in {}", stage.scene.keep().display()))
}

struct Stage {
    form: Form,
    story: Story,
    places: Vec<Place>,
    consumer: Consumer,
    scene: Scene,
    /// Every value that was seen anywhere: a rotation makes one, whatever becomes of it.
    seen: BTreeSet<Vec<u8>>,
}

impl Stage {
    fn set(form: Form, story: Story) -> Self {
        let entry =
            format!("  db: {{ {}, overlap: {}, consumers: [app] }}\n", form.entry(), story.overlap(form));
        let scene = Scene::with_deadline(story.deadline(), "roll-back", &entry);
        scene.write("secrets/db", Scene::OLD);
        let places = form.places();
        let consumer = Consumer::start(scene.path(), &[("db", &places[0], form.is_ring())], story.habit());
        Self { form, story, places, consumer, scene, seen: BTreeSet::new() }
    }

    fn play(&mut self, point: &Point) -> Result<Recovered, String> {
        let mut recovered = Recovered::KilledOnce;
        for (leg, command) in self.story.legs().iter().enumerate() {
            if leg != point.leg {
                let said = self.scene.keywheel(command.arguments);
                expect(said.code() == Some(command.code), || {
                    format!("{:?} says {}", command.arguments, told(&said))
                })?;
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
        self.look();
        expect(self.seen.len() <= 2, || format!("one rotation made {} new values", self.seen.len() - 1))?;
        Ok(recovered)
    }

    fn resume(&self) -> Result<(), String> {
        for _ in 0..RESUMES {
            let said = self.scene.keywheel(&["resume", "--yes"]);
            match (said.code(), self.story.end()) {
                (Some(0), _) => return self.outwait_the_overlap(),
                (Some(20), End::Old) => {}
                (_, End::Old | End::New) => return Err(format!("resume says {}", told(&said))),
            }
        }
        Err(format!("{RESUMES} calls of resume did not end it"))
    }

    /// A `resume` that finds the way back waiting for its overlap leaves it to the next one.
    fn outwait_the_overlap(&self) -> Result<(), String> {
        if self.story.overlap(self.form) != "1s" {
            return Ok(());
        }
        pause(Duration::from_secs(1));
        let said = self.scene.keywheel(&["resume", "--yes"]);
        expect(matches!(said.code(), Some(0 | 20)), || {
            format!("resume after the overlap says {}", told(&said))
        })
    }

    /// Every value that is durable somewhere.
    fn look(&mut self) -> BTreeSet<Vec<u8>> {
        let directory = self.scene.path();
        let beside = |suffix| self.places.iter().filter_map(move |place| place.beside(suffix));
        let visible = self.places.iter().cloned().chain(beside(".next")).chain(beside(".previous"));
        let mut durable: BTreeSet<_> = visible.filter_map(|place| place.read(directory)).collect();
        durable.extend(hidden_versions(directory));
        self.seen.extend(durable.iter().cloned());
        durable
    }

    /// What must hold at every instant.
    fn nobody_is_locked_out(&mut self) -> Result<(), String> {
        let durable: BTreeSet<_> = self.look().iter().map(|value| fingerprint(value)).collect();
        let used = self.consumer.uses("db").ok_or("the consumer shows nothing")?;
        expect(durable.contains(&used), || format!("the consumer uses {used}, which no store has any more"))?;
        for place in &self.places {
            let current = place.read(self.scene.path()).ok_or_else(|| format!("{place:?} shows no value"))?;
            expect(is_whole(&current, self.form), || format!("{place:?} shows a part of a value"))?;
            let current = fingerprint(&current);
            // Nobody may sign with a key that somebody cannot check yet.
            let accepted = !self.form.is_ring() || self.consumer.accepts("db").contains(&current);
            expect(accepted, || format!("{current} is current, and the consumer does not accept it"))?;
        }
        self.the_rest_is_untouched()?;
        expect(self.seen.len() <= 2, || format!("one rotation made {} new values", self.seen.len() - 1))
    }

    /// Whatever else stands in the files that hold a value.
    fn the_rest_is_untouched(&self) -> Result<(), String> {
        let directory = self.scene.path();
        let read = |place: Place| place.read(directory);
        let variable = |name: &str| read(Place::Variable("app.env".to_owned(), name.to_owned()));
        let field = |pointer: &str| read(Place::Field("config.json".to_owned(), pointer.to_owned()));
        let whole = variable("PORT").as_deref() == Some(b"8080")
            && variable("LOG").as_deref() == Some(b"info")
            && field("/db/user").as_deref() == Some(b"app");
        expect(whole, || "other settings in the same file are not what they were".to_owned())
    }

    /// What must hold in the end.
    fn has_ended(&self) -> Result<(), String> {
        let directory = self.scene.path();
        let current = self.places[0].read(directory).ok_or("the primary store has no value")?;
        let is_old = current == Scene::OLD.as_bytes();
        expect(is_old == (self.story.end() == End::Old), || {
            format!("the end is {:?}, not reached", self.story.end())
        })?;
        for place in &self.places {
            expect(place.read(directory).as_ref() == Some(&current), || {
                format!("{place:?} holds another value")
            })?;
        }
        let used = self.consumer.uses("db");
        expect(used == Some(fingerprint(&current)), || format!("the consumer uses {used:?}"))?;
        self.the_other_value_is_gone(&current)?;
        self.scene.unsettled()
    }

    fn the_other_value_is_gone(&self, current: &[u8]) -> Result<(), String> {
        let others = self.seen.iter().map(Vec::as_slice).chain([Scene::OLD.as_bytes()]);
        for other in others.filter(|value| *value != current) {
            let mut left = files_holding(self.scene.path(), other);
            // Stores that are not the secret's own hold what they held.
            left.retain(|path| {
                let other_store = path.ends_with("app.env")
                    || path.ends_with("config.json")
                    || path.ends_with("secrets/db");
                !other_store || self.is_ours(path)
            });
            expect(left.is_empty(), || format!("the other value is still in {left:?}"))?;
        }
        Ok(())
    }

    fn is_ours(&self, path: &std::path::Path) -> bool {
        self.places.iter().any(|place| match place {
            Place::File(file) | Place::Variable(file, _) | Place::Field(file, _) => path.ends_with(file),
        })
    }
}

/// The old value, or one as the generator makes them.
fn is_whole(value: &[u8], form: Form) -> bool {
    let length = if form.is_ring() { 88 } else { 32 };
    value == Scene::OLD.as_bytes() || value.len() == length
}

fn expect(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

fn told(said: &Said) -> String {
    format!("{}:\n{}", said.status, said.words())
}
