//! A scene with a secret of its own in each store, and what must hold there.

use std::{
    collections::BTreeSet,
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

use keywheel_tests::{
    Scene,
    crash::{self, End, Story, expect},
    hidden_versions,
};

use crate::aws::{parameters, secrets};

/// Which stores hold the secret, the primary one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    SecretsManager,
    ParameterStore,
    FileAndBoth,
    BothAndFile,
}

impl Form {
    pub(crate) const ALL: [Self; 4] =
        [Self::SecretsManager, Self::ParameterStore, Self::FileAndBoth, Self::BothAndFile];

    fn places(self) -> &'static [Place] {
        match self {
            Self::SecretsManager => &[Place::SecretsManager],
            Self::ParameterStore => &[Place::ParameterStore],
            Self::FileAndBoth => &[Place::File, Place::SecretsManager, Place::ParameterStore],
            Self::BothAndFile => &[Place::ParameterStore, Place::SecretsManager, Place::File],
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SecretsManager => "Secrets Manager",
            Self::ParameterStore => "SSM",
            Self::FileAndBoth => "file + Secrets Manager + SSM",
            Self::BothAndFile => "SSM + Secrets Manager + file",
        })
    }
}

/// One store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    File,
    SecretsManager,
    ParameterStore,
}

pub(crate) struct Stage {
    port: u16,
    form: Form,
    story: Story,
    name: String,
    scene: Scene,
    /// Every value that was seen anywhere: a rotation makes one, whatever becomes of it.
    seen: BTreeSet<String>,
}

impl Stage {
    pub(crate) fn set(port: u16, form: Form, story: Story) -> Self {
        static NAMES: AtomicUsize = AtomicUsize::new(0);
        let name = format!("/app/{}/db", NAMES.fetch_add(1, Ordering::Relaxed));
        let scene = Scene::empty();
        std::fs::create_dir(scene.path().join("secrets")).expect("a directory");
        scene.write("aws-key", "the-secret-access-key-of-nobody");
        let mut stores = Vec::new();
        for place in form.places() {
            match place {
                Place::File => {
                    scene.write("secrets/db", Scene::OLD);
                    stores.push("files".to_owned());
                }
                Place::SecretsManager => {
                    secrets::create(port, &name, Scene::OLD);
                    stores.push(format!("{{ store: secrets-manager, key: {name} }}"));
                }
                Place::ParameterStore => {
                    parameters::create(port, &name, Scene::OLD);
                    stores.push(format!("{{ store: parameters, key: {name} }}"));
                }
            }
        }
        let aws = format!(
            "{{ region: eu-central-1, access: {{ endpoint: \"http://127.0.0.1:{port}\", keys: {{ id: AKIAEXAMPLE, \
             secret: \"file:aws-key\" }} }} }}"
        );
        let inventory = format!(
            "version: 1\n\nstores:\n  files:\n    directory: {{ path: ./secrets }}\n  secrets-manager:\n    \
             aws-secrets-manager: {aws}\n  parameters:\n    aws-ssm: {aws}\n\nsecrets:\n  db: {{ generate: password, \
             stores: [{}], overlap: {} }}\n",
            stores.join(", "),
            story.overlap(false),
        );
        scene.write("keywheel.yaml", inventory);
        Self { port, form, story, name, scene, seen: BTreeSet::new() }
    }

    fn current(&self, place: Place) -> Result<String, String> {
        let found = match place {
            Place::File => String::from_utf8(self.scene.read("secrets/db")).ok(),
            Place::SecretsManager => secrets::current(self.port, &self.name),
            Place::ParameterStore => parameters::current(self.port, &self.name),
        };
        found.ok_or_else(|| format!("{place:?} shows no value"))
    }

    /// Every value that somebody could ask the store for, by any stage.
    fn held(&self, place: Place) -> BTreeSet<String> {
        match place {
            Place::File => {
                let hidden = hidden_versions(self.scene.path()).into_iter();
                let hidden = hidden.map(|value| String::from_utf8(value).expect("text"));
                hidden.chain(self.current(place).ok()).collect()
            }
            Place::SecretsManager => secrets::labelled(self.port, &self.name),
            Place::ParameterStore => parameters::labelled(self.port, &self.name),
        }
    }

    fn look(&mut self) -> Result<(), String> {
        for place in self.form.places() {
            let current = self.current(*place)?;
            let whole = current == Scene::OLD || current.len() == 32;
            expect(whole, || format!("{place:?} shows a part of a value"))?;
            let held = self.held(*place);
            expect(held.contains(&current), || format!("{place:?} does not hold what it shows"))?;
            self.seen.extend(held);
        }
        let made = self.seen.iter().filter(|value| *value != Scene::OLD).count();
        expect(made <= 1, || format!("one rotation made {made} new values"))
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
        false
    }

    fn nobody_is_locked_out(&mut self) -> Result<(), String> {
        self.look()?;
        // What any store shows is in the primary one, under some stage: the way back needs it there.
        let primary = self.held(self.form.places()[0]);
        for place in self.form.places() {
            let current = self.current(*place)?;
            expect(primary.contains(&current), || {
                format!("{place:?} shows a value that the primary store does not have")
            })?;
        }
        Ok(())
    }

    fn has_ended(&mut self, end: End) -> Result<(), String> {
        self.look()?;
        for place in self.form.places() {
            let current = self.current(*place)?;
            expect((current == Scene::OLD) == (end == End::Old), || {
                format!("the end is {end:?}, not reached in {place:?}")
            })?;
            let first = self.current(self.form.places()[0])?;
            expect(current == first, || format!("{place:?} shows another value than the primary store"))?;
            let held = self.held(*place);
            expect(held.len() == 1, || format!("{place:?} still holds {} values", held.len()))?;
        }
        self.scene.unsettled()
    }
}
