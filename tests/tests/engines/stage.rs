//! A scene with a role, a connection or a key of its own, and what must hold there.

use std::sync::atomic::{AtomicUsize, Ordering};

use keywheel_tests::{
    Scene,
    crash::{self, End, Story, expect},
    hidden_versions,
};
use keywheel_testservers::{OpenBao, Postgres};
use serde_json::json;

use crate::form::Form;

/// A server that makes credentials, and the database at which it does.
pub(crate) struct Ground {
    bao: OpenBao,
    postgres: Postgres,
}

impl Ground {
    pub(crate) fn start() -> Self {
        let (bao, postgres) =
            (OpenBao::start(), Postgres::prepare().setting("max_connections", "400").start());
        bao.mount("database", &json!({ "type": "database" }));
        bao.mount("transit", &json!({ "type": "transit" }));
        let ground = Self { bao, postgres };
        ground.connect("main", "makes_passwords");
        ground
    }

    /// A connection of the server with a user of its own, which may make passwords for others.
    fn connect(&self, connection: &str, user: &str) {
        let password = Scene::OLD;
        self.postgres.sql(&format!("CREATE ROLE {user} SUPERUSER LOGIN PASSWORD '{password}'"));
        let port = self.postgres.port();
        let url = format!(
            "postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{port}/postgres?sslmode=disable"
        );
        let settings = json!({
            "plugin_name": "postgresql-database-plugin", "allowed_roles": "*", "connection_url": url,
            "username": user, "password": password,
        });
        self.bao.write(&format!("database/config/{connection}"), &settings);
    }

    /// Makes what is rotated; gives what the store holds of it in the beginning.
    fn create(&self, form: Form, name: &str) -> String {
        match form {
            Form::StaticRole => {
                self.postgres.sql(&format!("CREATE ROLE {name} LOGIN"));
                let role = json!({ "db_name": "main", "username": name, "rotation_period": "24h" });
                self.bao.write(&format!("database/static-roles/{name}"), &role);
                self.handed_out(name)
            }
            Form::RootCredential => {
                self.connect(name, name);
                Scene::OLD.to_owned()
            }
            Form::TransitKey => {
                self.bao.write(&format!("transit/keys/{name}"), &json!({ "type": "aes256-gcm96" }));
                "1".to_owned()
            }
        }
    }

    fn handed_out(&self, role: &str) -> String {
        let creds = self.bao.read(&format!("database/static-creds/{role}")).expect("a role");
        creds["password"].as_str().expect("a password").to_owned()
    }

    /// The oldest and the newest version of a key that work.
    fn versions(&self, key: &str) -> [String; 2] {
        let key = self.bao.read(&format!("transit/keys/{key}")).expect("a key");
        ["min_decryption_version", "latest_version"].map(|field| key[field].to_string())
    }
}

pub(crate) struct Stage<'a> {
    ground: &'a Ground,
    form: Form,
    story: Story,
    scene: Scene,
    name: String,
    old: String,
}

impl<'a> Stage<'a> {
    pub(crate) fn set(ground: &'a Ground, form: Form, story: Story) -> Self {
        static NAMES: AtomicUsize = AtomicUsize::new(0);
        let name = format!("app_{}", NAMES.fetch_add(1, Ordering::Relaxed));
        let old = ground.create(form, &name);
        let scene = Scene::empty();
        std::fs::create_dir(scene.path().join("secrets")).expect("a directory");
        scene.write("secrets/db", &old);
        scene.write("token", ground.bao.root_token());
        scene.write("admin", Postgres::PASSWORD);
        let login = match form {
            // The database has the last word.
            Form::StaticRole => "login-at: checks, ",
            Form::RootCredential | Form::TransitKey => "",
        };
        let inventory = format!(
            "version: 1\n\nstores:\n  files:\n    directory: {{ path: ./secrets }}\n\nrotators:\n  made:\n    {kind}:\n      \
             address: {url}\n      auth: {{ token: \"file:token\" }}\n  checks:\n    postgres:\n      port: {port}\n      \
             strategy: in-place\n      login: {{ user: postgres, password: \"file:admin\" }}\n\nsecrets:\n  db: {{ minted: \
             true, stores: [files], rotator: made, {login}identity: {name}, overlap: {overlap} }}\n",
            kind = form.kind(),
            url = ground.bao.url(),
            port = ground.postgres.port(),
            overlap = story.overlap(form.keeps_old()),
        );
        scene.write("keywheel.yaml", inventory);
        Self { ground, form, story, scene, name, old }
    }

    fn current(&self) -> String {
        String::from_utf8(self.scene.read("secrets/db")).expect("text")
    }

    fn lets_in(&self, password: &str) -> bool {
        self.ground.postgres.lets_in(&self.name, password)
    }

    /// Whether the server can log in with what it has, and do its work.
    fn serves(&self) -> bool {
        let (status, _) = self.ground.bao.ask("POST", &format!("database/reset/{}", self.name), &json!({}));
        status == 204
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
        self.form.keeps_old()
    }

    fn nobody_is_locked_out(&mut self) -> Result<(), String> {
        let current = self.current();
        match self.form {
            Form::StaticRole => {
                let made = self.ground.handed_out(&self.name);
                expect(self.lets_in(&made), || "what is handed out does not log in".to_owned())?;
                // Between the rotation and its promotion the store is behind, and at no other time.
                let known = current == made || self.lets_in(&current) || current == self.old;
                expect(known, || "the store holds something that nobody made".to_owned())
            }
            Form::RootCredential => expect(self.serves(), || "Vault cannot log in any more".to_owned()),
            Form::TransitKey => {
                let [oldest, newest] = self.ground.versions(&self.name);
                let works = (oldest..=newest).contains(&current);
                expect(works, || format!("the version {current} in the store is refused"))
            }
        }
    }

    fn has_ended(&mut self, end: End) -> Result<(), String> {
        let current = self.current();
        expect((current != self.old) == (end == End::New), || format!("the end is {end:?}, not reached"))?;
        expect(hidden_versions(self.scene.path()).is_empty(), || "a version is left behind".to_owned())?;
        match self.form {
            Form::StaticRole => {
                expect(current == self.ground.handed_out(&self.name), || "the store is behind".to_owned())?;
                expect(self.lets_in(&current) && !self.lets_in(&self.old), || {
                    "the new password does not log in, or the old one does".to_owned()
                })?;
            }
            Form::RootCredential => {
                expect(self.serves(), || "Vault cannot log in any more".to_owned())?;
                expect(!self.lets_in(&self.old) && !self.lets_in(&current), || {
                    "somebody else can log in as Vault".to_owned()
                })?;
            }
            Form::TransitKey => {
                // However often it was killed, one rotation made one version.
                let versions = self.ground.versions(&self.name);
                let right = match end {
                    End::New => versions == ["2", "2"],
                    End::Old => versions == ["1", "1"] || versions == ["1", "2"],
                };
                expect(right, || format!("the key has the versions {versions:?}"))?;
            }
        }
        self.scene.unsettled()
    }
}
