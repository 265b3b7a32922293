//! From what was typed to the command that answers it.

use crate::{
    args::{Cli, Command},
    commands::{
        audit, change, check, completions, doctor, fingerprint, generate, history, init, list, plan, resume,
        rotate, schema, status, verify,
    },
    exit::Exit,
};

/// Runs the command, and tells of its failure.
pub(crate) fn dispatch(cli: Cli) -> Exit {
    let global = cli.global;
    let outcome = match cli.command {
        Command::Init(args) => init::run(&global, &args),
        Command::Check(args) => check::run(&global, &args),
        Command::Doctor => doctor::run(&global),
        Command::Plan(args) => plan::run(&global, &args),
        Command::Rotate(args) => rotate::run(&global, &args),
        Command::Status(args) => status::run(&global, &args),
        Command::List(args) => list::run(&global, &args),
        Command::History(args) => history::run(&global, &args),
        Command::Verify(args) => verify::run(&global, &args),
        Command::Resume(args) => resume::run(&global, &args),
        Command::Rollback(args) => change::roll_back(&global, &args),
        Command::Retire(args) => change::retire(&global, &args),
        Command::Vouch(args) => change::vouch(&global, &args),
        Command::Generate(args) => generate::run(&args),
        Command::Fingerprint(args) => fingerprint::run(&global, &args),
        Command::Audit(args) => audit::run(&global, &args.command),
        Command::Schema => schema::run(),
        Command::Completions(args) => completions::run(&args),
    };
    outcome.unwrap_or_else(|failure| {
        failure.render(global.output);
        failure.exit
    })
}
