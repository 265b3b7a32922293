//! The stores of one scene, as somebody sees them who asks each by means of its own.

use std::{collections::BTreeSet, sync::Arc};

use keywheel_tests::{Scene, hidden_versions};
use keywheel_testservers::{Proxy, vault::Fake};
use serde_json::json;

use crate::{
    aws::{parameters, secrets},
    form::Place,
};

/// One store, and what it calls the secret.
pub(crate) struct Store {
    pub(crate) place: Place,
    /// `app/7/db`.
    name: String,
    /// Where keywheel finds it.
    port: u16,
    network: Option<Arc<Proxy>>,
    /// Where it is.
    server: Server,
}

enum Server {
    File,
    Vault(Fake),
    /// A port of the stand-in, which all scenes share.
    SecretsManager(u16),
    ParameterStore(u16),
}

/// How keywheel finds the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Direct,
    /// Each through a network of its own that can fail.
    Network,
}

impl Store {
    /// A store with the old value in it.
    pub(crate) fn set(place: Place, moto: u16, name: &str, scene: &Scene, way: Way) -> Self {
        let old = Scene::OLD;
        let (server, port) = match place {
            Place::File => {
                scene.write("secrets/db", old);
                (Server::File, 0)
            }
            Place::Vault => {
                let fake = Fake::start();
                fake.state(|state| state.kv("secret").put(name, json!({"value": old})));
                let port = fake.port();
                (Server::Vault(fake), port)
            }
            Place::SecretsManager => {
                secrets::create(moto, &format!("/{name}"), old);
                (Server::SecretsManager(moto), moto)
            }
            Place::ParameterStore => {
                parameters::create(moto, &format!("/{name}"), old);
                (Server::ParameterStore(moto), moto)
            }
        };
        let network = (way == Way::Network && place != Place::File).then(|| Arc::new(Proxy::to(port)));
        let port = network.as_ref().map_or(port, |network| network.port());
        Self { place, name: name.to_owned(), port, network, server }
    }

    /// What can fail between keywheel and it; nothing does on the way to a file.
    pub(crate) fn network(&self) -> Option<&Arc<Proxy>> {
        self.network.as_ref()
    }

    /// Its declaration below `stores:`, and the word of it in the entry.
    pub(crate) fn declared(&self) -> (String, String) {
        let address = format!("http://127.0.0.1:{}", self.port);
        let aws = format!(
            "{{ region: eu-central-1, access: {{ endpoint: \"{address}\", keys: {{ id: AKIAEXAMPLE, secret: \
             \"file:aws-key\" }} }} }}"
        );
        let name = &self.name;
        let (word, kind, key) = match self.place {
            Place::File => return ("  files:\n    directory: { path: ./secrets }\n".into(), "files".into()),
            Place::Vault => {
                let vault = format!("vault: {{ address: '{address}', auth: {{ token: 'file:token' }} }}");
                ("vault", vault, name.clone())
            }
            Place::SecretsManager => {
                ("secrets-manager", format!("aws-secrets-manager: {aws}"), format!("/{name}"))
            }
            Place::ParameterStore => ("parameters", format!("aws-ssm: {aws}"), format!("/{name}")),
        };
        (format!("  {word}:\n    {kind}\n"), format!("{{ store: {word}, key: {key} }}"))
    }

    pub(crate) fn current(&self, scene: &Scene) -> Result<String, String> {
        let path = format!("/{}", self.name);
        let found = match &self.server {
            Server::File => String::from_utf8(scene.read("secrets/db")).ok(),
            Server::Vault(fake) => {
                let document = fake.state(|state| state.kv("secret").latest(&self.name));
                document["value"].as_str().map(str::to_owned)
            }
            Server::SecretsManager(port) => secrets::current(*port, &path),
            Server::ParameterStore(port) => parameters::current(*port, &path),
        };
        found.ok_or_else(|| format!("{} shows no value", self.place))
    }

    /// Every value that somebody could ask the store for, by any stage.
    pub(crate) fn held(&self, scene: &Scene) -> BTreeSet<String> {
        let path = format!("/{}", self.name);
        match &self.server {
            Server::File => {
                let hidden = hidden_versions(scene.path()).into_iter();
                let hidden = hidden.map(|value| String::from_utf8(value).expect("text"));
                hidden.chain(self.current(scene).ok()).collect()
            }
            Server::Vault(fake) => fake.state(|state| {
                let documents = state.kv("secret").readable();
                let values = documents.into_iter().flat_map(|document| {
                    ["/value", "/pending/value"]
                        .map(|place| document.pointer(place)?.as_str().map(str::to_owned))
                });
                values.flatten().collect()
            }),
            Server::SecretsManager(port) => secrets::labelled(*port, &path),
            Server::ParameterStore(port) => parameters::labelled(*port, &path),
        }
    }
}
