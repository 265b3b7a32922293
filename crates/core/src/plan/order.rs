//! Dependencies between secrets order the work: an admin password before those that it is used to rotate.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    id::SecretName,
    inventory::Inventory,
    plan::document::{Item, Work},
};

/// Sorts `items` so that each comes after everything it depends on, unfinished rotations as early as that allows, names
/// deciding the rest; and writes down which items of this plan each one waits for.
pub(super) fn arrange(inventory: &Inventory, items: &mut Vec<Item>) {
    let planned: BTreeSet<SecretName> = items.iter().map(|item| item.secret.clone()).collect();
    // What has begun goes on, whatever it depends on: waiting would only keep two values alive for longer.
    for item in items.iter_mut().filter(|item| !matches!(item.work, Work::Resume { .. })) {
        if let Some(entry) = inventory.secret(&item.secret) {
            item.after = entry.depends_on.iter().filter(|name| planned.contains(*name)).cloned().collect();
            item.after.sort();
        }
    }
    let mut followers: BTreeMap<SecretName, Vec<SecretName>> = BTreeMap::new();
    let mut missing: BTreeMap<SecretName, usize> = BTreeMap::new();
    let mut ready = BTreeSet::new();
    let rank = |item: &Item| (!matches!(item.work, Work::Resume { .. }), item.secret.clone());
    let mut left: BTreeMap<SecretName, Item> = BTreeMap::new();
    for item in items.drain(..) {
        if item.after.is_empty() {
            ready.insert(rank(&item));
        } else {
            missing.insert(item.secret.clone(), item.after.len());
        }
        for before in &item.after {
            followers.entry(before.clone()).or_default().push(item.secret.clone());
        }
        left.insert(item.secret.clone(), item);
    }
    while let Some((_, name)) = ready.pop_first() {
        for follower in followers.remove(&name).unwrap_or_default() {
            let Some(count) = missing.get_mut(&follower) else { continue };
            *count -= 1;
            if *count == 0 {
                missing.remove(&follower);
                ready.extend(left.get(&follower).map(rank));
            }
        }
        items.extend(left.remove(&name));
    }
    // The inventory refuses circles, so nothing is left; if one slipped through, no work is lost.
    items.extend(left.into_values());
}
