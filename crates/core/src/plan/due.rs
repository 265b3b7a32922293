//! What is due. The one place where a policy becomes work.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::{
    fingerprint::Fingerprint,
    id::{RotationId, SecretName},
    inventory::{Automation, Inventory, SecretEntry},
    plan::{
        document::{Item, Kept, PLAN_FORMAT, Plan, Reason, Waiting, WaitingFor, Work},
        observed::{Observed, ProvidedSeen, StoreSeen},
        order,
        select::{Options, Selection},
        warnings,
    },
    rotation::{Action, Direction, History, Next, Outcome, Source, WaitFor},
    secret::{Stage, Versions},
};

/// A command over many secrets leaves those alone that were rotated this recently: it is the same command again, after
/// a part of it failed. `--force` and naming the secret rotate all the same.
const JUST_ROTATED: SignedDuration = SignedDuration::from_hours(1);

/// A due secret whose rotation was rolled back is left alone by `--due` for this long: what stood in the way is seldom
/// gone by the next minute, and each try reloads consumers twice.
const ROLLED_BACK: SignedDuration = SignedDuration::from_hours(1);

/// The secrets whose stores have to be looked at before a plan can be made, as positions in the inventory.
///
/// Everybody else's answer follows from the journal alone: in a large inventory most stores are left in peace.
pub fn candidates(
    inventory: &Inventory,
    observed: &Observed,
    selection: &Selection,
    now: Timestamp,
) -> Vec<usize> {
    inventory
        .secrets
        .iter()
        .enumerate()
        .filter(|(_, entry)| {
            selection.covers(entry)
                && !observed.unfinished.contains_key(&entry.name)
                && entry.frozen().is_none()
                && (selection.asks_for(entry) || may_be_due(entry, observed, now))
        })
        .map(|(position, _)| position)
        .collect()
}

fn may_be_due(entry: &SecretEntry, observed: &Observed, now: Timestamp) -> bool {
    if entry.source == Source::Provided {
        return true;
    }
    let Some(rotated_at) = observed.last.get(&entry.name).and_then(|last| last.rotated_at) else {
        return true;
    };
    entry.every.is_some_and(|every| due_at(rotated_at, every.into()) <= now)
}

fn due_at(since: Timestamp, every: SignedDuration) -> Timestamp {
    since.checked_add(every).unwrap_or(Timestamp::MAX)
}

/// Makes the plan. Pure: the same inventory, observations, selection and time give the same plan.
pub fn plan(
    inventory: &Inventory,
    observed: &Observed,
    selection: &Selection,
    options: Options,
    now: Timestamp,
) -> Plan {
    let mut plan = Plan {
        format: PLAN_FORMAT,
        made_at: now,
        inventory: inventory.digest.clone(),
        selection: selection.clone(),
        options,
        items: Vec::new(),
        waiting: Vec::new(),
        kept: Vec::new(),
        not_due: 0,
        next_due: None,
    };
    for entry in inventory.secrets.iter().filter(|entry| selection.covers(entry)) {
        let judge = Judge { inventory, observed, selection, options, now, entry };
        match judge.verdict() {
            Verdict::Work(item) => match judge.held_up(&item) {
                None => plan.items.push(*item),
                Some(why) => {
                    let due = item.reasons.iter().any(Reason::is_policy);
                    plan.kept.push(Kept { secret: item.secret, why, refused: judge.named(), due });
                }
            },
            Verdict::Waiting(waiting) => {
                sooner(&mut plan.next_due, waiting.until);
                plan.waiting.push(waiting);
            }
            Verdict::Kept(kept) => plan.kept.push(kept),
            Verdict::NotDue(next) => {
                plan.not_due += 1;
                sooner(&mut plan.next_due, next);
            }
        }
    }
    plan.kept.extend(gone(inventory, observed, selection));
    order::arrange(inventory, &mut plan.items);
    plan
}

/// Unfinished rotations whose entry is gone from the inventory: nothing can be done about them without it.
fn gone<'a>(
    inventory: &'a Inventory,
    observed: &'a Observed,
    selection: &'a Selection,
) -> impl Iterator<Item = Kept> + use<'a> {
    let asked = move |name: &SecretName| match selection {
        Selection::Due | Selection::All => true,
        Selection::Names(names) => names.contains(name),
        Selection::Tiers(_) | Selection::Tags(_) => false,
    };
    let missing = move |name: &SecretName| inventory.secret(name).is_none() && asked(name);
    observed.unfinished.iter().filter(move |(name, _)| missing(name)).map(|(name, history)| Kept {
        secret: name.clone(),
        why: format!(
            "rotation {} is unfinished and the inventory has no such secret any more: put its entry back, then \
             `keywheel resume {name}`",
            history.id
        ),
        refused: true,
        due: true,
    })
}

fn sooner(next: &mut Option<Timestamp>, candidate: Option<Timestamp>) {
    if let Some(candidate) = candidate {
        *next = Some(next.map_or(candidate, |known| known.min(candidate)));
    }
}

enum Verdict {
    Work(Box<Item>),
    Waiting(Waiting),
    Kept(Kept),
    NotDue(Option<Timestamp>),
}

struct Judge<'a> {
    inventory: &'a Inventory,
    observed: &'a Observed,
    selection: &'a Selection,
    options: Options,
    now: Timestamp,
    entry: &'a SecretEntry,
}

impl Judge<'_> {
    fn verdict(&self) -> Verdict {
        if let Some(history) = self.observed.unfinished.get(&self.entry.name) {
            return self.unfinished(history);
        }
        let asked = self.selection.asks_for(self.entry);
        if let Some(why) = self.entry.frozen() {
            return if asked { self.kept(why, self.named(), false) } else { Verdict::NotDue(None) };
        }
        let Some(seen) = self.observed.stores.get(&self.entry.name) else {
            return Verdict::NotDue(self.next_due(None));
        };
        let primary = match seen.first() {
            Some(StoreSeen::Versions(versions)) => versions,
            Some(StoreSeen::Failed { message, .. }) => return self.kept(message.clone(), true, false),
            None => return Verdict::NotDue(None),
        };
        if let Some(foreign) = foreign_rotation(seen, &self.observed.finished) {
            return self.kept(
                format!(
                    "{foreign}, and this journal does not know it: another installation is at work, or a journal was \
                     lost; if you are sure that it is dead, `keywheel retire {} --pending` drops what it staged",
                    self.entry.name
                ),
                true,
                false,
            );
        }
        let reasons = self.reasons(primary, asked);
        if let Some(provided) = self.observed.provided.get(&self.entry.name) {
            return self.provided(provided, primary, seen, reasons, asked);
        }
        if reasons.is_empty() {
            return Verdict::NotDue(self.next_due(Some(primary)));
        }
        if asked && !self.named() && self.just_rotated() && !self.options.force {
            return self.kept(
                "it was rotated less than an hour ago; name it, or add --force, to rotate it again"
                    .to_owned(),
                false,
                false,
            );
        }
        if let Some(why) = self.rolled_back_lately() {
            return self.kept(why, false, true);
        }
        match self.entry.automation {
            Automation::Automated => self.work(primary, seen, reasons),
            Automation::SemiAutomated if self.named() => self.work(primary, seen, reasons),
            Automation::SemiAutomated => {
                let why = format!("it waits for a person to start it: `keywheel rotate {}`", self.entry.name);
                self.kept(why, false, true)
            }
            Automation::Manual => {
                let why = "it is rotated by hand; keywheel only keeps the books".to_owned();
                self.kept(why, self.named(), true)
            }
        }
    }

    /// Why new work cannot begin yet: something that must come first is neither finished nor past its consumers.
    fn held_up(&self, item: &Item) -> Option<String> {
        if matches!(item.work, Work::Resume { .. }) {
            return None;
        }
        self.entry.depends_on.iter().find_map(|name| {
            let history = self.observed.unfinished.get(name)?;
            let stands = match history.next(self.now) {
                Next::Parked => "is parked",
                Next::Wait { why: WaitFor::Retry, .. } => "waits for another try",
                // In its overlap, or part of this very plan.
                Next::Wait { why: WaitFor::Overlap, .. }
                | Next::Act { .. }
                | Next::Pass(_)
                | Next::TurnBack { .. }
                | Next::Park { .. }
                | Next::Finish(_)
                | Next::Finished(_) => return None,
            };
            Some(format!("`{name}` must come first, and {stands}: `keywheel resume {name}`"))
        })
    }

    fn unfinished(&self, history: &History) -> Verdict {
        let waiting = |until, why| {
            Verdict::Waiting(Waiting {
                secret: self.entry.name.clone(),
                rotation: history.id,
                until,
                why,
                ways_on: history.ways_on(),
            })
        };
        match history.next(self.now) {
            Next::Parked => {
                let reason = history.parked.as_ref().map_or_else(String::new, |parked| parked.reason.clone());
                waiting(None, WaitingFor::Operator(reason))
            }
            Next::Wait { until, why } => waiting(Some(until), WaitingFor::from_wait(why, history)),
            Next::Act { .. }
            | Next::Pass(_)
            | Next::TurnBack { .. }
            | Next::Park { .. }
            | Next::Finish(_) => Verdict::Work(Box::new(Item {
                secret: self.entry.name.clone(),
                work: Work::Resume {
                    rotation: history.id,
                    step: history.action().map_or("finish", Action::step).to_owned(),
                    undoing: history.direction == Direction::Undo,
                },
                reasons: vec![Reason::Unfinished { since: history.started_at }],
                spec: history.spec().clone(),
                seen: Vec::new(),
                provided: None,
                last: self.observed.last.get(&self.entry.name).map(|last| last.rotation),
                after: Vec::new(),
                warnings: Vec::new(),
            })),
            Next::Finished(_) => Verdict::NotDue(None),
        }
    }

    fn reasons(&self, primary: &Versions, asked: bool) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if primary.at(Stage::Current).is_none() {
            reasons.push(Reason::NoValue);
        }
        if let (Some((since, by_store)), Some(every)) = (self.rotated_at(Some(primary)), self.entry.every)
            && due_at(since, every.into()) <= self.now
        {
            reasons.push(Reason::Age { since, every, by_store });
        }
        if asked {
            reasons.push(Reason::Asked);
        }
        reasons
    }

    fn provided(
        &self,
        provided: &ProvidedSeen,
        primary: &Versions,
        seen: &[StoreSeen],
        mut reasons: Vec<Reason>,
        asked: bool,
    ) -> Verdict {
        let due = reasons.iter().any(Reason::is_policy);
        let current = primary.at(Stage::Current).map(|version| version.fingerprint);
        let given_back = self.observed.given_back.get(&self.entry.name);
        match provided {
            ProvidedSeen::Ready(fingerprint) if given_back == Some(fingerprint) && !self.named() => self.kept(
                format!(
                    "the provided value was taken up once and rolled back; provide another, or try it again with \
                     `keywheel rotate {}`",
                    self.entry.name
                ),
                false,
                due,
            ),
            ProvidedSeen::Ready(fingerprint)
                if Some(*fingerprint) != current || drifted(seen, *fingerprint) =>
            {
                reasons.retain(|reason| *reason != Reason::Asked);
                reasons.push(Reason::NewValueProvided);
                self.work(primary, seen, reasons)
            }
            ProvidedSeen::Ready(_) if due || asked => {
                self.kept("the provided value is the current one already".to_owned(), false, due)
            }
            ProvidedSeen::Missing(hint) if due || asked => {
                self.kept(format!("a person provides this value and none is ready: {hint}"), false, due)
            }
            ProvidedSeen::Ready(_) | ProvidedSeen::Missing(_) => {
                Verdict::NotDue(self.next_due(Some(primary)))
            }
        }
    }

    fn work(&self, primary: &Versions, seen: &[StoreSeen], reasons: Vec<Reason>) -> Verdict {
        let provided = match self.observed.provided.get(&self.entry.name) {
            Some(ProvidedSeen::Ready(fingerprint)) => Some(*fingerprint),
            Some(ProvidedSeen::Missing(_)) | None => None,
        };
        let mut spec = self.inventory.spec(self.entry);
        if self.options.no_notify {
            spec.consumers.clear();
        }
        let work = if primary.at(Stage::Current).is_none() { Work::Create } else { Work::Rotate };
        let mut warnings = warnings::of(self.inventory, self.entry, &spec, seen, self.options);
        warnings.extend(self.observed.cautions.get(&self.entry.name).into_iter().flatten().cloned());
        Verdict::Work(Box::new(Item {
            secret: self.entry.name.clone(),
            work,
            reasons,
            spec,
            seen: seen.to_vec(),
            provided,
            last: self.observed.last.get(&self.entry.name).map(|last| last.rotation),
            after: Vec::new(),
            warnings,
        }))
    }

    fn kept(&self, why: String, refused: bool, due: bool) -> Verdict {
        Verdict::Kept(Kept { secret: self.entry.name.clone(), why, refused, due })
    }

    fn named(&self) -> bool {
        matches!(self.selection, Selection::Names(_))
    }

    /// Why `--due` leaves it alone for a while, if it does.
    fn rolled_back_lately(&self) -> Option<String> {
        let last = self.observed.last.get(&self.entry.name)?;
        let since = self.now.duration_since(last.finished_at);
        let lately = last.outcome == Outcome::RolledBack && !since.is_negative() && since < ROLLED_BACK;
        (lately && *self.selection == Selection::Due).then(|| {
            format!(
                "its last rotation was rolled back less than an hour ago; `keywheel history {0}` says why, \
                 `keywheel rotate {0}` tries again now",
                self.entry.name
            )
        })
    }

    fn just_rotated(&self) -> bool {
        self.rotated_at(None)
            .is_some_and(|(since, _)| since <= self.now && self.now.duration_since(since) < JUST_ROTATED)
    }

    /// When the current value became current: by the journal, else by the store. A secret that nobody rotated yet is
    /// as old as the store says, so adopting one rotates nothing that is not due.
    fn rotated_at(&self, primary: Option<&Versions>) -> Option<(Timestamp, bool)> {
        let by_journal = self.observed.last.get(&self.entry.name).and_then(|last| last.rotated_at);
        by_journal.map(|at| (at, false)).or_else(|| {
            let created = primary?.at(Stage::Current)?.created_at?;
            Some((created, true))
        })
    }

    fn next_due(&self, primary: Option<&Versions>) -> Option<Timestamp> {
        let (since, _) = self.rotated_at(primary)?;
        Some(due_at(since, self.entry.every?.into()))
    }
}

/// Whether a store that can be read holds something else than `fingerprint`.
fn drifted(seen: &[StoreSeen], fingerprint: Fingerprint) -> bool {
    seen.iter().any(|seen| match seen {
        StoreSeen::Versions(versions) => {
            versions.at(Stage::Current).is_none_or(|current| current.fingerprint != fingerprint)
        }
        StoreSeen::Failed { .. } => false,
    })
}

/// A version that some rotation staged and left in a store, in words; none of `finished`, which are over.
fn foreign_rotation(seen: &[StoreSeen], finished: &BTreeSet<RotationId>) -> Option<String> {
    seen.iter().find_map(|seen| match seen {
        StoreSeen::Versions(versions) => {
            let (_, mark) = versions.under_way().find(|(_, mark)| !finished.contains(&mark.rotation))?;
            Some(format!(
                "rotation {} by {} is in flight since {}",
                mark.rotation, mark.initiator, mark.started_at
            ))
        }
        StoreSeen::Failed { .. } => None,
    })
}
