//! A parameter as its history shows it, without values.

use std::collections::BTreeSet;

use aws_sdk_ssm::types::{ParameterHistory, ParameterTier, ParameterType};
use jiff::Timestamp;
use keywheel_core::{Error, ErrorKind};

use super::labels;
use crate::{call::Call, mark::Note};

/// As many as a parameter keeps: <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html>.
const MOST_VERSIONS: usize = 100;

/// One version.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) number: i64,
    pub(super) labels: BTreeSet<String>,
    pub(super) created_at: Option<Timestamp>,
}

/// Every version that the service still has, and what belongs to all of them.
#[derive(Debug, Default)]
pub(super) struct Parameter {
    versions: Vec<Version>,
    pub(super) kept: Kept,
    is_secure: bool,
}

/// What the next version is to have like the one before: whatever is not said when a version is put, is lost.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    pub(super) key: Option<String>,
    pub(super) description: Option<String>,
    pub(super) allowed_pattern: Option<String>,
    pub(super) data_type: Option<String>,
    pub(super) advanced: bool,
}

impl Version {
    pub(super) fn called(&self) -> Option<(String, Option<Note>)> {
        labels::read(&self.labels)
    }

    pub(super) fn has_id(&self) -> bool {
        self.called().is_some()
    }

    /// What keywheel calls it: by its labels, else by its number.
    pub(super) fn id(&self) -> String {
        self.called().map_or_else(|| self.number.to_string(), |(id, _)| id)
    }

    pub(super) fn own_labels(&self) -> impl Iterator<Item = String> {
        self.labels.iter().filter(|label| labels::is_ours(label)).cloned()
    }
}

impl Parameter {
    pub(super) fn of(history: Vec<ParameterHistory>) -> Self {
        let mut parameter = Self::default();
        let mut newest = i64::MIN;
        for found in history {
            if found.version > newest {
                newest = found.version;
                parameter.is_secure = found.r#type == Some(ParameterType::SecureString);
                parameter.kept = Kept {
                    key: found.key_id,
                    description: found.description,
                    allowed_pattern: found.allowed_pattern,
                    data_type: found.data_type,
                    advanced: found.tier == Some(ParameterTier::Advanced),
                };
            }
            parameter.versions.push(Version {
                number: found.version,
                labels: found.labels.unwrap_or_default().into_iter().collect(),
                created_at: found.last_modified_date.and_then(|at| Timestamp::from_second(at.secs()).ok()),
            });
        }
        parameter.versions.sort_by_key(|version| version.number);
        parameter
    }

    /// What whoever asks for the parameter gets.
    pub(super) fn latest(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// The versions before the latest that keywheel has a name for, newest first.
    pub(super) fn named(&self) -> impl Iterator<Item = &Version> {
        self.versions.iter().rev().skip(1).filter(|version| version.has_id())
    }

    /// # Errors
    /// `InvalidConfig` for a parameter that holds no secret, or takes no further version.
    pub(super) fn writable(&self, call: &Call<'_>, name: &str) -> Result<(), Error> {
        self.readable(call)?;
        let Some(oldest) = self.versions.first().filter(|_| self.versions.len() >= MOST_VERSIONS) else {
            return Ok(());
        };
        let theirs = oldest.labels.iter().find(|label| {
            !labels::is_ours(label) && ![labels::CURRENT, labels::PREVIOUS].contains(&label.as_str())
        });
        let Some(label) = theirs else { return Ok(()) };
        let message = format!(
            "the parameter has {MOST_VERSIONS} versions and takes no other while its oldest one has the label `{label}`: \
             move that, or drop it with `aws ssm unlabel-parameter-version --name {name} --parameter-version {} --labels {label}`",
            oldest.number
        );
        Err(call.error(ErrorKind::InvalidConfig, message))
    }

    /// # Errors
    /// `InvalidConfig` for a parameter that is not encrypted.
    pub(super) fn readable(&self, call: &Call<'_>) -> Result<(), Error> {
        if self.versions.is_empty() || self.is_secure {
            return Ok(());
        }
        let message = "the parameter is no SecureString, so its value is open to everybody who may list it: give the secret \
                       another name, or delete the parameter and put it anew as a SecureString";
        Err(call.error(ErrorKind::InvalidConfig, message))
    }
}
