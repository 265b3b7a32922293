//! The simulator's command. `cargo xtask simulate` builds it for speed and runs it.

use std::process::ExitCode;

use clap::Parser;
use keywheel_core::mutation::{self, Mutation};
use keywheel_simulator::{
    Scenario, Schedule, mutants,
    report::{Seed, Totals, story},
    sweep::{Until, drawn, exhaustive, met, one, random},
};

#[derive(Parser)]
#[command(about = "Runs the real engine over modelled systems through schedules of faults")]
struct Arguments {
    /// Every schedule with up to so many faults: 0, 1 or 2
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=2))]
    faults: Option<u8>,
    /// So many random schedules of many faults
    #[arg(long, value_name = "N", default_value_t = 0)]
    random: u64,
    /// The seed of the first random one
    #[arg(long, value_name = "N", default_value_t = 0)]
    from: u64,
    /// Replays one life and tells its story: a number of a random one, or a scenario and its faults as a failure names them
    #[arg(long, value_name = "SEED", conflicts_with_all = ["faults", "random"])]
    seed: Option<String>,
    /// Every engine that is broken on purpose, and what catches it
    #[arg(long, conflicts_with_all = ["faults", "random", "seed"])]
    mutants: bool,
    /// Leaves out one safeguard, by its name
    #[arg(long, value_name = "NAME", conflicts_with = "mutants", value_parser = by_name)]
    mutant: Option<Mutation>,
    /// Only these scenarios
    #[arg(long, value_name = "SCENARIO")]
    scenario: Vec<Scenario>,
    /// Stops at the first failure
    #[arg(long)]
    fail_fast: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    mutation::choose(arguments.mutant);
    let done = match &arguments.seed {
        Some(seed) => replay(seed),
        None if arguments.mutants => mutants(),
        None => sweep(&arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("simulate: {message}");
            ExitCode::from(2)
        }
    }
}

fn by_name(name: &str) -> Result<Mutation, String> {
    Mutation::ALL.into_iter().find(|mutation| mutation.as_str() == name).ok_or_else(|| {
        let known: Vec<_> = Mutation::ALL.iter().map(|mutation| mutation.as_str()).collect();
        format!("there are {}", known.join(", "))
    })
}

fn mutants() -> Result<bool, String> {
    let all = mutants::every(|caught| println!("{caught}")).map_err(|error| error.to_string())?;
    let caught = all.iter().filter(|caught| caught.by.is_some()).count();
    println!("mutants: {caught} of {} caught", all.len());
    Ok(caught == all.len())
}

fn replay(seed: &str) -> Result<bool, String> {
    let (scenario, schedule) = if let Ok(number) = seed.parse::<u64>() {
        drawn(number)
    } else {
        let seed: Seed = seed.parse()?;
        let schedule = seed.schedule();
        (seed.scenario, schedule)
    };
    let named = match &schedule {
        Schedule::Named(meetings) => meetings.len(),
        Schedule::Calm | Schedule::Random { .. } => 0,
    };
    let life = one(&scenario, schedule).map_err(|error| error.to_string())?;
    println!("{scenario}");
    print!("{}", story(&life));
    let met = met(&life).len();
    if met < named {
        return Err(format!(
            "only {met} of the {named} faults were met: is each request written as the story shows it?"
        ));
    }
    println!("simulate: {} requests; {}", life.sent.len(), verdict(life.violations.is_empty()));
    Ok(life.violations.is_empty())
}

fn verdict(right: bool) -> &'static str {
    if right { "nothing broke" } else { "SOMETHING BROKE" }
}

fn sweep(arguments: &Arguments) -> Result<bool, String> {
    let scenarios =
        if arguments.scenario.is_empty() { Scenario::every() } else { arguments.scenario.clone() };
    let until = if arguments.fail_fast { Until::FirstFailure } else { Until::Through };
    let failed = |error: std::io::Error| error.to_string();
    let mut right = true;
    let mut figures = Vec::new();
    let mut show = |what: String, totals: &Totals| {
        println!("{what}: {totals}");
        right &= totals.failed == 0;
        figures.push(format!("{} {what}", totals.lives));
    };
    let faults = arguments.faults.unwrap_or(if arguments.random == 0 { 2 } else { 0 });
    if arguments.faults.is_some() || arguments.random == 0 {
        let totals = exhaustive(&scenarios, usize::from(faults), until).map_err(failed)?;
        show(format!("schedules of up to {faults} faults in {} scenarios", scenarios.len()), &totals);
    }
    if arguments.random > 0 {
        let totals = random(arguments.from, arguments.random, until).map_err(failed)?;
        show("random schedules".to_owned(), &totals);
    }
    println!("simulate: {}; {}", figures.join(", "), verdict(right));
    Ok(right)
}
