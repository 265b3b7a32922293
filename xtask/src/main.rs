//! `cargo xtask NAME`: the commands that show what keywheel claims. Each installs what it needs through the package
//! manager, ends in one line `NAME: figure`, and fails when it falls short.

mod bench;
mod command;
mod crash;
mod fuzz;
mod leaks;
mod quickstart;
mod servers;
mod simulator;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Shows what keywheel claims")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Every test, as CI runs them
    Test,
    /// The main job on the embedded default: eleven secrets of a small application, rotated
    Quickstart,
    /// Kills the real binary at every step boundary, or server and network meanwhile; resumes, and prints the table
    Crash {
        /// Over what: file, aws, fan-out, iam, mariadb, postgres, rabbitmq, redis, vault; all if none is named
        providers: Vec<String>,
        /// Kills everywhere and has every request to a server meet every trouble, and not a share of them
        #[arg(long)]
        all: bool,
    },
    /// An application with pools under load at two servers, whose credentials rotate every few seconds
    Database {
        /// How often both rotate
        #[arg(long, default_value_t = 10)]
        rounds: u64,
        /// Seconds between two rounds
        #[arg(long, default_value_t = 2)]
        every: u64,
    },
    /// Rotations over Secrets Manager and Parameter Store, of whose calls 30 % are refused as too many
    Throttle {
        /// How many
        #[arg(long, default_value_t = 1000)]
        rotations: u32,
    },
    /// The real engine over modelled systems, through every schedule of faults
    Simulate(simulator::Simulate),
    /// Engines that are broken on purpose, and what catches each of them
    Mutants,
    /// Searches everything that runs at TRACE write for every value that was ever made
    Leaks,
    /// The benchmarks, as ratios measured in one run: plan, file, postgres, redis, startup
    Bench {
        /// Which ones; all if none is named
        names: Vec<String>,
    },
    /// libFuzzer over everything that reads or edits what others wrote; needs the nightly toolchain
    Fuzz {
        /// Which targets: audit, document, dotenv, inventory, journal; all if none is named
        targets: Vec<String>,
        /// How long for each
        #[arg(long, default_value_t = 20)]
        seconds: u32,
    },
    /// Which test servers are present, and which would be installed
    Servers,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Test => test::run(),
        Command::Quickstart => quickstart::run(),
        Command::Crash { providers, all } => crash::run(&providers, all),
        Command::Database { rounds, every } => crash::database(rounds, every),
        Command::Throttle { rotations } => crash::throttle(rotations),
        Command::Simulate(wanted) => simulator::simulate(&wanted),
        Command::Mutants => simulator::mutants(),
        Command::Leaks => leaks::run(),
        Command::Bench { names } => bench::run(&names),
        Command::Fuzz { targets, seconds } => fuzz::run(&targets, seconds),
        Command::Servers => Ok(servers::run()),
    };
    match result {
        Ok(figure) => {
            println!("{figure}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
