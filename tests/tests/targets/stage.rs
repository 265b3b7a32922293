//! A scene with a user of its own on a server, and what must hold there.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use keywheel_tests::{
    Scene,
    crash::{self, End, Story, expect},
    hidden_versions,
};

use crate::server::{Login, Server, Strategy};

/// A server, and every value that was ever seen in a scene on it.
pub(crate) struct Ground {
    pub(crate) server: Box<dyn Server>,
    values: Mutex<BTreeSet<String>>,
}

impl Ground {
    pub(crate) fn new(server: Box<dyn Server>) -> Self {
        let values = Mutex::new(BTreeSet::from([server.administrator()]));
        Self { server, values }
    }

    /// How many values there were, and those that the server has written down anywhere.
    ///
    /// # Panics
    /// When it has written down nothing at all: then there is nothing to search.
    pub(crate) fn written_values(&self) -> (usize, Vec<String>) {
        let written = self.server.written();
        assert!(written.contains(self.server.writes()), "{} has written down nothing", self.server.name());
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let found = values.iter().filter(|value| written.contains(*value)).cloned().collect();
        (values.len(), found)
    }
}

pub(crate) struct Stage<'a> {
    ground: &'a Ground,
    strategy: Strategy,
    story: Story,
    scene: Scene,
    user: String,
    old: Login,
    /// Every credential that was seen anywhere.
    seen: BTreeSet<Login>,
}

impl<'a> Stage<'a> {
    /// `ports` are those at which keywheel finds the server.
    pub(crate) fn set(ground: &'a Ground, strategy: Strategy, story: Story, ports: &[u16]) -> Self {
        static USERS: AtomicUsize = AtomicUsize::new(0);
        let user = format!("app_{}", USERS.fetch_add(1, Ordering::Relaxed));
        let server = ground.server.as_ref();
        let old = server.create(strategy, &user, Scene::OLD);
        let scene = Scene::empty();
        std::fs::create_dir(scene.path().join("secrets")).expect("a directory");
        scene.write("admin", server.administrator());
        let document = serde_json::json!({
            "username": old.user, "password": old.password, "pool": { "size": 4 },
        });
        scene.write("secrets/db", document.to_string());
        let inventory = format!(
            "version: 1\n\nstores:\n  files:\n    directory: {{ path: ./secrets }}\n\nrotators:\n  server:\n{}\n\n\
             secrets:\n  db: {{ {}, stores: [files], layout: document, rotator: server, \
             identity: {}, overlap: {} }}\n",
            server.rotator(strategy, &user, ports),
            strategy.source(),
            old.user,
            story.overlap(strategy.keeps_old()),
        );
        scene.write("keywheel.yaml", inventory);
        let mut stage = Self { ground, strategy, story, scene, user, old, seen: BTreeSet::new() };
        stage.saw([stage.old.clone()]);
        stage
    }

    fn saw(&mut self, logins: impl IntoIterator<Item = Login>) {
        let mut values = self.ground.values.lock().unwrap_or_else(PoisonError::into_inner);
        for login in logins {
            values.insert(login.password.clone());
            self.seen.insert(login);
        }
    }

    fn current(&self) -> Result<Login, String> {
        login(&self.scene.read("secrets/db"))
    }

    fn accepts(&self, login: &Login) -> bool {
        self.ground.server.accepts(&login.user, &login.password)
    }
}

impl crash::Stage for Stage<'_> {
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
        self.strategy.keeps_old()
    }

    fn nobody_is_locked_out(&mut self) -> Result<(), String> {
        let current = self.current()?;
        let mut durable = BTreeSet::from([current.clone()]);
        for hidden in hidden_versions(self.scene.path()) {
            durable.insert(login(&hidden)?);
        }
        self.saw(durable.iter().cloned());
        let current_works = self.accepts(&current);
        expect(current_works || !self.strategy.keeps_old(), || {
            format!("`{}` is current, and cannot log in", current.user)
        })?;
        expect(current_works || durable.iter().any(|login| self.accepts(login)), || {
            "no durable version logs in".to_owned()
        })?;
        expect(self.seen.len() <= 2, || format!("one rotation made {} new values", self.seen.len() - 1))
    }

    fn has_ended(&mut self, end: End) -> Result<(), String> {
        let current = self.current()?;
        self.saw([current.clone()]);
        let is_new = current != self.old;
        expect(is_new == (end == End::New), || format!("the end is {end:?}, not reached"))?;
        expect(self.accepts(&current), || format!("`{}` is current, and cannot log in", current.user))?;
        for other in self.seen.iter().filter(|seen| **seen != current) {
            expect(!self.accepts(other), || format!("`{}` logs in with the other value", other.user))?;
        }
        let strayed = self.ground.server.strayed(&self.user, &current);
        expect(strayed.is_empty(), || strayed.join("; "))?;
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
