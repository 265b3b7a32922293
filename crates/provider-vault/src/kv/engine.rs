//! Reading, writing under check-and-set, and destroying.
//! <https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2>

use jiff::Timestamp;
use keywheel_core::{ErrorKind, Result};
use reqwest::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::api::{Reply, Session};

/// One operation on one mount.
pub(crate) struct Kv<'a> {
    pub(crate) session: Session<'a>,
    pub(crate) mount: &'a str,
}

/// One version of a path, or what is left of it.
pub(crate) struct Found<T> {
    /// Its number; zero if there never was one.
    pub(crate) version: u64,
    /// When it was written, in the server's own words: with the number it tells this version from one of the same number
    /// that came after everything was removed.
    pub(crate) created: Option<String>,
    /// `None` if it was never written, is deleted or destroyed.
    pub(crate) data: Option<T>,
}

/// What a write made.
pub(crate) struct Written {
    pub(crate) created: String,
}

/// How much of a path's past the server keeps.
#[derive(Deserialize)]
pub(crate) struct Kept {
    #[serde(default)]
    pub(crate) max_versions: u64,
    #[serde(default)]
    pub(crate) delete_version_after: Option<String>,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: Option<T>,
}

#[derive(Deserialize)]
struct Version<T> {
    data: Option<T>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
    created_time: String,
}

#[derive(Serialize)]
struct Write<'d, T> {
    options: Options,
    data: &'d T,
}

#[derive(Serialize)]
struct Options {
    cas: u64,
}

impl<'a> Kv<'a> {
    pub(crate) fn new(session: Session<'a>, mount: &'a str) -> Self {
        Self { session, mount }
    }

    /// The latest version at `path`, or the one of that number.
    pub(crate) async fn read<T: DeserializeOwned>(
        &mut self,
        path: &str,
        version: Option<u64>,
    ) -> Result<Found<T>> {
        let query = version.map(|version| ("version", version.to_string()));
        let reply = self.session.get(&[self.mount, "data", path], query).await?;
        let nothing = Found { version: 0, created: None, data: None };
        if reply.status == StatusCode::NOT_FOUND {
            self.is_absence(&reply)?;
            // What was never written has no metadata; what is deleted has.
            let left: Result<Envelope<Version<T>>> = reply.json(self.session.operation());
            let Some(left) = left.ok().and_then(|left| left.data) else { return Ok(nothing) };
            let Metadata { version, created_time } = left.metadata;
            return Ok(Found { version, created: Some(created_time), data: None });
        }
        let read: Envelope<Version<T>> = self.session.sealed(reply.json(self.session.operation()))?;
        let Some(Version { data, metadata }) = read.data else { return Ok(nothing) };
        Ok(Found { version: metadata.version, created: Some(metadata.created_time), data })
    }

    /// Whether a 404 says that there is nothing.
    fn is_absence(&self, reply: &Reply) -> Result<()> {
        if reply.is_of_the_engine() {
            return Ok(());
        }
        self.session.sealed(Err(reply.refusal(self.session.operation())))
    }

    /// Writes if `cas` is still the latest version; `None` if it is not. `len` is at least the length of the JSON.
    pub(crate) async fn write<T: Serialize>(
        &mut self,
        path: &str,
        data: &T,
        len: usize,
        cas: u64,
    ) -> Result<Option<Written>> {
        // Large enough at once: a buffer that grows leaves copies behind.
        let mut body = Zeroizing::new(Vec::with_capacity(len + 64));
        let write = Write { options: Options { cas }, data };
        if write.serialize(&mut serde_json::Serializer::new(&mut *body)).is_err() {
            return Err(self.session.error(ErrorKind::Internal, "the document cannot be written as JSON"));
        }
        let reply = match self.session.post(&[self.mount, "data", path], body).await {
            Ok(reply) => reply,
            Err(error) if error.kind == ErrorKind::Conflict => return Ok(None),
            Err(error) => return Err(error),
        };
        let written: Envelope<Metadata> = self.session.sealed(reply.json(self.session.operation()))?;
        match written.data {
            Some(Metadata { created_time, version: _ }) => Ok(Some(Written { created: created_time })),
            None => Err(self.session.error(ErrorKind::Unsupported, "the server does not say what it wrote")),
        }
    }

    /// Makes one version unreadable for good.
    pub(crate) async fn destroy(&mut self, path: &str, version: u64) -> Result<()> {
        let body = Zeroizing::new(format!(r#"{{"versions":[{version}]}}"#).into_bytes());
        self.session.post(&[self.mount, "destroy", path], body).await.map(drop)
    }

    /// Has the server keep the latest version of `path` only.
    pub(crate) async fn forget_all_but_the_latest(&mut self, path: &str) -> Result<()> {
        let body = Zeroizing::new(br#"{"max_versions":1}"#.to_vec());
        self.session.post(&[self.mount, "metadata", path], body).await.map(drop)
    }

    /// How much of the past of `path` is kept, if it has been written.
    pub(crate) async fn kept(&mut self, path: &str) -> Result<Option<Kept>> {
        let reply = self.session.get(&[self.mount, "metadata", path], None).await?;
        if reply.status == StatusCode::NOT_FOUND {
            return self.is_absence(&reply).map(|()| None);
        }
        let read: Envelope<Kept> = self.session.sealed(reply.json(self.session.operation()))?;
        Ok(read.data)
    }

    /// The same for every path of the mount that does not say it.
    pub(crate) async fn kept_by_mount(&mut self) -> Result<Option<Kept>> {
        let reply = self.session.get(&[self.mount, "config"], None).await?;
        let read: Envelope<Kept> = self.session.sealed(reply.json(self.session.operation()))?;
        Ok(read.data)
    }
}

/// The server's time.
pub(crate) fn time(created: &str) -> Option<Timestamp> {
    created.parse().ok()
}
