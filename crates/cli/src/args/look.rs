//! The commands that only look.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use keywheel::core::RotationId;

#[derive(Args, Debug)]
pub(crate) struct Names {
    /// Only these
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Leave the stores alone: look at the inventory only
    #[arg(long)]
    pub(crate) no_values: bool,

    /// Look at the values too, which is what happens anyway
    #[arg(long, hide = true, overrides_with = "no_values")]
    pub(crate) values: bool,
}

#[derive(Args, Debug)]
pub(crate) struct History {
    /// Which secret
    pub(crate) name: String,

    /// Only this rotation
    #[arg(long, value_name = "ID")]
    pub(crate) rotation: Option<RotationId>,

    /// At most so many rotations, the newest
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) limit: usize,
}

#[derive(Args, Debug)]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum AuditCommand {
    /// Show what happened
    Show(AuditShow),
    /// Find every edit, removal and reordering
    Verify,
}

#[derive(Args, Debug)]
pub(crate) struct AuditShow {
    /// Only this secret
    #[arg(long, value_name = "NAME")]
    pub(crate) secret: Option<String>,

    /// Only this rotation
    #[arg(long, value_name = "ID")]
    pub(crate) rotation: Option<RotationId>,

    /// Only since then: a time such as 2026-01-31T00:00:00Z, or how long ago, such as 7d
    #[arg(long, value_name = "TIME", value_parser = super::look::moment)]
    pub(crate) since: Option<Timestamp>,

    /// At most so many lines, the newest
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    use keywheel::core::{Clock, inventory::Period};

    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let ago: Period = text.parse().map_err(|_| {
        "neither a time such as 2026-01-31T00:00:00Z nor a length of time such as 7d".to_owned()
    })?;
    let now = keywheel::engine::SystemClock.now();
    now.checked_sub(jiff::SignedDuration::from(ago)).map_err(|error| error.to_string())
}
