//! A scene with a secret of its own in each store, and what must hold there.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use keywheel_tests::{
    Scene,
    crash::{self, End, Story, expect},
    fingerprint,
};
use keywheel_testservers::{Proxy, vault::Fake};

use crate::{
    form::Form,
    server::{Store, Way},
};

pub(crate) struct Stage {
    story: Story,
    /// The primary one first.
    stores: Vec<Store>,
    scene: Scene,
    /// Every value that was seen anywhere: a rotation makes one, whatever becomes of it.
    seen: BTreeSet<String>,
}

impl Stage {
    /// `moto` is the port of the stand-in for AWS.
    pub(crate) fn set(moto: u16, form: Form, story: Story, way: Way) -> Self {
        static NAMES: AtomicUsize = AtomicUsize::new(0);
        let name = format!("app/{}/db", NAMES.fetch_add(1, Ordering::Relaxed));
        let scene = Scene::empty();
        std::fs::create_dir(scene.path().join("secrets")).expect("a directory");
        scene.write("aws-key", "the-secret-access-key-of-nobody");
        scene.write("token", Fake::ROOT);
        let stores: Vec<_> =
            form.places().iter().map(|place| Store::set(*place, moto, &name, &scene, way)).collect();
        let (declared, named): (Vec<_>, Vec<_>) = stores.iter().map(Store::declared).unzip();
        let inventory = format!(
            "version: 1\n\nstores:\n{}\nsecrets:\n  db: {{ generate: password, stores: [{}], overlap: {} }}\n",
            declared.concat(),
            named.join(", "),
            story.overlap(false),
        );
        scene.write("keywheel.yaml", inventory);
        Self { story, stores, scene, seen: BTreeSet::new() }
    }

    /// The stores that are reached through a network, and that.
    pub(crate) fn networks(&self) -> impl Iterator<Item = (&Store, &Arc<Proxy>)> {
        self.stores.iter().filter_map(|store| Some((store, store.network()?)))
    }

    fn look(&mut self) -> Result<(), String> {
        for store in &self.stores {
            let current = store.current(&self.scene)?;
            let whole = current == Scene::OLD || current.len() == 32;
            expect(whole, || format!("{} shows a part of a value", store.place))?;
            let held = store.held(&self.scene);
            expect(held.contains(&current), || format!("{} does not hold what it shows", store.place))?;
            self.seen.extend(held);
        }
        let made = self.seen.iter().filter(|value| *value != Scene::OLD).count();
        expect(made <= 1, || format!("one rotation made {made} new values"))
    }

    /// What `keywheel verify` says that every store holds.
    fn verified(&self) -> Result<Vec<String>, String> {
        let said = self.scene.keywheel(&["verify", "--output", "json"]);
        let document: serde_json::Value =
            serde_json::from_str(&said.stdout).map_err(|error| format!("verify gives no JSON: {error}"))?;
        let stores = document[0]["stores"].as_array().ok_or("verify names no stores")?;
        Ok(stores.iter().map(|store| store[1].as_str().unwrap_or("none").to_owned()).collect())
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
        let primary = self.stores[0].held(&self.scene);
        for store in &self.stores {
            let current = store.current(&self.scene)?;
            expect(primary.contains(&current), || {
                format!("{} shows a value that the primary store does not have", store.place)
            })?;
        }
        Ok(())
    }

    fn has_ended(&mut self, end: End) -> Result<(), String> {
        self.look()?;
        let first = self.stores[0].current(&self.scene)?;
        expect((first == Scene::OLD) == (end == End::Old), || format!("the end is {end:?}, not reached"))?;
        for store in &self.stores {
            let current = store.current(&self.scene)?;
            expect(current == first, || {
                format!("{} shows another value than the primary store", store.place)
            })?;
            let held = store.held(&self.scene);
            expect(held.len() == 1, || format!("{} still holds {} values", store.place, held.len()))?;
        }
        let print = fingerprint(first.as_bytes());
        let verified = self.verified()?;
        expect(verified == vec![print.clone(); self.stores.len()], || {
            format!("every store shows {print}, and verify says {verified:?}")
        })?;
        self.scene.unsettled()
    }
}
