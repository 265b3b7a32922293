//! Progress on a terminal: a bar for the run, a line for each step in hand, and what ended above them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use keywheel::{
    core::{SecretName, rotation::Event},
    engine::{EngineEvent, Observer},
};
use owo_colors::OwoColorize;

use crate::{
    look,
    run::{ending, step},
};

/// More steps in hand than this would scroll the bar away.
const SHOWN: usize = 8;

/// How often a spinner turns.
const TURN: Duration = Duration::from_millis(100);

/// Draws on stderr.
pub(crate) struct Bars {
    all: MultiProgress,
    overall: ProgressBar,
    steps: Mutex<HashMap<SecretName, ProgressBar>>,
}

impl Bars {
    pub(crate) fn new() -> Self {
        let all = MultiProgress::new();
        let overall = ProgressBar::hidden();
        Self { all, overall, steps: Mutex::default() }
    }

    /// `total` items follow.
    pub(crate) fn begin(&self, total: usize) {
        let style = ProgressStyle::with_template("{bar:30.cyan/dim} {pos}/{len} secrets  {elapsed}")
            .expect("the template is a constant")
            .progress_chars("━━─");
        self.overall.set_length(total as u64);
        self.overall.set_style(style);
        if total > 1 {
            let _ = self.all.add(self.overall.clone());
            self.overall.enable_steady_tick(TURN);
        }
    }

    /// Takes everything off the screen that will not stay.
    pub(crate) fn clear(&self) {
        for (_, bar) in self.steps().drain() {
            bar.finish_and_clear();
        }
        self.overall.finish_and_clear();
        let _ = self.all.clear();
        if self.overall.position() > 0 {
            look::tell("");
        }
    }

    fn steps(&self) -> std::sync::MutexGuard<'_, HashMap<SecretName, ProgressBar>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, secret: &SecretName, words: &str) {
        let mut steps = self.steps();
        if let Some(bar) = steps.get(secret) {
            bar.set_message(words.to_owned());
            return;
        }
        if steps.len() >= SHOWN {
            return;
        }
        let style = ProgressStyle::with_template("{spinner:.cyan} {prefix:.bold}  {wide_msg}")
            .expect("the template is a constant");
        let bar = self.all.insert(0, ProgressBar::new_spinner().with_style(style));
        bar.set_prefix(secret.to_string());
        bar.set_message(words.to_owned());
        bar.enable_steady_tick(TURN);
        steps.insert(secret.clone(), bar);
    }

    fn above(&self, line: &str) {
        let _ = self.all.println(line);
    }
}

impl Observer for Bars {
    fn on(&self, event: &EngineEvent<'_>) {
        match event {
            EngineEvent::Recorded { record, history } => {
                let secret = &record.body.secret;
                let spec = history.spec();
                match &record.body.event {
                    Event::Begin { action } => self.at(secret, &action.describe(spec)),
                    // Tried again most often; what comes of it in the end is in the report.
                    Event::Failed { .. } => {
                        if let Some(words) = step::in_words(record, spec) {
                            self.at(secret, &words);
                        }
                    }
                    Event::UndoBegan { .. } => {
                        self.above(&format!("{} {secret}: on its way back", "!".yellow()));
                    }
                    Event::Started(_)
                    | Event::Done { .. }
                    | Event::Parked { .. }
                    | Event::Released { .. }
                    | Event::OverlapCut { .. }
                    | Event::AdoptionVouched { .. }
                    | Event::Finished { .. } => {}
                }
            }
            EngineEvent::NotYet { history, action, why } => {
                let spec = history.spec();
                self.at(&spec.secret, &format!("{}: {why}", action.describe(spec)));
            }
            EngineEvent::Waits { history, until, .. } => {
                let until = until.strftime("%H:%M:%SZ");
                self.at(&history.spec().secret, &format!("waits until {until}"));
            }
            EngineEvent::TakesOver { secret, quiet } => self.above(&step::taken_over(secret, *quiet)),
            EngineEvent::NotTold { notice, why } => {
                self.above(&format!("{} {}", "!".yellow(), step::not_told(notice, why)));
            }
            EngineEvent::Ended { secret, ended } => {
                if let Some(bar) = self.steps().remove(*secret) {
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
                let word = ending::in_words(ended).word;
                let mark = if ending::is_trouble(ended) {
                    "✗".red().to_string()
                } else {
                    "✓".green().to_string()
                };
                self.above(&format!("{mark} {secret} {word}"));
                self.overall.inc(1);
            }
        }
    }
}
