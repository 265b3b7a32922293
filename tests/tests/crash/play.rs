//! One point: a scene, and what must hold there.

use std::{collections::BTreeSet, fmt};

use keywheel_tests::{
    Consumer, Habit, Place, Scene,
    crash::{self, End, Recovered, Spot, Story, expect},
    files_holding, fingerprint, hidden_versions,
};

use crate::form::Form;

/// Where a run is killed.
pub(crate) struct Point {
    pub(crate) form: Form,
    pub(crate) story: Story,
    spot: Spot,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { form, story, spot } = self;
        write!(f, "{form}, {story}, {spot}")
    }
}

/// Every point of a story.
pub(crate) fn boundaries(form: Form, story: Story) -> Vec<Point> {
    let spots = crash::boundaries(&mut Stage::set(form, story));
    spots.into_iter().map(|spot| Point { form, story, spot }).collect()
}

/// Kills one run there and recovers.
pub(crate) fn play(point: &Point) -> Result<Recovered, String> {
    crash::kill(&mut Stage::set(point.form, point.story), &point.spot)
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
        let overlap = story.overlap(form.is_ring());
        let entry = format!("  db: {{ {}, overlap: {overlap}, consumers: [app] }}\n", form.entry());
        let (deadline, habit) = match story {
            Story::DeadlinePassed => ("1s", Habit::NeverReloads),
            Story::Forwards
            | Story::ForwardsWithOverlap
            | Story::RolledBackByHand
            | Story::RolledBackAfterTheKill
            | Story::Refused => ("20s", Habit::Reloads),
        };
        let scene = Scene::with_deadline(deadline, "roll-back", &entry);
        scene.write("secrets/db", Scene::OLD);
        let places = form.places();
        let consumer = Consumer::start(scene.path(), &[("db", &places[0], form.is_ring())], habit);
        Self { form, story, places, consumer, scene, seen: BTreeSet::new() }
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

impl crash::Stage for Stage {
    fn story(&self) -> Story {
        self.story
    }

    fn scene(&self) -> &Scene {
        &self.scene
    }

    fn scene_mut(&mut self) -> &mut Scene {
        &mut self.scene
    }

    fn both_are_accepted(&self) -> bool {
        self.form.is_ring()
    }

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

    fn has_ended(&mut self, end: End) -> Result<(), String> {
        let directory = self.scene.path();
        let current = self.places[0].read(directory).ok_or("the primary store has no value")?;
        let is_old = current == Scene::OLD.as_bytes();
        expect(is_old == (end == End::Old), || format!("the end is {end:?}, not reached"))?;
        for place in &self.places {
            expect(place.read(directory).as_ref() == Some(&current), || {
                format!("{place:?} holds another value")
            })?;
        }
        let used = self.consumer.uses("db");
        expect(used == Some(fingerprint(&current)), || format!("the consumer uses {used:?}"))?;
        self.the_other_value_is_gone(&current)?;
        self.scene.unsettled()?;
        self.look();
        expect(self.seen.len() <= 2, || format!("one rotation made {} new values", self.seen.len() - 1))
    }
}

/// The old value, or one as the generator makes them.
fn is_whole(value: &[u8], form: Form) -> bool {
    let length = if form.is_ring() { 88 } else { 32 };
    value == Scene::OLD.as_bytes() || value.len() == length
}
