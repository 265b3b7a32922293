//! `keywheel rollback`, `retire` and `vouch`: what an operator may do to one unfinished rotation.

use std::sync::Arc;

use keywheel::{
    core::SecretName,
    engine::{Engine, ItemReport, Refused},
};
use serde::Serialize;

use crate::{
    args::{Global, Retire, Rollback, Vouch},
    commands::Outcome,
    exit, look,
    run::{self, Watch},
    session::{self, Session, Wish},
};

/// Goes back to the old value.
pub(super) fn roll_back(global: &Global, args: &Rollback) -> Outcome {
    let change = Change { global, name: &args.name, patience: args.patience.time(), yes: args.yes };
    let question = |name: &SecretName| format!("Go back to the old value of {name}, everywhere?");
    change.carry_out(question, true, async |engine, name| engine.roll_back(name, &args.reason).await)
}

/// Ends the overlap, or drops what a foreign rotation left.
pub(super) fn retire(global: &Global, args: &Retire) -> Outcome {
    let change = Change { global, name: &args.name, patience: args.patience.time(), yes: args.yes };
    if args.pending {
        return change.drop_foreign();
    }
    let question = |name: &SecretName| format!("Make the old value of {name} stop working now?");
    change.carry_out(question, false, async |engine, name| engine.retire(name, &args.reason).await)
}

/// Takes the operator's word for a consumer.
pub(super) fn vouch(global: &Global, args: &Vouch) -> Outcome {
    let change = Change { global, name: &args.name, patience: args.patience.time(), yes: args.yes };
    let question = |name: &SecretName| format!("Have you seen every consumer use the new value of {name}?");
    change.carry_out(question, false, async |engine, name| engine.vouch(name, &args.reason).await)
}

struct Change<'a> {
    global: &'a Global,
    name: &'a str,
    patience: std::time::Duration,
    yes: bool,
}

#[derive(Serialize)]
struct Dropped<'a> {
    dropped: &'a [String],
}

impl Change<'_> {
    /// `wanted_back` says that a rotation that was rolled back is what the operator wanted.
    fn carry_out(
        &self,
        question: impl FnOnce(&SecretName) -> String,
        wanted_back: bool,
        wish: impl AsyncFnOnce(&Arc<Engine>, &SecretName) -> Result<ItemReport, Refused>,
    ) -> Outcome {
        let inventory = session::inventory(self.global)?;
        let name = session::known(&inventory, self.name)?;
        if !run::ask(&question(&name), self.yes)? {
            return Ok(exit::NOT_DONE);
        }
        let watch = Watch::new(self.global.output);
        let session = Session::working(
            self.global,
            inventory,
            Wish { observer: watch.clone(), patience: self.patience, ..Wish::to_read() },
        )?;
        let engine = &session.engine;
        let ended = session.block_on(async {
            run::heed(engine.stop().clone());
            wish(engine, &name).await
        });
        watch.end();
        run::report_one(self.global.output, ended?, wanted_back)
    }

    fn drop_foreign(&self) -> Outcome {
        let inventory = session::inventory(self.global)?;
        let name = session::known(&inventory, self.name)?;
        let question = format!("Is the other rotation of {name} dead for certain, and may its value go?");
        if !run::ask(&question, self.yes)? {
            return Ok(exit::NOT_DONE);
        }
        let session = Session::working(self.global, inventory, Wish::to_read())?;
        let dropped = session.block_on(session.engine.drop_foreign(&name))?;
        look::show(self.global.output, &Dropped { dropped: &dropped }, || {
            if dropped.is_empty() {
                format!("The stores of {name} hold nothing that is pending.")
            } else {
                format!("Dropped {}.", dropped.join(" and "))
            }
        })?;
        Ok(exit::DONE)
    }
}
