//! What tells a consumer that a value changed, and sees whether it moved.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    context::CallContext,
    error::Result,
    fingerprint::Fingerprint,
    id::{Identity, RotationId, SecretName},
    provider::Finding,
    value::SecretValue,
};

/// What consumers are being told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// A verifying key was published as `next`: accept it, do not sign with it.
    NextPublished,
    /// The new value is current: use it.
    Promoted,
    /// The old value is current again: use it.
    RolledBack,
}

impl Phase {
    /// The name as records and messages write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NextPublished => "next-published",
            Self::Promoted => "promoted",
            Self::RolledBack => "rolled-back",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One message to one consumer. Holds no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The rotation; with `phase` it identifies the notice, so that a repetition can be recognised.
    pub rotation: RotationId,
    /// What happened.
    pub phase: Phase,
    /// Which secret.
    pub secret: SecretName,
    /// The version that the consumer should use (`Promoted`, `RolledBack`) or accept (`NextPublished`); `None` when
    /// there is none to go back to.
    pub expected: Option<Fingerprint>,
    /// Whom the expected version is for, where the target knows users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Whom the version is for that the consumer should stop using.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Identity>,
    /// Since when the expected version is there to be used: whatever began before cannot use it.
    pub since: Timestamp,
}

impl Notice {
    /// The deduplication key: the same for every repetition of one notice.
    pub fn id(&self) -> String {
        format!("{}/{}", self.rotation, self.phase)
    }
}

/// Whether a consumer moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// It did, and this is how we know.
    Yes {
        /// The evidence, in words without values.
        evidence: String,
    },
    /// Not yet, and this is what was seen instead.
    NotYet {
        /// What was seen.
        why: String,
    },
    /// This consumer cannot be observed; the operator accepted that in the inventory, in these words.
    Unobservable {
        /// The operator's words.
        accepted: String,
    },
}

/// Tells one consumer, and looks whether it moved.
///
/// # Contract
/// 1. `notify` succeeds only if the message reached the consumer, or whatever restarts it.
/// 2. `notify` may be repeated with the same notice; the consumer ends in the same state.
/// 3. `adopted` says `Yes` only on evidence that names the expected version, never because time passed.
/// 4. `adopted` changes nothing, and `NotYet` is not an error.
/// 5. A consumer that is gone is an error of `notify`, not silence.
/// 6. No value reaches an argument list, an environment, a log or an error.
/// 7. `notify_with` hands over the value that the consumer should use (`Promoted`, `RolledBack`) or accept
///    (`NextPublished`), whole, and is otherwise as `notify`.
/// 8. A notifier that wants the value does not tell everything: one message brings one value.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Tells the consumer.
    async fn notify(&self, context: &CallContext, notice: &Notice) -> Result<()>;

    /// Whether the consumer is to be handed the value itself, since it cannot read it where stores keep it. If so, the
    /// engine calls [`notify_with`](Self::notify_with), and `notify` only if no version is expected.
    fn wants_value(&self) -> bool {
        false
    }

    /// Tells the consumer, and hands it `value`: the bytes that the primary store holds, of which `notice.expected` is the
    /// fingerprint. In the layout `document` that is the whole document. Whoever does not want it is told without it.
    async fn notify_with(&self, context: &CallContext, notice: &Notice, value: &SecretValue) -> Result<()> {
        let _unwanted = value;
        self.notify(context, notice).await
    }

    /// Looks whether the consumer uses (or, for `NextPublished`, accepts) the expected version.
    async fn adopted(&self, notice: &Notice) -> Result<Adoption>;

    /// Whether one message makes the consumer read all its secrets again, whatever the notice says. If so, the engine may
    /// tell it once for several rotations: for each that had promoted its value before the call began. Never of one that
    /// [wants the value](Self::wants_value), whatever it says here.
    fn tells_everything(&self) -> bool {
        false
    }

    /// Checks settings and rights without telling anyone; one finding for each thing missing.
    async fn examine(&self) -> Vec<Finding>;
}
