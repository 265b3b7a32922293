//! Every engine that is broken on purpose, and what catches it.

use std::{fmt, time::Duration};

use keywheel_core::mutation::{Mutation, choose};

use crate::{
    invariant::Violation,
    models::StoreModel,
    report::Seed,
    scenario::{Goal, Habit, Scenario, TargetModel},
    sweep::{Until, exhaustive},
};

/// What became of one of them.
pub struct Caught {
    /// Which safeguard was left out.
    pub mutation: Mutation,
    /// How many lives it took.
    pub lives: u64,
    /// What did not hold, and the life in which it showed.
    pub by: Option<(Violation, Seed)>,
}

impl fmt::Display for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<27}", self.mutation.as_str())?;
        match &self.by {
            Some((violation, seed)) => write!(
                f,
                "caught after {:>7} lives by `{}`: {}\n{:27}{seed}",
                self.lives, violation.invariant, violation.what, ""
            ),
            None => write!(f, "NOT CAUGHT in {} lives", self.lives),
        }
    }
}

/// The scenarios of the sweep, those in which a consumer does not move, and those without an overlap.
pub fn scenarios() -> Vec<Scenario> {
    let mut scenarios = Scenario::every();
    for habit in [Habit::Partly, Habit::Never] {
        for target in TargetModel::CHECKED {
            let scenario = Scenario::new(StoreModel::Sibling, target, Goal::Forward);
            scenarios.push(Scenario { consumers: vec![habit], ..scenario });
        }
    }
    // Nobody has time to want the old value back before it is ended.
    for target in TargetModel::CHECKED {
        let scenario = Scenario::new(StoreModel::Sibling, target, Goal::Undo);
        scenarios.push(Scenario { overlap: Duration::ZERO, ..scenario });
    }
    scenarios
}

/// Leaves out one safeguard after another, and goes through schedules of no fault, of one, of two, until something does
/// not hold. First sees that with all of them everything holds: what is always red shows nothing.
///
/// # Errors
/// When there is no place for the lives, or something does not hold with every safeguard in place.
pub fn every(mut tell: impl FnMut(&Caught)) -> std::io::Result<Vec<Caught>> {
    let scenarios = scenarios();
    choose(None);
    let whole = exhaustive(&scenarios, 1, Until::FirstFailure)?;
    if whole.failed > 0 {
        return Err(std::io::Error::other(format!("the engine that is not broken fails: {whole}")));
    }
    let mut all = Vec::new();
    for mutation in Mutation::ALL {
        choose(Some(mutation));
        let caught = one(mutation, &scenarios);
        choose(None);
        let caught = caught?;
        tell(&caught);
        all.push(caught);
    }
    Ok(all)
}

fn one(mutation: Mutation, scenarios: &[Scenario]) -> std::io::Result<Caught> {
    let mut lives = 0;
    for faults in 0..=2 {
        let totals = exhaustive(scenarios, faults, Until::FirstFailure)?;
        lives += totals.lives;
        let fewest = totals.failures.iter().min_by_key(|failure| failure.meetings.len());
        if let Some(failure) = fewest {
            let by = failure.violations.first().cloned().map(|violation| (violation, failure.seed()));
            return Ok(Caught { mutation, lives, by });
        }
    }
    Ok(Caught { mutation, lives, by: None })
}
