//! The ways to log in.

use keywheel_core::{Error, ErrorKind, Result, SecretValue, inventory::CredentialRef};
use serde::Serialize;
use zeroize::Zeroizing;

/// Who logs in.
pub(crate) enum Auth {
    /// Nobody: the token is there.
    Token(CredentialRef),
    /// With a method of the server.
    Login(Login),
}

/// A method, and where it is mounted.
pub(crate) struct Login {
    pub(crate) mount: String,
    pub(crate) proof: Proof,
}

/// What a login shows.
pub(crate) enum Proof {
    AppRole { role_id: String, secret_id: CredentialRef },
    Kubernetes { role: String, token: CredentialRef },
    Userpass { user: String, password: CredentialRef },
}

impl Login {
    /// The path below `auth/`, and the body.
    pub(crate) fn request(&self) -> Result<(Vec<&str>, Zeroizing<Vec<u8>>)> {
        let mut path: Vec<&str> = std::iter::once("auth").chain(self.mount.split('/')).collect();
        path.push("login");
        let body = match &self.proof {
            Proof::AppRole { role_id, secret_id } => {
                body(&[("role_id", role_id)], "secret_id", &secret_id.read()?)?
            }
            Proof::Kubernetes { role, token } => body(&[("role", role)], "jwt", &token.read()?)?,
            Proof::Userpass { user, password } => {
                path.push(user);
                body(&[], "password", &password.read()?)?
            }
        };
        Ok((path, body))
    }

    /// What the operator looks at when the server refuses the login.
    pub(crate) fn hint(&self) -> &'static str {
        match &self.proof {
            Proof::AppRole { .. } => {
                "the role id or the secret id is wrong, or the secret id has expired or is used up"
            }
            Proof::Kubernetes { .. } => {
                "the service account is not bound to this role, or its token has expired or is for another audience"
            }
            Proof::Userpass { .. } => "the user or the password is wrong",
        }
    }
}

fn body(plain: &[(&str, &String)], name: &str, secret: &SecretValue) -> Result<Zeroizing<Vec<u8>>> {
    let unusable = || {
        Error::not_applied(
            ErrorKind::InvalidConfig,
            "read credential",
            "the credential to log in with is no text",
        )
    };
    let secret = std::str::from_utf8(secret.expose_secret()).map_err(|_| unusable())?;
    let mut fields: std::collections::BTreeMap<&str, &str> =
        plain.iter().map(|(name, text)| (*name, text.as_str())).collect();
    fields.insert(name, secret);
    let mut text = Zeroizing::new(Vec::with_capacity(256 + secret.len() * 2));
    fields.serialize(&mut serde_json::Serializer::new(&mut *text)).map_err(|_| unusable())?;
    Ok(text)
}
