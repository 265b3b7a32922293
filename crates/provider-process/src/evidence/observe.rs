//! The three ways to know that a consumer moved.

use keywheel_core::{
    notifier::{Adoption, Notice},
    provider::Finding,
};

use super::{command::CommandEvidence, file::FileEvidence};

/// How it is known that a consumer moved.
///
/// For [`Phase::Promoted`](keywheel_core::notifier::Phase) and `RolledBack` the version in use must be the expected
/// one; for `NextPublished` it is enough that it is accepted. After a rollback to nothing (`expected` is `None`) the
/// consumer has moved when it certainly shows no version in use: the file is missing, the node is missing, null or
/// empty, the command prints an empty line.
///
/// Evidence need not be newer than the notice, because two versions have two fingerprints. It shows what the consumer
/// last said; that it is alive is what `notify` finds out.
pub enum Evidence {
    /// A file that the consumer writes.
    File(FileEvidence),
    /// What a command prints.
    Command(CommandEvidence),
    /// None: the operator accepts that, in these words.
    Trust(String),
}

impl Evidence {
    /// Whether what is shown comes from the consumer, which knows the value and not the key of keyed fingerprints.
    pub fn shows_plain_fingerprints(&self) -> bool {
        match self {
            Self::File(_) | Self::Command(_) => true,
            Self::Trust(_) => false,
        }
    }

    /// The operator's words for why nothing is looked at, if so.
    pub fn trusted(&self) -> Option<String> {
        match self {
            Self::Trust(accepted) => Some(accepted.clone()),
            Self::File(_) | Self::Command(_) => None,
        }
    }

    /// Looks whether the consumer uses, or accepts, what `notice` says. Whatever stands in the way of a look is a
    /// reason for [`Adoption::NotYet`].
    pub async fn observe(&self, notice: &Notice) -> Adoption {
        match self {
            Self::File(file) => file.look(notice).await.judge(notice, &file.place()),
            Self::Command(command) => command.look(notice).await.judge(notice, &command.place()),
            Self::Trust(accepted) => Adoption::Unobservable { accepted: accepted.clone() },
        }
    }

    /// What would keep the evidence from being seen.
    pub async fn examine(&self) -> Vec<Finding> {
        match self {
            Self::File(file) => file.examine().await,
            Self::Command(command) => command.examine(),
            Self::Trust(_) => Vec::new(),
        }
    }
}
