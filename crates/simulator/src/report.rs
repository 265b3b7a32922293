//! What came of many lives, and how one of them is shown.

use std::{collections::BTreeMap, fmt, fmt::Write as _, str::FromStr};

use crate::{
    fault::Fault,
    invariant::{Invariant, Violation},
    life::{End, Lived},
    scenario::Scenario,
    schedule::{Meeting, Schedule},
};

/// As many failures of one sort are kept: more of them teach nothing more.
const KEPT: usize = 3;

/// A life in which something did not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What was rotated.
    pub scenario: Scenario,
    /// The faults that it met.
    pub meetings: Vec<Meeting>,
    /// What did not hold.
    pub violations: Vec<Violation>,
}

impl Failure {
    /// What replays it.
    pub fn seed(&self) -> Seed {
        Seed { scenario: self.scenario.clone(), meetings: self.meetings.clone() }
    }
}

/// One life, written down: `native/in-place/forward target.apply#1=late journal.append.begin-verify#1=crash-after`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// What is rotated.
    pub scenario: Scenario,
    /// Which request meets which fault.
    pub meetings: Vec<Meeting>,
}

impl Seed {
    /// Its schedule.
    pub fn schedule(&self) -> Schedule {
        Schedule::Named(self.meetings.clone())
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.scenario)?;
        self.meetings.iter().try_for_each(|meeting| write!(f, " {meeting}"))
    }
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let scenario = words.next().ok_or("a seed begins with its scenario")?.parse()?;
        Ok(Self { scenario, meetings: words.map(str::parse).collect::<Result<_, _>>()? })
    }
}

/// What came of many lives.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// How many there were.
    pub lives: u64,
    /// How many requests were made in them.
    pub requests: u64,
    /// How often each fault was met.
    pub faults: BTreeMap<Fault, u64>,
    /// How the first rotation of each ended, by what was wanted.
    pub ends: BTreeMap<(&'static str, End), u64>,
    /// Lives in which a person was asked on the way.
    pub asked: u64,
    /// Why, each time.
    pub parked: BTreeMap<String, u64>,
    /// How many lives failed.
    pub failed: u64,
    /// What did not hold first, and how often.
    pub broken: BTreeMap<(Invariant, String), u64>,
    /// Some of them.
    pub failures: Vec<Failure>,
}

impl Totals {
    /// Counts one life in.
    pub fn add(&mut self, scenario: &Scenario, meetings: &[Meeting], life: &Lived) {
        self.lives += 1;
        self.requests += life.sent.len() as u64;
        for fault in life.sent.iter().filter_map(|sent| sent.fault) {
            *self.faults.entry(fault).or_default() += 1;
        }
        *self.ends.entry((scenario.goal.as_str(), life.end.clone())).or_default() += 1;
        self.asked += u64::from(!life.parked.is_empty());
        for why in &life.parked {
            *self.parked.entry(why.clone()).or_default() += 1;
        }
        if !life.violations.is_empty() {
            self.failed += 1;
            let first = &life.violations[0];
            *self.broken.entry((first.invariant, first.what.clone())).or_default() += 1;
            let like_it = self.failures.iter().filter(|known| known.violations[0].what == first.what);
            if like_it.count() < KEPT {
                self.failures.push(Failure {
                    scenario: scenario.clone(),
                    meetings: meetings.to_vec(),
                    violations: life.violations.clone(),
                });
            }
        }
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: Self) {
        self.lives += other.lives;
        self.requests += other.requests;
        self.asked += other.asked;
        self.failed += other.failed;
        for (fault, count) in other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        for (end, count) in other.ends {
            *self.ends.entry(end).or_default() += count;
        }
        for (why, count) in other.parked {
            *self.parked.entry(why).or_default() += count;
        }
        for (what, count) in other.broken {
            *self.broken.entry(what).or_default() += count;
        }
        self.failures.extend(other.failures);
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} lives, {} requests", self.lives, self.requests)?;
        let faults: Vec<_> = self.faults.iter().map(|(fault, count)| format!("{fault} {count}")).collect();
        writeln!(f, "faults met: {}", faults.join(", "))?;
        writeln!(f, "how they ended:")?;
        for ((goal, end), count) in &self.ends {
            writeln!(f, "  {count:>10}  {goal:<13} {end}")?;
        }
        writeln!(f, "a person was asked in {} of them:", self.asked)?;
        for (why, count) in &self.parked {
            writeln!(f, "  {count:>10}  {why}")?;
        }
        for ((invariant, what), count) in &self.broken {
            writeln!(f, "FAILED in {count} lives  {invariant}: {what}")?;
            let like_it = |failure: &&Failure| {
                failure
                    .violations
                    .first()
                    .is_some_and(|first| (first.invariant, &first.what) == (*invariant, what))
            };
            if let Some(failure) =
                self.failures.iter().filter(like_it).min_by_key(|failure| failure.meetings.len())
            {
                writeln!(f, "    cargo xtask simulate --seed '{}'", failure.seed())?;
            }
        }
        Ok(())
    }
}

/// The story of one life: its requests, its records, and what did not hold.
pub fn story(life: &Lived) -> String {
    let mut story = String::new();
    let mut number = 0;
    for sent in &life.sent {
        number += 1;
        let _ = writeln!(story, "{number:>4}  {sent}");
        for violation in life.violations.iter().filter(|violation| violation.after == number) {
            let _ = writeln!(story, "      !! {violation}");
        }
    }
    let _ = writeln!(story, "records:");
    for record in &life.records {
        let _ = writeln!(story, "  {record}");
    }
    let _ = writeln!(story, "{}", life.end);
    for why in &life.parked {
        let _ = writeln!(story, "a person was asked: {why}");
    }
    for violation in &life.violations {
        let _ = writeln!(story, "FAILED  {violation}");
    }
    story
}
