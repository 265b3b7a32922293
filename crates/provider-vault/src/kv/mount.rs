//! Whether the mount is a KV engine of version 2. One of version 1 takes every write: it would keep keywheel's requests as
//! documents, and check nothing.

use std::collections::BTreeMap;

use keywheel_core::{ErrorKind, Result};
use reqwest::StatusCode;
use serde::Deserialize;

use super::Kv;

#[derive(Deserialize)]
struct Answer {
    data: Option<Mount>,
}

#[derive(Deserialize)]
struct Mount {
    #[serde(rename = "type")]
    kind: String,
    options: Option<BTreeMap<String, String>>,
}

impl Kv<'_> {
    /// Looks, once for each process.
    pub(crate) async fn judge(&mut self) -> Result<()> {
        if self.session.shared().is_judged() {
            return Ok(());
        }
        let asked = self.session.get(&["sys", "internal", "ui", "mounts", self.mount], None).await;
        let reply = match asked {
            Err(error) if error.kind == ErrorKind::PermissionDenied => {
                let message = "nothing is mounted there, or the token has no right on anything in it";
                return Err(self
                    .session
                    .error(ErrorKind::PermissionDenied, message)
                    .with("mount", self.mount));
            }
            asked => asked?,
        };
        let nothing = |kv: &Self| {
            let message = "nothing is mounted there: `vault secrets enable -path=MOUNT -version=2 kv`";
            kv.session.error(ErrorKind::InvalidConfig, message).with("mount", kv.mount)
        };
        if reply.status == StatusCode::NOT_FOUND {
            let refusal = Err(reply.refusal(self.session.operation()));
            return self.session.sealed(refusal);
        }
        let answer: Answer = self.session.sealed(reply.json(self.session.operation()))?;
        let Some(mount) = answer.data else { return Err(nothing(self)) };
        let version = mount.options.as_ref().and_then(|options| options.get("version"));
        if mount.kind != "kv" && mount.kind != "generic" {
            let message = "this is no KV engine";
            return Err(self.session.error(ErrorKind::InvalidConfig, message).with("mount", self.mount));
        }
        if version.map(String::as_str) != Some("2") {
            let message = format!(
                "the mount is a KV engine of version 1, which has no check-and-set: two writers could overwrite each \
                 other's values unnoticed. `vault kv enable-versioning {}` makes it version 2",
                self.mount
            );
            return Err(self.session.error(ErrorKind::InvalidConfig, message));
        }
        self.session.shared().judged();
        Ok(())
    }
}
