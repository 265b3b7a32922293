//! The commands that change something, and `plan`, which shows it first.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::Args;
use keywheel::core::inventory::Period;

use super::Select;

const PLAN_EXAMPLES: &str = "\
Examples:
  keywheel plan                          what is due
  keywheel plan db-password              what rotating this one would do
  keywheel plan --check && echo fresh    exit code 10 when something is due
  keywheel plan --due --out friday.plan  save it for `keywheel rotate --plan friday.plan`";

const ROTATE_EXAMPLES: &str = "\
Examples:
  keywheel rotate db-password            shows the plan, asks, rotates
  keywheel rotate --due --yes            for a timer: asks nobody
  keywheel rotate --tier critical --dry-run
  keywheel rotate --plan friday.plan     only if the world is still as it was
  keywheel rotate api-key --value-from-stdin --yes < new-key";

#[derive(Args, Debug)]
#[command(after_help = PLAN_EXAMPLES)]
pub(crate) struct PlanArgs {
    /// Count secrets that were rotated within the last hour; with --out, replace the file
    #[arg(long)]
    pub(crate) force: bool,

    /// Tell no consumer, and wait for none
    #[arg(long, alias = "no-redeploy")]
    pub(crate) no_notify: bool,

    /// Exit with 10 if something is due
    #[arg(long)]
    pub(crate) check: bool,

    /// Save the plan for `rotate --plan`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) select: Select,
}

#[derive(Args, Debug)]
#[command(after_help = ROTATE_EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is one switch of the command line")]
pub(crate) struct Rotate {
    /// Run a saved plan, if the world is still as it was
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["names", "due", "all", "tier", "tag", "force", "no_notify", "value_from_stdin"]
    )]
    pub(crate) plan: Option<PathBuf>,

    /// Show the plan and stop
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// Why, for the records
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,

    /// Rotate again what was rotated within the last hour
    #[arg(long)]
    pub(crate) force: bool,

    /// Tell no consumer, and wait for none: you answer for them
    #[arg(long, alias = "no-redeploy")]
    pub(crate) no_notify: bool,

    /// Read the new value of the one NAME from stdin; a line end at its end does not count
    #[arg(long, requires = "names")]
    pub(crate) value_from_stdin: bool,

    #[command(flatten)]
    pub(crate) patience: Patience,

    #[command(flatten)]
    pub(crate) select: Select,
}

/// How long a run waits.
#[derive(Args, Debug)]
pub(crate) struct Patience {
    /// How long to wait for a retry or an overlap before leaving it to the next run
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = period)]
    patience: Duration,
}

impl Patience {
    /// How long.
    pub(crate) fn time(&self) -> Duration {
        self.patience
    }
}

fn period(text: &str) -> Result<Duration, String> {
    Period::from_str(text).map(Duration::from).map_err(|error| error.to_string())
}

#[derive(Args, Debug)]
pub(crate) struct Resume {
    /// These, parked ones too; without a name whatever is unfinished and has something to do now
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,

    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,

    #[command(flatten)]
    pub(crate) patience: Patience,
}

#[derive(Args, Debug)]
pub(crate) struct Rollback {
    /// Which secret
    pub(crate) name: String,

    /// Why, for the records
    #[arg(long, value_name = "TEXT", default_value = "asked for")]
    pub(crate) reason: String,

    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,

    #[command(flatten)]
    pub(crate) patience: Patience,
}

#[derive(Args, Debug)]
pub(crate) struct Retire {
    /// Which secret
    pub(crate) name: String,

    /// Why, for the records
    #[arg(long, value_name = "TEXT", default_value = "asked for")]
    pub(crate) reason: String,

    /// Instead drop what a rotation left behind that this journal does not know
    #[arg(long, conflicts_with = "reason")]
    pub(crate) pending: bool,

    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,

    #[command(flatten)]
    pub(crate) patience: Patience,
}

#[derive(Args, Debug)]
pub(crate) struct Vouch {
    /// Which secret
    pub(crate) name: String,

    /// What you saw, for the records
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,

    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,

    #[command(flatten)]
    pub(crate) patience: Patience,
}
