//! Credentials of databases.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    answer::{Answer, done, envelope, errors},
    state::{Asked, nothing},
};

#[derive(Default)]
pub(super) struct Database {
    config: Value,
    /// The user, and when its password was made.
    roles: BTreeMap<String, (String, String)>,
}

impl Database {
    pub(super) fn answer(&mut self, asked: &Asked<'_>, rest: &str, now: &str) -> Answer {
        let parts: Vec<_> = rest.split('/').collect();
        match (asked.method, parts.as_slice()) {
            ("POST", ["config", _]) => {
                self.config = asked.body.clone();
                envelope(200, Value::Null)
            }
            ("GET", ["config", _]) => envelope(
                200,
                json!({
                    "allowed_roles": [self.config["allowed_roles"]],
                    "connection_details": {
                        "connection_url": self.config["connection_url"],
                        "username": self.config["username"],
                    },
                    "password_policy": "",
                    "plugin_name": self.config["plugin_name"],
                    "root_credentials_rotate_statements": [],
                }),
            ),
            ("POST", ["static-roles", name]) => {
                let user = asked.body["username"].as_str().unwrap_or_default();
                if user != "app" {
                    let sentence = format!(
                        "1 error occurred:\n\t* error setting credentials: 1 error occurred:\n\t* failed to execute \
                         query: pq: role \"{user}\" does not exist\n\n\n\n"
                    );
                    return errors(500, &[&sentence]);
                }
                self.roles.insert((*name).to_owned(), (user.to_owned(), now.to_owned()));
                done()
            }
            ("GET", ["static-creds", name]) => self.roles.get(*name).map_or_else(nothing, |(user, made)| {
                envelope(
                    200,
                    json!({
                        "last_vault_rotation": made,
                        "password": format!("random-{made}"),
                        "rotation_period": 86400,
                        "ttl": 86400,
                        "username": user,
                    }),
                )
            }),
            ("POST", ["rotate-role", name]) => match self.roles.get_mut(*name) {
                Some((_, made)) => {
                    now.clone_into(made);
                    done()
                }
                None => errors(400, &["no static role found for role name"]),
            },
            ("POST", ["rotate-root", _]) => done(),
            _ => nothing(),
        }
    }
}
