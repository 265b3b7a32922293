//! Which requests there are, and which step sends them.

use keywheel_tests::{
    crash::{Stage as _, Story, outwait_the_overlap, unharmed},
    watch,
};

use crate::{
    server::Strategy,
    stage::{Ground, Stage},
    trouble::{Network, Trouble},
};

/// Set by `cargo xtask crash --all`: every request meets every trouble.
const ALL: &str = "KEYWHEEL_CRASH_ALL";

/// The boundaries of a run, as the failpoints write them.
const BOUNDARIES: &str = "boundaries";

/// A step of the last command of a story, and the requests that it sends to the server.
pub(crate) struct Step {
    pub(crate) action: String,
    first: usize,
    behind: usize,
}

impl Step {
    /// Those that meet a trouble, counted over the whole command: some in each step, not always the same ones.
    pub(crate) fn those_in(&self, trouble: Trouble, share: usize) -> Vec<usize> {
        let count = self.behind - self.first;
        let stride = if std::env::var_os(ALL).is_some() { 1 } else { count.div_ceil(share) };
        // Others for each trouble.
        let skipped = (count - 1 + trouble as usize) % stride;
        (self.first + skipped..self.behind).step_by(stride).collect()
    }
}

/// Has the story happen without trouble, and stops at every boundary of its last command to count.
pub(crate) fn steps(ground: &Ground, strategy: Strategy, story: Story) -> Vec<Step> {
    let network = Network::before(ground.server.as_ref());
    let mut stage = Stage::set(ground, strategy, story, &network.ports());
    let failed = |why: String| -> ! { panic!("{strategy}, {story}, without trouble: {why}") };
    let (last, first) = story.legs().split_last().expect("a command");
    for leg in first {
        unharmed(&stage, leg).unwrap_or_else(|why| failed(why));
    }
    let before = network.weather().sent();
    let mut begun = 0;
    let mut steps = Vec::new();
    let command = stage.scene().command(last.arguments).env("KEYWHEEL_CRASH_LOG", BOUNDARIES);
    let watched = watch(command, b"", |_| {
        let Ok(boundaries) = std::fs::read_to_string(stage.scene().path().join(BOUNDARIES)) else { return };
        let sent = network.weather().sent() - before;
        match boundaries.lines().last().and_then(|line| line.split('\t').nth(2).zip(line.split('\t').nth(3)))
        {
            Some((action, "after the effect")) if sent > begun => {
                steps.push(Step { action: action.to_owned(), first: begun, behind: sent });
            }
            _ => begun = sent,
        }
    });
    if watched.status.exit_status() != Some(0) {
        failed(String::from_utf8_lossy(&watched.stderr).into_owned());
    }
    outwait_the_overlap(&stage).and_then(|()| stage.has_ended(story.end())).unwrap_or_else(|why| failed(why));
    assert!(!steps.is_empty(), "{strategy}, {story} sends no requests");
    steps
}
