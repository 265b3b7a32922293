//! Whether a saved plan still fits the world.

use crate::{
    id::SecretName,
    plan::{
        document::{Item, Plan, Work},
        observed::StoreSeen,
    },
    rotation::RotationSpec,
    secret::{Stage, Versions},
};

/// What is different now from what `saved` was made from, in words; empty if the plan may be run. `fresh` is the plan
/// that the same request gives now.
pub fn differences(saved: &Plan, fresh: &Plan) -> Vec<String> {
    saved.items.iter().flat_map(|item| differences_of(item, fresh)).collect()
}

fn differences_of(item: &Item, fresh: &Plan) -> Vec<String> {
    let secret = &item.secret;
    let Some(now) = fresh.items.iter().find(|other| other.secret == *secret) else {
        return vec![format!("{secret}: {}", why_gone(secret, fresh))];
    };
    let mut words = Vec::new();
    if item.work != now.work {
        words.push(format!(
            "{secret}: the plan is to {}, now it would be to {}",
            work(&item.work),
            work(&now.work)
        ));
    }
    if item.spec != now.spec {
        words.push(format!("{secret}: its steps or settings are not the same"));
    }
    if item.after != now.after {
        words.push(format!("{secret}: other secrets come before it now"));
    }
    if item.provided != now.provided {
        words.push(format!("{secret}: another value is provided now"));
    }
    if item.seen != now.seen {
        words.extend(seen_differences(secret, &item.spec, &item.seen, &now.seen));
    }
    words
}

fn why_gone(secret: &SecretName, fresh: &Plan) -> String {
    if let Some(kept) = fresh.kept.iter().find(|kept| kept.secret == *secret) {
        return format!("would be left alone now: {}", kept.why);
    }
    if fresh.waiting.iter().any(|waiting| waiting.secret == *secret) {
        return "an unfinished rotation waits now".to_owned();
    }
    "there is nothing to do any more".to_owned()
}

fn work(work: &Work) -> String {
    match work {
        Work::Resume { rotation, step, undoing: false } => format!("resume rotation {rotation} at {step}"),
        Work::Resume { rotation, step, undoing: true } => {
            format!("resume rotation {rotation} on its way back at {step}")
        }
        Work::Create => "create it".to_owned(),
        Work::Rotate => "rotate it".to_owned(),
    }
}

fn seen_differences(
    secret: &SecretName,
    spec: &RotationSpec,
    saved: &[StoreSeen],
    now: &[StoreSeen],
) -> Vec<String> {
    let stores = spec.stores.iter().map(|place| place.store.as_str());
    let words: Vec<_> = stores
        .zip(saved.iter().zip(now))
        .filter(|(_, (saved, now))| saved != now)
        .map(|(store, (saved, now))| {
            let (saved, now) = (held(saved), held(now));
            if saved == now {
                format!("{secret}: {store} was written meanwhile")
            } else {
                format!("{secret}: {store} held {saved}, now it holds {now}")
            }
        })
        .collect();
    if words.is_empty() { vec![format!("{secret}: other stores are looked at now")] } else { words }
}

fn held(seen: &StoreSeen) -> String {
    match seen {
        StoreSeen::Failed { message, .. } => format!("nothing readable ({message})"),
        StoreSeen::Versions(versions) if versions.0.is_empty() => "nothing".to_owned(),
        StoreSeen::Versions(versions) => stages(versions),
    }
}

fn stages(versions: &Versions) -> String {
    let stages = Stage::ALL.iter().filter_map(|stage| {
        let version = versions.at(*stage)?;
        Some(format!("{} as {stage}", version.fingerprint))
    });
    stages.collect::<Vec<_>>().join(" and ")
}
