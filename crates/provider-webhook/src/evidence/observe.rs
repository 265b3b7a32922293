//! The three ways to know that a consumer moved.

use keywheel_core::{
    notifier::{Adoption, Notice},
    provider::Finding,
};

use super::{health::Health, shown::Shown};

/// How it is known that a consumer moved. What is shown is judged as
/// [`Sight::judge`](keywheel_core::evidence::Sight::judge) says.
pub enum Evidence {
    /// A URL that shows the fingerprint in use.
    Shown(Shown),
    /// A URL that is well only while the consumer works; for the rest the operator's word is taken.
    Health(Health),
    /// None: the operator accepts that, in these words.
    Trust(String),
}

impl Evidence {
    /// Whether what is shown comes from the consumer, which knows the value and not the key of keyed fingerprints.
    pub fn shows_plain_fingerprints(&self) -> bool {
        match self {
            Self::Shown(_) => true,
            Self::Health(_) | Self::Trust(_) => false,
        }
    }

    /// The operator's words for why no version is looked at, if so.
    pub fn trusted(&self) -> Option<String> {
        match self {
            Self::Trust(accepted) => Some(accepted.clone()),
            Self::Health(health) => Some(health.accepted()),
            Self::Shown(_) => None,
        }
    }

    /// Looks whether the consumer uses, or accepts, what `notice` says. Whatever stands in the way of a look is a
    /// reason for [`Adoption::NotYet`].
    pub async fn observe(&self, notice: &Notice) -> Adoption {
        match self {
            Self::Shown(shown) => shown.look(notice).await.judge(notice, &shown.place()),
            Self::Health(health) => health.look().await,
            Self::Trust(accepted) => Adoption::Unobservable { accepted: accepted.clone() },
        }
    }

    /// What would keep the evidence from being seen.
    pub async fn examine(&self) -> Vec<Finding> {
        match self {
            Self::Shown(shown) => shown.examine().await,
            Self::Health(health) => health.examine().await,
            Self::Trust(_) => Vec::new(),
        }
    }
}
