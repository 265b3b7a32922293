//! Which secrets a command is about.

use clap::Args;
use keywheel::core::{SecretName, plan::Selection};

/// Which secrets.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Which secrets")]
pub(crate) struct Select {
    /// These, due or not
    #[arg(value_name = "NAME", help_heading = "Arguments", conflicts_with_all = ["due", "all", "tier", "tag"])]
    pub(crate) names: Vec<String>,

    /// Whatever the policy says is due, and whatever is unfinished
    #[arg(long, conflicts_with_all = ["all", "tier", "tag"])]
    pub(crate) due: bool,

    /// Every secret, due or not
    #[arg(long, conflicts_with_all = ["tier", "tag"])]
    pub(crate) all: bool,

    /// Every secret of this tier, due or not
    #[arg(long, value_name = "TIER", conflicts_with = "tag")]
    pub(crate) tier: Vec<String>,

    /// Every secret with this tag, due or not
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
}

/// What was typed about which secrets.
pub(crate) enum Wanted {
    /// Something.
    These(Selection),
    /// Nothing.
    Nothing,
}

impl Select {
    /// As the plan takes it.
    pub(crate) fn wanted(&self) -> Wanted {
        Wanted::These(if !self.names.is_empty() {
            Selection::Names(self.names.iter().map(|name| SecretName::from(name.as_str())).collect())
        } else if self.due {
            Selection::Due
        } else if self.all {
            Selection::All
        } else if !self.tier.is_empty() {
            Selection::Tiers(self.tier.clone())
        } else if !self.tag.is_empty() {
            Selection::Tags(self.tag.clone())
        } else {
            return Wanted::Nothing;
        })
    }
}
