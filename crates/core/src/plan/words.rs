//! A plan in plain words, as paragraphs that a terminal or a log can lay out.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::{
    id::SecretName,
    inventory::Period,
    plan::document::{Item, Plan, Reason, Waiting, WaitingFor, Work},
    rotation::{Action, RotationSpec, WaysOn, forward},
};

/// A time, together with how far it is from now.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The time.
    pub at: Timestamp,
    /// Now.
    pub now: Timestamp,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let distance = self.at.duration_since(self.now);
        let at = self.at.strftime("%Y-%m-%d %H:%M:%SZ");
        if distance.is_negative() {
            write!(f, "{at} ({} ago)", rough(distance.abs()))
        } else {
            write!(f, "{at} (in {})", rough(distance))
        }
    }
}

/// The two largest units: nobody needs the seconds of a quarter.
fn rough(duration: SignedDuration) -> Period {
    let seconds = duration.as_secs().unsigned_abs();
    let unit = match seconds {
        0..3_600 => 1,
        3_600..86_400 => 60,
        86_400..864_000 => 3_600,
        _ => 86_400,
    };
    Period::from_secs(seconds / unit * unit)
}

/// A heading with labelled lines below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paragraph {
    /// The heading.
    pub heading: String,
    /// Label and text.
    pub lines: Vec<(&'static str, String)>,
}

/// The plan in words: a summary first, then one paragraph for each item, wait and refusal.
pub fn describe(plan: &Plan, now: Timestamp) -> Vec<Paragraph> {
    let mut paragraphs = vec![summary(plan, now)];
    paragraphs.extend(plan.items.iter().map(|item| item_paragraph(item, now)));
    paragraphs.extend(plan.waiting.iter().map(|waiting| waiting_paragraph(waiting, now)));
    for kept in &plan.kept {
        let heading = match (kept.refused, kept.due) {
            (true, _) => format!("{}: refused", kept.secret),
            (false, true) => format!("{}: due, and left to you", kept.secret),
            (false, false) => format!("{}: left alone", kept.secret),
        };
        paragraphs.push(Paragraph { heading, lines: vec![("why", kept.why.clone())] });
    }
    paragraphs
}

fn waiting_paragraph(waiting: &Waiting, now: Timestamp) -> Paragraph {
    let name = &waiting.secret;
    let until = waiting.until.map(|at| Moment { at, now }.to_string()).unwrap_or_default();
    let (text, next) = match &waiting.why {
        WaitingFor::Overlap => (
            format!("the new value is current, the old one is accepted until {until}"),
            format!("`keywheel rollback {name}` goes back, `keywheel retire {name}` ends the overlap now"),
        ),
        WaitingFor::OverlapOfUndo => (
            format!("it is being rolled back: the new value is still accepted until {until}"),
            format!("`keywheel retire {name}` ends that now"),
        ),
        WaitingFor::Retry(failure) => {
            (format!("tried again {until}, after: {failure}"), format!("`keywheel resume {name}` tries now"))
        }
        WaitingFor::Operator(reason) => {
            (format!("parked: {reason}"), ways_on(name, waiting.ways_on).join(", "))
        }
    };
    Paragraph { heading: format!("{name}: waits"), lines: vec![("now", text), ("you", next)] }
}

/// The commands that would end a parked rotation, and what each does.
pub fn ways_on(name: &SecretName, ways: WaysOn) -> Vec<String> {
    let mut words = vec![
        format!("`keywheel history {name}` tells the story"),
        format!("`keywheel resume {name}` tries the step again, once the cause is gone"),
    ];
    if ways.roll_back {
        words.push(format!("`keywheel rollback {name}` goes back to the old value"));
    }
    if ways.give_up {
        words.push(format!(
            "`keywheel rollback {name}` gives it up: the stores keep the old value, which the target refuses; `keywheel \
             rotate {name}` then fetches another"
        ));
    }
    if ways.vouch {
        words.push(format!(
            "`keywheel vouch {name} --reason …` takes your word for a consumer that cannot show that it moved"
        ));
    }
    words
}

fn summary(plan: &Plan, now: Timestamp) -> Paragraph {
    let count = |wanted: fn(&Work) -> bool| plan.items.iter().filter(|item| wanted(&item.work)).count();
    let mut parts = Vec::new();
    for (number, words) in [
        (count(|work| matches!(work, Work::Resume { .. })), "to resume"),
        (count(|work| matches!(work, Work::Create)), "to create"),
        (count(|work| matches!(work, Work::Rotate)), "to rotate"),
        (plan.waiting.len(), "waiting"),
        (plan.kept.len(), "left alone"),
        (plan.not_due, "not due"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {words}"));
        }
    }
    let heading = if !plan.items.is_empty() {
        "Plan"
    } else if plan.something_is_due() {
        "Nothing that keywheel could do alone"
    } else {
        "Nothing to do"
    };
    let heading = heading.to_owned();
    let mut lines =
        vec![("secrets", if parts.is_empty() { "none selected".to_owned() } else { parts.join(", ") })];
    if let Some(at) = plan.next_due {
        lines.push(("next due", Moment { at, now }.to_string()));
    }
    Paragraph { heading, lines }
}

fn item_paragraph(item: &Item, now: Timestamp) -> Paragraph {
    let heading = match &item.work {
        Work::Resume { undoing: false, .. } => format!("{}: resume", item.secret),
        Work::Resume { undoing: true, .. } => format!("{}: resume its rollback", item.secret),
        Work::Create => format!("{}: create", item.secret),
        Work::Rotate => format!("{}: rotate", item.secret),
    };
    let reasons: Vec<_> = item.reasons.iter().map(|reason| reason_in_words(reason, now)).collect();
    let mut lines = vec![("why", reasons.join("; "))];
    match &item.work {
        Work::Resume { step, .. } => lines.push(("next step", step.clone())),
        Work::Create => lines.push(("steps", steps(&item.spec, |action| !ends_something(action)))),
        Work::Rotate => lines.push(("steps", steps(&item.spec, |_| true))),
    }
    if !item.after.is_empty() {
        let names: Vec<_> = item.after.iter().map(ToString::to_string).collect();
        lines.push(("after", names.join(", ")));
    }
    lines.extend(item.warnings.iter().map(|warning| ("mind", warning.clone())));
    Paragraph { heading, lines }
}

fn reason_in_words(reason: &Reason, now: Timestamp) -> String {
    match reason {
        Reason::Age { since, every, by_store } => {
            let age = rough(now.duration_since(*since));
            let source = if *by_store { " by its store" } else { "" };
            format!("{age} old{source}, due every {every}")
        }
        Reason::NoValue => "it has no value yet".to_owned(),
        Reason::Asked => "you asked for it".to_owned(),
        Reason::NewValueProvided => "a new value was provided".to_owned(),
        Reason::Unfinished { since } => format!("begun {}, not finished", Moment { at: *since, now }),
    }
}

/// Whether the action is about a value that came before: a first value skips it.
fn ends_something(action: Action) -> bool {
    action.ends_the_old_value() || matches!(action, Action::Overlap | Action::Confirm)
}

fn steps(spec: &RotationSpec, shown: impl Fn(Action) -> bool) -> String {
    let steps: Vec<_> = forward(spec)
        .into_iter()
        .filter(|action| shown(*action))
        .map(|action| describe_step(action, spec))
        .collect();
    steps.join(" → ")
}

/// One step in words: `stage in app-dir`, `overlap 1d`.
pub fn describe_step(action: Action, spec: &RotationSpec) -> String {
    if action == Action::Overlap {
        return format!("overlap {}", Period::from_secs(spec.overlap.as_secs()));
    }
    action.describe(spec)
}
