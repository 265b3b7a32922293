//! What people are told about rotations.
//!
//! A message is a projection of what happened: nothing waits for it, and nothing goes wrong when it is lost.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    id::{RotationId, SecretName},
    provider::Finding,
};

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// A rotation began.
    Started,
    /// A rotation ended, and the new value is the only one.
    Succeeded,
    /// A rotation ended, and the old value is the only one again.
    Failed,
    /// A rotation waits for a person.
    Parked,
    /// A secret should have been rotated long ago.
    Overdue,
}

impl Occasion {
    /// The name as settings and messages write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Parked => "parked",
            Self::Overdue => "overdue",
        }
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One message to people. Holds no value, and nothing from which one could be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Message {
    /// The same for every repetition: by it a receiver knows that it has the message already.
    pub id: String,
    /// What it is about.
    pub occasion: Occasion,
    /// Which secret.
    pub secret: SecretName,
    /// Which rotation; `None` if there is none yet.
    pub rotation: Option<RotationId>,
    /// Where the secret is used.
    pub environment: Option<Arc<str>>,
    /// Who answers for it.
    pub owner: Option<Arc<str>>,
    /// When it happened.
    pub at: Timestamp,
    /// What happened, in words.
    pub words: String,
}

/// Sends messages to people through one channel.
///
/// # Contract
/// 1. `send` succeeds only if the far side took the message.
/// 2. `send` may be repeated with the same message, whose `id` goes along where the channel has a place for it.
/// 3. `send` gives up after `limit`.
/// 4. An error's kind says whether another try may help ([`is_transient`](crate::ErrorKind::is_transient)).
/// 5. No credential reaches an error or a log.
#[async_trait]
pub trait Messenger: Send + Sync {
    /// Sends one message.
    async fn send(&self, message: &Message, limit: Duration) -> Result<()>;

    /// Checks settings and rights without telling anyone; one finding for each thing missing.
    async fn examine(&self) -> Vec<Finding>;
}
