//! How the inventory says who logs in.

use std::path::{Path, PathBuf};

use keywheel_core::{inventory::CredentialRef, provider::Mistake};
use schemars::JsonSchema;
use serde::Deserialize;

use super::method::{Auth, Login, Proof};
use crate::place::check_path;

/// Where Kubernetes puts the token of a pod's service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// How to log in: exactly one of these.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AuthSettings {
    /// A token that somebody else issues and keeps alive, such as Vault Agent. It is read anew for each operation.
    pub token: Option<CredentialRef>,
    /// The method `approle`.
    pub app_role: Option<AppRoleSettings>,
    /// The method `kubernetes`: the service account of the pod that keywheel runs in.
    pub kubernetes: Option<KubernetesSettings>,
    /// The method `userpass`.
    pub userpass: Option<UserpassSettings>,
}

/// A login with a role and a secret id.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AppRoleSettings {
    /// The role's id.
    pub role_id: String,
    /// The secret id. It is read anew for each login.
    pub secret_id: CredentialRef,
    /// Where the method is mounted. Default: `approle`.
    pub mount: Option<String>,
}

/// A login with a service account.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KubernetesSettings {
    /// The role.
    pub role: String,
    /// The service account's token. Default: the file that Kubernetes mounts into each pod.
    pub token: Option<CredentialRef>,
    /// Where the method is mounted. Default: `kubernetes`.
    pub mount: Option<String>,
}

/// A login with a user's password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UserpassSettings {
    /// The user.
    pub user: String,
    /// The password. It is read anew for each login.
    pub password: CredentialRef,
    /// Where the method is mounted. Default: `userpass`.
    pub mount: Option<String>,
}

impl AuthSettings {
    pub(crate) fn resolve(self, base: &Path) -> Result<Auth, Vec<Mistake>> {
        let Self { token, app_role, kubernetes, userpass } = self;
        let mut mistakes = Vec::new();
        let mut ways = Vec::new();
        ways.extend(token.map(|token| Auth::Token(token.beside(base))));
        if let Some(AppRoleSettings { role_id, secret_id, mount }) = app_role {
            let mount = mount_of("auth.app-role.mount", mount, "approle", &mut mistakes);
            if role_id.is_empty() {
                let hint = "`vault read auth/approle/role/NAME/role-id` shows it";
                mistakes.push(Mistake::new("auth.app-role.role-id", "no role is named", hint));
            }
            let proof = Proof::AppRole { role_id, secret_id: secret_id.beside(base) };
            ways.push(Auth::Login(Login { mount, proof }));
        }
        if let Some(KubernetesSettings { role, token, mount }) = kubernetes {
            let mount = mount_of("auth.kubernetes.mount", mount, "kubernetes", &mut mistakes);
            if role.is_empty() {
                let hint = "`vault list auth/kubernetes/role` shows the roles";
                mistakes.push(Mistake::new("auth.kubernetes.role", "no role is named", hint));
            }
            let token = token.unwrap_or_else(|| CredentialRef::File(PathBuf::from(SERVICE_ACCOUNT)));
            let proof = Proof::Kubernetes { role, token: token.beside(base) };
            ways.push(Auth::Login(Login { mount, proof }));
        }
        if let Some(UserpassSettings { user, password, mount }) = userpass {
            let mount = mount_of("auth.userpass.mount", mount, "userpass", &mut mistakes);
            if check_path(&user).is_err() || user.contains('/') {
                let hint = "`vault list auth/userpass/users` shows the users";
                mistakes.push(Mistake::new("auth.userpass.user", "nobody can have this name", hint));
            }
            let proof = Proof::Userpass { user, password: password.beside(base) };
            ways.push(Auth::Login(Login { mount, proof }));
        }
        let one = "write exactly one of `token`, `app-role`, `kubernetes` and `userpass`";
        match (ways.pop(), ways.is_empty()) {
            (Some(way), true) if mistakes.is_empty() => return Ok(way),
            (Some(_), true) => {}
            (Some(_), false) => mistakes.push(Mistake::new("auth", "there are several ways to log in", one)),
            (None, _) => mistakes.push(Mistake::new("auth", "there is no way to log in", one)),
        }
        Err(mistakes)
    }
}

fn mount_of(field: &'static str, mount: Option<String>, usual: &str, mistakes: &mut Vec<Mistake>) -> String {
    let mount = mount.unwrap_or_else(|| usual.to_owned());
    if let Err(why) = check_path(&mount) {
        let hint = format!("write it without `auth/` and without slashes at its ends: `{usual}` is usual");
        mistakes.push(Mistake::new(field, format!("this is no path: {why}"), hint));
    }
    mount
}
