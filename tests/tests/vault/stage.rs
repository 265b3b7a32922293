//! A scene with a server of its own, and what must hold there.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use keywheel_tests::{
    Consumer, Habit, Place, Scene,
    crash::{self, End, Story, expect, told},
    files_holding, fingerprint, pause,
};
use keywheel_testservers::Proxy;
use serde_json::{Value, json};

use crate::{
    form::Form,
    server::{Kind, Server},
};

/// Where the document is, and what keywheel remembers of it.
const PATH: &str = "app/db";
const RECORD: &str = "keywheel/app/db/value";

/// Longer than the first wait of a retry.
const NEXT_TRY: Duration = Duration::from_millis(500);

/// How keywheel finds the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Direct,
    /// A server that may be down.
    Mortal,
    /// Through a network that can fail.
    Network,
}

pub(crate) struct Stage {
    form: Form,
    story: Story,
    server: Server,
    network: Option<Arc<Proxy>>,
    consumer: Option<Consumer>,
    scene: Scene,
    /// Every value that was seen anywhere: a rotation makes one, whatever becomes of it.
    seen: BTreeSet<String>,
    /// Whether the server is down when keywheel comes back after the kill.
    pub(crate) down_after_the_kill: bool,
}

impl Stage {
    /// `through` is how keywheel finds the server.
    pub(crate) fn set(kind: Kind, form: Form, story: Story, through: Way) -> Self {
        let server = Server::start(kind, through == Way::Mortal);
        server.put(PATH, json!({"value": Scene::OLD, "port": 5432}));
        let network = (through == Way::Network).then(|| Arc::new(Proxy::to(server.port())));
        let port = network.as_ref().map_or(server.port(), |network| network.port());
        let scene = Scene::empty();
        for name in ["secrets", "run"] {
            std::fs::create_dir(scene.path().join(name)).expect("a directory");
        }
        scene.write("token", server.token());
        scene.write("secrets/db", Scene::OLD);
        let (deadline, habit) = match story {
            Story::DeadlinePassed => ("1s", Habit::NeverReloads),
            Story::Forwards
            | Story::ForwardsWithOverlap
            | Story::RolledBackByHand
            | Story::RolledBackAfterTheKill
            | Story::Refused => ("20s", Habit::Reloads),
        };
        let inventory = format!(
            "version: 1\n\nstores:\n  files:\n    directory: {{ path: ./secrets }}\n  vault:\n    vault: {{ address: \
             'http://127.0.0.1:{port}', mount: {}, auth: {{ token: 'file:token' }} }}\n\nconsumers:\n  app:\n    signal:\n      \
             pid-file: ./run/app.pid\n      evidence:\n        file: {{ path: ./run/fingerprints.json, pointer: \
             \"/{{secret}}\" }}\n    deadline: {deadline}\n    on-deadline: roll-back\n\nsecrets:\n  db: {{ {}, overlap: \
             {} }}\n",
            server.mount,
            form.entry(),
            story.overlap(form.is_ring()),
        );
        scene.write("keywheel.yaml", inventory);
        let place = Place::file("secrets/db");
        let consumer = (form == Form::VaultAndFile)
            .then(|| Consumer::start(scene.path(), &[("db", &place, false)], habit));
        let seen = BTreeSet::from([Scene::OLD.to_owned()]);
        Self { form, story, server, network, consumer, scene, seen, down_after_the_kill: false }
    }

    pub(crate) fn network(&self) -> &Arc<Proxy> {
        self.network.as_ref().expect("a network that can fail")
    }

    /// Every value that can be read anywhere.
    fn look(&mut self) -> BTreeSet<String> {
        let documents = self.server.readable();
        let places = ["/value", "/next", "/previous", "/pending/value"];
        let values = documents.iter().flat_map(|document| {
            places.iter().filter_map(|place| document.pointer(place)?.as_str().map(str::to_owned))
        });
        let durable: BTreeSet<_> = values.collect();
        self.seen.extend(durable.iter().cloned());
        durable
    }

    /// The document, whole.
    fn document(&self) -> Result<Value, String> {
        let document = self.server.latest(PATH);
        for field in ["value", "next", "previous"] {
            let Some(value) = document.get(field) else { continue };
            let whole = value.as_str().is_some_and(|value| self.is_whole(value));
            expect(whole, || format!("`{field}` shows no whole value"))?;
        }
        expect(document["port"] == 5432, || "another field is not what it was".to_owned())?;
        Ok(document)
    }

    /// The old value, or one as the generator makes them.
    fn is_whole(&self, value: &str) -> bool {
        value == Scene::OLD || value.len() == if self.form.is_ring() { 88 } else { 32 }
    }

    /// keywheel comes back, and the server does not yet.
    fn resume_without_vault(&mut self) -> Result<(), String> {
        let before = [PATH, RECORD].map(|path| self.server.latest(path));
        self.server.down();
        let said = self.scene.keywheel(&["resume", "--yes", "--patience", "0s"]);
        self.server.up();
        // It was tried, so that the next try waits for a moment.
        pause(NEXT_TRY);
        let after = [PATH, RECORD].map(|path| self.server.latest(path));
        // Nothing to do is an end as well: the kill came before the first record, or after the last one.
        let honest = matches!(said.code(), Some(0 | 1 | 21));
        expect(honest, || format!("without Vault resume says {}", told(&said)))?;
        expect(before == after, || "something was changed while Vault was down".to_owned())
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
        let durable = self.look();
        let document = self.document()?;
        let current = document["value"].as_str().ok_or("there is no current value")?;
        expect(durable.contains(current), || "the current value is not durable".to_owned())?;
        // Whoever goes back needs it, and it is the only one that everybody has.
        let ended = self.story == Story::Forwards || self.story == Story::ForwardsWithOverlap;
        let old = durable.contains(Scene::OLD);
        expect(old || (ended && current != Scene::OLD), || "the old value is lost".to_owned())?;
        if let Some(consumer) = &self.consumer {
            let used = consumer.uses("db").ok_or("the consumer shows nothing")?;
            let known = durable.iter().any(|value| fingerprint(value.as_bytes()) == used);
            expect(known, || format!("the consumer uses {used}, which Vault has no more"))?;
        }
        expect(self.seen.len() <= 2, || format!("one rotation made {} new values", self.seen.len() - 1))?;
        if std::mem::take(&mut self.down_after_the_kill) {
            self.resume_without_vault()?;
            return self.nobody_is_locked_out();
        }
        Ok(())
    }

    fn has_ended(&mut self, end: End) -> Result<(), String> {
        self.look();
        let document = self.document()?;
        let current = document["value"].as_str().ok_or("there is no current value")?.to_owned();
        expect((current == Scene::OLD) == (end == End::Old), || format!("the end is {end:?}, not reached"))?;
        expect(document.get("next").is_none() && document.get("previous").is_none(), || {
            "another version still stands beside the current one".to_owned()
        })?;
        let record = self.server.latest(RECORD);
        expect(record.get("pending").is_none() && record.get("previous").is_none(), || {
            format!("keywheel's notes still have {:?}", record.as_object().map(|record| record.keys()))
        })?;
        let left = if self.form.leaves_history() {
            [PATH, RECORD].map(|path| self.server.latest(path)).to_vec()
        } else {
            self.server.readable()
        };
        let left = json!(left).to_string();
        for other in self.seen.iter().filter(|seen| **seen != current) {
            expect(!left.contains(other), || "the other value can still be read in Vault".to_owned())?;
        }
        if let Some(consumer) = &self.consumer {
            let used = consumer.uses("db");
            expect(used == Some(fingerprint(current.as_bytes())), || format!("the consumer uses {used:?}"))?;
            let file = self.scene.read("secrets/db");
            expect(file == current.as_bytes(), || "the file holds another value".to_owned())?;
            for other in self.seen.iter().filter(|seen| **seen != current) {
                let left = files_holding(self.scene.path(), other.as_bytes());
                expect(left.is_empty(), || format!("the other value is still in {left:?}"))?;
            }
        }
        self.scene.unsettled()?;
        expect(self.seen.len() <= 2, || format!("one rotation made {} new values", self.seen.len() - 1))
    }
}
