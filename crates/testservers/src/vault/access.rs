//! Tokens, rights and logins.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    answer::{Answer, done, envelope, errors, with_auth},
    state::{Asked, State, Token, twice},
};

/// Who may log in.
#[derive(Default)]
pub struct Roles {
    /// What a login gives.
    pub given: Token,
    /// Whether that can be renewed.
    pub renewable: bool,
    /// The id of the only role of `approle`.
    pub role_id: String,
    /// Secret ids, and how often each may be used.
    pub secret_ids: BTreeMap<String, usize>,
    /// The only role of `kubernetes`, and the token that logs in with it.
    pub service_account: Option<(String, String)>,
    /// The users of `userpass`, and their passwords.
    pub users: BTreeMap<String, String>,
}

impl Token {
    pub(super) fn may(&self, method: &str, path: &str) -> bool {
        let needed: &[&str] = match method {
            "GET" => &["read"],
            "LIST" => &["list"],
            "PATCH" => &["patch"],
            "DELETE" => &["delete"],
            _ => &["create", "update"],
        };
        self.root
            || path.starts_with("sys/internal/ui/mounts/")
            || self.capabilities(path).iter().any(|has| needed.contains(has))
    }

    fn capabilities(&self, path: &str) -> Vec<&'static str> {
        if self.root {
            return vec!["root"];
        }
        let rule = self.rules.iter().find(|(pattern, _)| match pattern.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == pattern,
        });
        rule.map_or(vec!["deny"], |(_, rights)| rights.clone())
    }
}

/// What needs no token.
pub(super) fn login(state: &mut State, asked: &Asked<'_>) -> Option<Answer> {
    let said = |field: &str| asked.body[field].as_str().unwrap_or_default();
    let parts: Vec<_> = asked.path.split('/').collect();
    let refusal = match *parts.as_slice() {
        ["auth", "approle", "login"] => {
            if said("role_id") != state.roles.role_id {
                Some(errors(400, &["invalid role ID"]))
            } else if let Some(uses) =
                state.roles.secret_ids.get_mut(said("secret_id")).filter(|uses| **uses > 0)
            {
                *uses -= 1;
                None
            } else {
                Some(errors(400, &["invalid secret id"]))
            }
        }
        ["auth", "kubernetes", "login"] => {
            let shown = (said("role").to_owned(), said("jwt").to_owned());
            (state.roles.service_account.as_ref() != Some(&shown))
                .then(|| errors(403, &["permission denied"]))
        }
        ["auth", "userpass", "login", user] => {
            let known = state.roles.users.get(user).is_some_and(|password| password == said("password"));
            (!known).then(|| errors(400, &["invalid username or password"]))
        }
        _ => return None,
    };
    if refusal.is_some() {
        return refusal;
    }
    state.logins += 1;
    let name = format!("s.login-{}", state.logins);
    let given = state.roles.given.clone();
    let auth = json!({
        "client_token": name,
        "accessor": "accessor",
        "policies": ["default", "ro"],
        "token_policies": ["default", "ro"],
        "metadata": {"role_name": "keywheel"},
        "lease_duration": given.ttl,
        "renewable": state.roles.renewable,
        "entity_id": "00000000-0000-0000-0000-000000000000",
        "token_type": "service",
        "orphan": true,
    });
    state.tokens.insert(name, given);
    Some(with_auth(auth))
}

/// What every token may ask about itself.
pub(super) fn own(state: &mut State, name: &str, token: &Token, asked: &Asked<'_>) -> Option<Answer> {
    match asked.path {
        path if token.without_default && path != "auth/token/lookup-self" => None,
        "auth/token/lookup-self" => Some(envelope(200, seen(name, token))),
        "auth/token/renew-self" => {
            state.renewals += 1;
            let life = if asked.body["increment"] == "2h" { 7200 } else { token.ttl };
            Some(with_auth(json!({
                "client_token": name,
                "accessor": "accessor",
                "policies": ["default", "ro"],
                "token_policies": ["default", "ro"],
                "metadata": null,
                "lease_duration": life,
                "renewable": true,
                "entity_id": "",
                "token_type": "service",
                "orphan": false,
            })))
        }
        "auth/token/revoke-self" => {
            state.tokens.remove(name);
            Some(done())
        }
        "sys/capabilities-self" => {
            let paths = asked.body["paths"].as_array().cloned().unwrap_or_default();
            let rights = paths.iter().filter_map(Value::as_str);
            let rights = rights.map(|path| (path.to_owned(), json!(token.capabilities(path))));
            Some(twice(Value::Object(rights.collect())))
        }
        _ => None,
    }
}

fn seen(name: &str, token: &Token) -> Value {
    let ends = if token.ttl == 0 { Value::Null } else { json!("2026-11-20T10:18:24Z") };
    json!({
        "accessor": "accessor",
        "creation_time": 1_795_166_304,
        "creation_ttl": token.ttl,
        "display_name": "token",
        "entity_id": "",
        "expire_time": ends,
        "explicit_max_ttl": 0,
        "id": name,
        "issue_time": "2026-11-20T09:18:24Z",
        "meta": null,
        "num_uses": 0,
        "orphan": false,
        "path": "auth/token/create",
        "policies": ["default", "ro"],
        "renewable": true,
        "ttl": token.ttl,
        "type": "service",
    })
}
