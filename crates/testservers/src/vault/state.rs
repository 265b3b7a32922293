//! What the server holds, and which part of it answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    access::{self, Roles},
    answer::{Answer, absent, denied, done, envelope, errors, whole},
    database::Database,
    kv::{Kv1, Kv2},
    transit::Transit,
};

/// A request.
pub(super) struct Asked<'r> {
    pub(super) method: &'r str,
    /// Below `/v1/`.
    pub(super) path: &'r str,
    pub(super) version: Option<u64>,
    pub(super) token: Option<&'r str>,
    pub(super) body: &'r Value,
}

/// A token.
#[derive(Clone, Default)]
pub struct Token {
    /// It may do everything.
    pub root: bool,
    /// Patterns of paths, and what may be done there.
    pub rules: Vec<(String, Vec<&'static str>)>,
    /// How many seconds it lives; zero is for ever.
    pub ttl: u64,
    /// It may look itself up, and lacks what else the policy `default` allows.
    pub without_default: bool,
}

pub(super) enum Engine {
    Kv2(Kv2),
    Kv1(Kv1),
    Transit(Transit),
    Database(Database),
}

/// Everything.
#[derive(Default)]
pub struct State {
    /// Whether it is sealed.
    pub sealed: bool,
    /// The tokens that it knows.
    pub tokens: BTreeMap<String, Token>,
    /// Who may log in.
    pub roles: Roles,
    /// The namespace that everything is in.
    pub namespace: Option<String>,
    /// How many logins there were.
    pub logins: usize,
    /// How many renewals of a token there were.
    pub renewals: usize,
    pub(super) mounts: BTreeMap<String, Engine>,
    pub(super) ticks: u64,
}

impl State {
    /// The version-2 engine at `mount`.
    pub fn kv(&mut self, mount: &str) -> &mut Kv2 {
        match self.mounts.get_mut(mount) {
            Some(Engine::Kv2(kv)) => kv,
            _ => panic!("no KV engine at {mount}"),
        }
    }

    /// Puts an engine at `path`.
    pub fn mount(&mut self, path: &str, kind: &str, version: &str) {
        let engine = match (kind, version) {
            ("kv", "2") => Engine::Kv2(Kv2::default()),
            ("kv", _) => Engine::Kv1(Kv1::default()),
            ("transit", _) => Engine::Transit(Transit::default()),
            ("database", _) => Engine::Database(Database::default()),
            _ => panic!("no engine {kind}"),
        };
        self.mounts.insert(path.to_owned(), engine);
    }

    /// Has the engines at `database` and `transit` know a connection, a role and a key called `app`.
    pub fn make_credentials(&mut self) {
        let made = [
            ("database/config/app", json!({"allowed_roles": "*", "username": "vaultadmin"})),
            ("database/static-roles/app", json!({"db_name": "app", "username": "app"})),
            ("transit/keys/app", json!({"type": "aes256-gcm96"})),
        ];
        for (path, body) in made {
            let asked = Asked { method: "POST", path, version: None, token: None, body: &body };
            let (status, answer) = self.engine(&asked);
            assert!(matches!(status, 200 | 204), "{path}: {answer}");
        }
    }

    pub(super) fn answer(&mut self, asked: &Asked<'_>) -> Answer {
        if asked.path == "sys/health" {
            return self.health();
        }
        if self.sealed {
            return errors(503, &["error performing token check: Vault is sealed"]);
        }
        if let Some(answer) = access::login(self, asked) {
            return answer;
        }
        let Some(name) = asked.token else { return errors(400, &["missing client token"]) };
        let Some(token) = self.tokens.get(name).cloned() else {
            return errors(403, &["permission denied"]);
        };
        if let Some(answer) = access::own(self, name, &token, asked) {
            return answer;
        }
        if !token.may(asked.method, asked.path) {
            return denied();
        }
        match (asked.method, asked.path.split_once('/')) {
            ("PUT" | "POST", Some(("sys", "seal"))) => {
                self.sealed = true;
                done()
            }
            ("PUT" | "POST", Some(("sys", rest))) if rest.starts_with("mounts/") => {
                let version = asked.body["options"]["version"].as_str().unwrap_or("1");
                let kind = asked.body["type"].as_str().unwrap_or_default();
                self.mount(rest.trim_start_matches("mounts/"), kind, version);
                done()
            }
            ("GET", Some(("sys", rest))) if rest.starts_with("internal/ui/mounts/") => {
                self.mount_seen(rest.trim_start_matches("internal/ui/mounts/"))
            }
            _ => self.engine(asked),
        }
    }

    fn engine(&mut self, asked: &Asked<'_>) -> Answer {
        self.ticks += 1;
        let now = format!("2026-11-20T09:18:24.{:09}Z", self.ticks);
        let found = self
            .mounts
            .iter_mut()
            .find_map(|(mount, engine)| Some((engine, asked.path.strip_prefix(mount)?.strip_prefix('/')?)));
        match found {
            Some((Engine::Kv2(kv), rest)) => kv.answer(asked, rest, &now),
            Some((Engine::Kv1(kv), rest)) => kv.answer(asked, rest),
            Some((Engine::Transit(transit), rest)) => transit.answer(asked, rest),
            Some((Engine::Database(database), rest)) => database.answer(asked, rest, &now),
            None => errors(404, &[&format!("no handler for route '{}'", asked.path)]),
        }
    }

    fn mount_seen(&self, path: &str) -> Answer {
        let (kind, options, description) = match self.mounts.get(path) {
            Some(Engine::Kv2(_)) => ("kv", json!({"version": "2"}), "key/value secret storage"),
            Some(Engine::Kv1(_)) => ("kv", Value::Null, ""),
            Some(Engine::Transit(_)) => ("transit", Value::Null, ""),
            Some(Engine::Database(_)) => ("database", Value::Null, ""),
            // Who may not see a mount is not told whether there is one.
            None => {
                return errors(
                    403,
                    &[
                        "preflight capability check returned 403, please ensure client's policies grant access to path \"…\"",
                    ],
                );
            }
        };
        envelope(
            200,
            json!({
                "accessor": "kv_1",
                "config": {"default_lease_ttl": 0, "force_no_cache": false, "max_lease_ttl": 0},
                "description": description,
                "external_entropy_access": false,
                "local": false,
                "options": options,
                "path": format!("{path}/"),
                "seal_wrap": false,
                "type": kind,
                "uuid": "00000000-0000-0000-0000-000000000000",
            }),
        )
    }

    fn health(&self) -> Answer {
        let mode = if self.sealed { "unknown" } else { "disabled" };
        let mut health = json!({
            "initialized": true,
            "sealed": self.sealed,
            "standby": self.sealed,
            "performance_standby": false,
            "replication_performance_mode": mode,
            "replication_dr_mode": mode,
            "server_time_utc": 1_795_166_304,
            "version": "1.7.0",
        });
        if self.sealed {
            return (503, health);
        }
        health["cluster_name"] = json!("vault-cluster-fake");
        health["cluster_id"] = json!("00000000-0000-0000-0000-000000000000");
        (200, health)
    }
}

/// The answer to `capabilities-self`, which stands in two places.
pub(super) fn twice(data: Value) -> Answer {
    let mut body = whole(&data, &Value::Null);
    if let (Some(body), Value::Object(data)) = (body.as_object_mut(), data) {
        body.extend(data);
    }
    (200, body)
}

pub(super) fn nothing() -> Answer {
    absent()
}
