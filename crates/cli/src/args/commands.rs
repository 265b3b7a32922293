//! The commands.

use clap::{Args, Parser, Subcommand, builder::styling};
use clap_complete::Shell;

use super::{
    Audit, Check, FingerprintArgs, Generate, Global, History, Names, PlanArgs, Resume, Retire, Rollback,
    Rotate, Vouch,
};

const STYLES: styling::Styles = styling::Styles::styled()
    .header(styling::AnsiColor::Green.on_default().bold())
    .usage(styling::AnsiColor::Green.on_default().bold())
    .literal(styling::AnsiColor::Cyan.on_default().bold())
    .placeholder(styling::AnsiColor::Cyan.on_default());

const FIRST_STEPS: &str = "\
First steps:
  keywheel init             write an inventory to start from
  keywheel plan             see what would happen, and why
  keywheel rotate --due     make it happen

Exit codes:
   0 done                          21 half way: parked, retrying, interrupted
   1 not done, nothing changed     22 another process holds the lease
   2 usage                         23 saved plan is stale
   3 inventory or policy           30 journal, keys or audit unusable
  10 something is due              70 a bug
  20 failed and rolled back";

/// Rotates secrets in every place that holds them, without locking anyone out.
#[derive(Parser, Debug)]
#[command(name = "keywheel", version, styles = STYLES, after_help = FIRST_STEPS, disable_help_subcommand = true)]
#[command(propagate_version = false, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands, in the order in which a newcomer meets them.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Write an inventory to start from
    Init(Init),
    /// Find mistakes in the inventory, and values that break the policy
    Check(Check),
    /// Find what would make a rotation fail: settings, rights, journal, keys
    Doctor,
    /// Show what would happen, and why; changes nothing
    Plan(PlanArgs),
    /// Replace values: everywhere that holds or checks them
    Rotate(Rotate),
    /// Where every secret stands, the most urgent first
    Status(Names),
    /// What the inventory lists
    List(Names),
    /// The story of one secret's rotations
    History(History),
    /// Hold stores against each other and against the systems that check the values
    Verify(Names),
    /// Go on with unfinished rotations
    Resume(Resume),
    /// Go back to the old value, everywhere, while it lives
    Rollback(Rollback),
    /// End the overlap now: the old value stops working
    Retire(Retire),
    /// Take your word for consumers that give no evidence
    Vouch(Vouch),
    /// Make one value, without an inventory
    Generate(Generate),
    /// Tell values apart without showing them
    Fingerprint(FingerprintArgs),
    /// Read the audit, or prove that nobody changed it
    Audit(Audit),
    /// The JSON Schema of inventories, for editors
    Schema,
    /// Completions for a shell
    Completions(Completions),
}

#[derive(Args, Debug)]
pub(crate) struct Init {
    /// Replace an inventory that is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
