//! The servers that the points are played on: the fake that is held to recorded exchanges, and a real `OpenBao`.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use keywheel_testservers::{OpenBao, vault::Fake};
use serde_json::{Value, json};

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Fake,
    OpenBao,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fake => "fake",
            Self::OpenBao => "OpenBao",
        })
    }
}

/// A KV engine that nobody else uses, and its server.
pub(crate) struct Server {
    holder: Holder,
    pub(crate) mount: String,
}

enum Holder {
    Fake(Fake),
    /// The one of this process, and nobody may stop it.
    Shared(Arc<OpenBao>),
    /// One that keeps everything on the disk.
    Own(Box<OpenBao>),
}

impl Server {
    /// With `may_die` it is one that can be [down](Server::down).
    pub(crate) fn start(kind: Kind, may_die: bool) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let holder = match (kind, may_die) {
            (Kind::Fake, _) => Holder::Fake(Fake::start()),
            (Kind::OpenBao, true) => Holder::Own(Box::new(OpenBao::start_durable())),
            (Kind::OpenBao, false) => Holder::Shared(OpenBao::shared()),
        };
        let mount = match &holder {
            Holder::Fake(_) | Holder::Own(_) => "secret".to_owned(),
            Holder::Shared(server) => {
                let mount = format!("mount-{}", NEXT.fetch_add(1, Ordering::Relaxed));
                server.mount_kv(&mount);
                mount
            }
        };
        Self { holder, mount }
    }

    pub(crate) fn port(&self) -> u16 {
        match &self.holder {
            Holder::Fake(fake) => fake.port(),
            Holder::Shared(server) => server.port(),
            Holder::Own(server) => server.port(),
        }
    }

    /// The token that may do everything.
    pub(crate) fn token(&self) -> String {
        match &self.holder {
            Holder::Fake(_) => Fake::ROOT.to_owned(),
            Holder::Shared(server) => server.root_token(),
            Holder::Own(server) => server.root_token(),
        }
    }

    /// Nobody listens, until it is [up](Server::up) again. What it holds stays.
    pub(crate) fn down(&mut self) {
        match &mut self.holder {
            Holder::Fake(fake) => fake.down(),
            Holder::Shared(_) => panic!("others use it"),
            Holder::Own(server) => server.kill(),
        }
    }

    pub(crate) fn up(&mut self) {
        match &mut self.holder {
            Holder::Fake(fake) => fake.up(),
            Holder::Shared(_) => panic!("others use it"),
            Holder::Own(server) => server.start_again(),
        }
    }

    /// Writes as somebody who knows nothing of keywheel.
    pub(crate) fn put(&self, path: &str, document: Value) {
        match self.real() {
            Ok(server) => {
                server.write(&self.at("data", path), &json!({ "data": document }));
            }
            Err(fake) => fake.state(|state| state.kv(&self.mount).put(path, document)),
        }
    }

    /// The document at `path`, as a consumer reads it; null if there is none.
    pub(crate) fn latest(&self, path: &str) -> Value {
        match self.real() {
            Ok(server) => document(server, &self.at("data", path)),
            Err(fake) => fake.state(|state| state.kv(&self.mount).latest(path)),
        }
    }

    /// Every document that can be read, in each of its versions.
    pub(crate) fn readable(&self) -> Vec<Value> {
        match self.real() {
            Ok(server) => self.all_of(server),
            Err(fake) => fake.state(|state| state.kv(&self.mount).readable().into_iter().cloned().collect()),
        }
    }

    fn all_of(&self, server: &OpenBao) -> Vec<Value> {
        let mut folders = vec![String::new()];
        let mut documents = Vec::new();
        while let Some(folder) = folders.pop() {
            let (status, list) = server.ask("LIST", &self.at("metadata", &folder), &Value::Null);
            assert!(matches!(status, 200 | 404), "{folder:?} cannot be listed: {status} {list}");
            for name in list["data"]["keys"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                let path = format!("{folder}{name}");
                if path.ends_with('/') {
                    folders.push(path);
                    continue;
                }
                let metadata = server.read(&self.at("metadata", &path)).unwrap_or_default();
                let numbers =
                    metadata["versions"].as_object().into_iter().flatten().map(|(number, _)| number);
                let versions = numbers
                    .map(|number| document(server, &format!("{}?version={number}", self.at("data", &path))));
                documents.extend(versions.filter(|document| !document.is_null()));
            }
        }
        documents
    }

    fn at(&self, part: &str, path: &str) -> String {
        format!("{}/{part}/{path}", self.mount)
    }

    fn real(&self) -> Result<&OpenBao, &Fake> {
        match &self.holder {
            Holder::Fake(fake) => Err(fake),
            Holder::Shared(server) => Ok(server),
            Holder::Own(server) => Ok(server),
        }
    }
}

/// One version; null if it was never written, is deleted or destroyed.
fn document(server: &OpenBao, path: &str) -> Value {
    server.read(path).map_or(Value::Null, |mut version| version["data"].take())
}
