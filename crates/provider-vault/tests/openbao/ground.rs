//! A part of the server that nobody else uses.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use keywheel_core::{
    Fingerprinter,
    provider::{Store, Surroundings},
};
use keywheel_testkit::{ManualClock, declared::configure};
use keywheel_testservers::OpenBao;
use serde_json::{Value, json};

use crate::scene::{Kept, Scene, location, with_token};

/// A KV engine of version 2, with names for whatever else a test makes on the server.
pub(crate) struct Ground {
    pub(crate) server: Arc<OpenBao>,
    pub(crate) mount: String,
}

/// A secret whose store logs in, and the time as its store sees it.
pub(crate) struct Logged {
    pub(crate) secret: Kept,
    pub(crate) clock: ManualClock,
}

/// A number that nobody else has in this process.
pub(crate) fn unique() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Ground {
    pub(crate) fn new() -> Self {
        Self::on(OpenBao::shared())
    }

    pub(crate) fn on(server: Arc<OpenBao>) -> Self {
        let mount = format!("mount-{}", unique());
        server.mount_kv(&mount);
        Self { server, mount }
    }

    /// A store with the root's token.
    pub(crate) fn scene(&self) -> Scene {
        self.scene_of(&self.server.root_token())
    }

    /// A store with this token.
    pub(crate) fn scene_of(&self, token: &str) -> Scene {
        Scene::with(token, &with_token(&self.server.url(), &format!("mount: {}", self.mount)))
    }

    /// Writes a document as somebody who knows nothing of keywheel.
    pub(crate) fn put(&self, path: &str, document: &Value) {
        self.server.write(&format!("{}/data/{path}", self.mount), &json!({ "data": document }));
    }

    /// The document at `path`; null if there is none.
    pub(crate) fn latest(&self, path: &str) -> Value {
        let read = self.server.read(&format!("{}/data/{path}", self.mount));
        read.map_or(Value::Null, |mut read| read["data"].take())
    }

    /// How the versions of `path` are, by number.
    pub(crate) fn versions(&self, path: &str) -> Value {
        let read = self.server.read(&format!("{}/metadata/{path}", self.mount));
        read.map_or(Value::Null, |mut read| read["versions"].take())
    }

    /// A policy with the mount's name, in which `MOUNT` stands for it.
    pub(crate) fn policy(&self, rules: &str) {
        let policy = json!({ "policy": rules.replace("MOUNT", &self.mount) });
        self.server.write(&format!("sys/policies/acl/{}", self.mount), &policy);
    }

    /// A policy that lets keywheel rotate everything in the mount.
    pub(crate) fn policy_for_everything(&self) {
        self.policy(r#"path "MOUNT/*" { capabilities = ["create", "read", "update"] }"#);
    }

    /// A token with that policy.
    pub(crate) fn token(&self, more: &Value) -> String {
        let mut wanted = json!({ "policies": [self.mount] });
        wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.server.write("auth/token/create", &wanted)["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    /// A method of login of this sort that is called like the mount.
    pub(crate) fn method(&self, sort: &str) {
        self.server.write(&format!("sys/auth/{}", self.mount), &json!({ "type": sort }));
    }

    /// The secret `app/database` in a store that logs in with `auth`, and `proof` is the file with the credential.
    pub(crate) fn logged(&self, auth: &str, proof: &str, more: &str) -> Logged {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("proof"), proof).unwrap();
        let clock = ManualClock::at(jiff::Timestamp::UNIX_EPOCH);
        let surroundings = Surroundings { base: directory.path().to_owned(), clock: Arc::new(clock.clone()) };
        let kinds = keywheel_provider_vault::stores::kinds();
        let settings = format!(
            "address: '{}'\nmount: {}\nauth: {}\n{more}",
            self.server.url(),
            self.mount,
            auth.replace("MOUNT", &self.mount)
        );
        let store: Arc<dyn Store> = configure(&*kinds[0], &surroundings, &settings).unwrap();
        let secret = store.secret(&location("app/database", false), Fingerprinter::plain());
        Logged { secret: Kept { secret, directory: Arc::new(directory) }, clock }
    }
}
