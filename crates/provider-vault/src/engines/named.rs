//! What one rotator is about: a name in an engine.

use std::sync::Arc;

use keywheel_core::{CallContext, Error, ErrorKind, Result};
use reqwest::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};

use crate::api::{Reply, Session, Shared};

pub(crate) struct Named {
    pub(super) shared: Arc<Shared>,
    pub(super) mount: Arc<str>,
    pub(super) name: Option<Arc<str>>,
    /// What the name stands for, for people.
    pub(super) what: &'static str,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

impl Named {
    /// Requests of one operation, and the name that they are about.
    pub(super) fn begin(
        &self,
        operation: &'static str,
        context: Option<&CallContext>,
    ) -> Result<(Session<'_>, &str)> {
        let session = Session::new(&self.shared, operation, context)?;
        match self.name.as_deref() {
            Some(name) if !name.is_empty() && !name.contains('/') => Ok((session, name)),
            Some(_) | None => {
                let message =
                    format!("the secret's entry does not name one of the {}: set `identity`", self.what);
                Err(Error::not_applied(ErrorKind::InvalidConfig, operation, message))
            }
        }
    }

    /// What is there of the name, below `part`.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        session: &mut Session<'_>,
        part: &str,
        name: &str,
    ) -> Result<T> {
        let reply = session.get(&[&self.mount, part, name], None).await?;
        if reply.status == StatusCode::NOT_FOUND {
            return Err(self.nothing(session, &reply, name));
        }
        let Envelope { data } = session.sealed(reply.json(session.operation()))?;
        Ok(data)
    }

    fn nothing(&self, session: &Session<'_>, reply: &Reply, name: &str) -> Error {
        let refusal = reply.refusal(session.operation());
        if refusal.kind == ErrorKind::InvalidConfig || !reply.is_of_the_engine() {
            return refusal.with("mount", &self.mount);
        }
        let message =
            format!("`{name}` is none of the {} of mount `{}`: check `identity`", self.what, self.mount);
        session.error(ErrorKind::InvalidConfig, message)
    }
}

/// What a target that makes its credentials itself says to any other one.
pub(super) fn told(operation: &'static str) -> Error {
    let message = "Vault makes this credential itself, and cannot be told one";
    Error::not_applied(ErrorKind::Unsupported, operation, message)
}
