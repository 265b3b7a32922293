//! Which requests a story's last command sends, to which server, and in which step.

use keywheel_testservers::Proxy;

use super::stage::{Stage, outwait_the_overlap, unharmed};
use crate::watched::watch;

/// Set by `cargo xtask crash --all`: every request meets every trouble.
const ALL: &str = "KEYWHEEL_CRASH_ALL";

/// The boundaries of a run, as the failpoints write them.
const BOUNDARIES: &str = "boundaries";

/// Whether this is the run that takes its time, and not the share of it that tests take.
pub fn takes_all() -> bool {
    std::env::var_os(ALL).is_some()
}

/// A step, and the requests that it sends through one network, counted over the whole command.
pub struct Step {
    /// As the failpoints write it; `the plan` for the looks before the first step.
    pub action: String,
    /// The network's place among those that were watched.
    pub network: usize,
    first: usize,
    behind: usize,
}

impl Step {
    /// At most `share` of its requests, others in each `turn`; all of them in the run that takes its time.
    pub fn requests(&self, share: usize, turn: usize) -> Vec<usize> {
        if share == 0 {
            return Vec::new();
        }
        let count = self.behind - self.first;
        let stride = if takes_all() { 1 } else { count.div_ceil(share) };
        let skipped = (count - 1 + turn) % stride;
        (self.first + skipped..self.behind).step_by(stride).collect()
    }
}

/// Has the story happen without trouble, and stops at every boundary of its last command to count what went through each
/// of `networks`.
///
/// # Panics
/// When it does not end as it should, or sends nothing.
pub fn steps(stage: &mut dyn Stage, networks: &[&Proxy]) -> Vec<Step> {
    let story = stage.story();
    let failed = |why: String| -> ! { panic!("{story}, without trouble: {why}") };
    let (last, first) = story.legs().split_last().unwrap();
    for leg in first {
        unharmed(stage, leg).unwrap_or_else(|why| failed(why));
    }
    let sent = || networks.iter().map(|network| network.sent()).collect::<Vec<_>>();
    let before = sent();
    let mut begun = vec![0; networks.len()];
    let mut steps = Vec::new();
    let command = stage.scene().command(last.arguments).env("KEYWHEEL_CRASH_LOG", BOUNDARIES);
    let watched = watch(command, b"", |_| {
        let Ok(boundaries) = std::fs::read_to_string(stage.scene().path().join(BOUNDARIES)) else { return };
        let newest = boundaries.lines().last().map(|line| line.split('\t').skip(2).collect::<Vec<_>>());
        let action = match newest.as_deref() {
            _ if boundaries.lines().count() == 1 => "the plan",
            Some([action, "after the effect", ..]) => *action,
            // Nothing is asked before the next effect begins. A process that stops itself may get into it before it stands.
            Some(_) | None => return,
        };
        for (network, (sent, before)) in sent().into_iter().zip(&before).enumerate() {
            let behind = sent - before;
            if behind > begun[network] {
                steps.push(Step { action: action.to_owned(), network, first: begun[network], behind });
            }
            begun[network] = behind;
        }
    });
    if watched.status.exit_status() != Some(last.code) {
        failed(String::from_utf8_lossy(&watched.stderr).into_owned());
    }
    outwait_the_overlap(stage).and_then(|()| stage.has_ended(story.end())).unwrap_or_else(|why| failed(why));
    assert!(!steps.is_empty(), "{story} sends no requests");
    steps
}
