//! Which versions of a secret have which labels, at one moment.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use keywheel_core::{Error, ErrorKind, secret::Stage};

use crate::{call::Call, mark::Note};

pub(super) const CURRENT: &str = "AWSCURRENT";
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";
pub(super) const PENDING: &str = "AWSPENDING";

/// A secret without its values. One that does not exist has no versions.
#[derive(Debug, Default)]
pub(super) struct Picture {
    pub(super) exists: bool,
    pub(super) description: Option<String>,
    arn: Option<String>,
    deleted_at: Option<String>,
    replica_of: Option<String>,
    pub(super) rotates: bool,
    labels: BTreeMap<String, BTreeSet<String>>,
}

impl Picture {
    pub(super) fn of(output: DescribeSecretOutput) -> Self {
        let own = output.arn.as_deref().and_then(|arn| arn.split(':').nth(3)).map(ToOwned::to_owned);
        let arn = output.arn;
        let labels = output.version_ids_to_stages.unwrap_or_default().into_iter();
        Self {
            exists: true,
            description: output.description,
            arn,
            deleted_at: output.deleted_date.map(|at| {
                jiff::Timestamp::from_second(at.secs()).map_or_else(|_| String::new(), |at| at.to_string())
            }),
            // The primary secret of a replicated one names itself.
            replica_of: output.primary_region.filter(|primary| own.as_ref() != Some(primary)),
            rotates: output.rotation_enabled == Some(true),
            labels: labels.map(|(id, labels)| (id, labels.into_iter().collect())).collect(),
        }
    }

    /// What no other version of any secret is called: the ARN of a secret that was made anew ends in other letters.
    pub(super) fn key(&self, id: &str) -> Option<String> {
        self.arn.as_ref().map(|arn| format!("{arn} {id}"))
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// # Errors
    /// `InvalidConfig` for a secret that is scheduled for deletion: no value of it can be read.
    pub(super) fn readable(&self, call: &Call<'_>, name: &str) -> Result<(), Error> {
        let Some(at) = &self.deleted_at else { return Ok(()) };
        let message = format!(
            "the secret is scheduled for deletion since {at}; `aws secretsmanager restore-secret --secret-id {name}` \
             takes that back"
        );
        Err(call.error(ErrorKind::InvalidConfig, message))
    }

    /// # Errors
    /// `InvalidConfig` for one that cannot be changed here. Not left to the service: it takes some changes all the same.
    pub(super) fn writable(&self, call: &Call<'_>, name: &str) -> Result<(), Error> {
        self.readable(call, name)?;
        let Some(primary) = &self.replica_of else { return Ok(()) };
        let message = format!(
            "the secret is a replica here, which nobody can change: its primary one is in {primary}, so write \
             `region: {primary}`"
        );
        Err(call.error(ErrorKind::InvalidConfig, message))
    }

    /// The version that has `label`.
    pub(super) fn holder(&self, label: &str) -> Option<&str> {
        self.labels.iter().find(|(_, labels)| labels.contains(label)).map(|(id, _)| id.as_str())
    }

    pub(super) fn labels(&self, id: &str) -> impl Iterator<Item = &str> {
        self.labels.get(id).into_iter().flatten().map(String::as_str)
    }

    /// Every version that has a label.
    pub(super) fn versions(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().filter(|(_, labels)| !labels.is_empty()).map(|(id, _)| id.as_str())
    }

    /// Whether the version has any label; others are as good as gone.
    pub(super) fn has(&self, id: &str) -> bool {
        self.labels(id).next().is_some()
    }

    /// The version in `stage`, each listed once, where it has got to.
    pub(super) fn at(&self, stage: Stage) -> Option<&str> {
        let current = self.holder(CURRENT);
        let previous = self.holder(PREVIOUS).filter(|id| Some(*id) != current);
        match stage {
            Stage::Current => current,
            Stage::Previous => previous,
            Stage::Next => None,
            Stage::Pending => {
                let is_ahead = |id: &&str| Some(*id) != current && Some(*id) != previous;
                // A label that is left behind on what was promoted says nothing.
                self.holder(PENDING).filter(is_ahead).or_else(|| {
                    // Put by somebody who has not come to the label, or was refused it.
                    let marked = self.labels.keys().map(String::as_str);
                    marked.filter(is_ahead).find(|id| self.note(id).is_some())
                })
            }
        }
    }

    /// The stage of version `id`.
    pub(super) fn stage_of(&self, id: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| self.at(*stage) == Some(id))
    }

    /// Who staged the version. A mark that somebody moved to another version is none.
    pub(super) fn note(&self, id: &str) -> Option<Note> {
        self.labels(id).filter_map(Note::read).find(|note| note.mark.rotation.to_string() == id)
    }

    /// The labels of version `id` that keywheel or a rotation function attached, that of who staged it last: as long as
    /// anything is left of a rotation, it says whose it is.
    pub(super) fn own_labels(&self, id: &str) -> Vec<String> {
        let stages = self.labels(id).filter(|label| [PENDING, PREVIOUS].contains(label));
        let marks = self.labels(id).filter(|label| Note::read(label).is_some());
        stages.chain(marks).map(ToOwned::to_owned).collect()
    }
}
