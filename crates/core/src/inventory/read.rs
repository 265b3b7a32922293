//! From the text of a file to an [`Inventory`], or to every mistake in it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use crate::{
    clock::Clock,
    id::{ConsumerName, RotatorName, StoreName},
    inventory::{
        declared::{CONSUMER, NOTICE, ROTATOR, STORE, section},
        file::InventoryFile,
        model::{DeclaredConsumer, DeclaredStore, DeclaredTarget, Environment, Inventory, Tier},
        period::Period,
        reference::CredentialRef,
        resolve,
    },
    provider::{Kinds, Surroundings},
    rotation::OnDeadline,
    yaml::{self, Checked, Diagnostic, Diagnostics, Node, Source},
};

/// The version of the format that this build reads.
const VERSION: u64 = 1;

/// Rotations that run at once unless the file says otherwise.
const CONCURRENCY: usize = 16;

/// Calls to one store or target that run at once unless the file says otherwise.
const CALLS: usize = 16;

/// How long a consumer may take to move unless the file says otherwise.
const DEADLINE: Period = Period::from_secs(60);

/// Reads the inventory `text` that stands in the file at `path`. No I/O.
///
/// # Errors
/// Every mistake in the file, with places and hints.
pub fn read(
    path: &Path,
    text: Vec<u8>,
    kinds: &Kinds,
    clock: &Arc<dyn Clock>,
) -> Result<Inventory, Diagnostics> {
    let digest = hex(&Sha256::digest(&text));
    let mut diagnostics = Diagnostics::new(Source::from_bytes(path.display().to_string(), text));
    match read_into(path, digest, kinds, clock, &mut diagnostics) {
        Some(inventory) if !diagnostics.has_errors() => Ok(inventory),
        Some(_) | None => Err(diagnostics),
    }
}

fn read_into(
    path: &Path,
    digest: String,
    kinds: &Kinds,
    clock: &Arc<dyn Clock>,
    diagnostics: &mut Diagnostics,
) -> Option<Inventory> {
    let document = yaml::parse(diagnostics)?;
    let root = document.root();
    check_version(root, diagnostics)?;
    let file: InventoryFile = yaml::read(root, diagnostics)?;
    let base = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        Some(_) | None => PathBuf::from("."),
    };
    let surroundings = Surroundings { base: base.clone(), clock: clock.clone() };
    let mut names = resolve::Names::default();

    let environments = environments(&file, diagnostics);
    names.environments = file.environments.keys().map(|name| name.to_string()).collect();
    let tiers: BTreeMap<Arc<str>, Arc<Tier>> = file
        .tiers
        .iter()
        .filter_map(|(name, tier)| {
            let tier = tier.get()?;
            let name: Arc<str> = name.as_str().into();
            Some((name.clone(), Arc::new(Tier { name, every: tier.every, overlap: tier.overlap })))
        })
        .collect();
    names.tiers = file.tiers.keys().map(|name| name.to_string()).collect();

    let stores = section(
        &STORE,
        file.stores.as_ref(),
        &kinds.stores,
        kinds,
        &surroundings,
        diagnostics,
        &mut names.stores,
    );
    let targets = section(
        &ROTATOR,
        file.rotators.as_ref(),
        &kinds.rotators,
        kinds,
        &surroundings,
        diagnostics,
        &mut names.rotators,
    );
    let consumers = section(
        &CONSUMER,
        file.consumers.as_ref(),
        &kinds.consumers,
        kinds,
        &surroundings,
        diagnostics,
        &mut names.consumers,
    );
    let channels = section(
        &NOTICE,
        file.notices.as_ref(),
        &kinds.channels,
        kinds,
        &surroundings,
        diagnostics,
        &mut Vec::new(),
    );
    let concurrency = file.concurrency.as_ref().and_then(Checked::get);
    if let Some(number) = concurrency.filter(|number| ***number == 0) {
        diagnostics.push(Diagnostic::error("at least 1 rotation must be allowed at once").at(number.span()));
    }

    let state = base.join(file.state.clone().unwrap_or_else(|| PathBuf::from(".keywheel")));
    let audit = file.audit.as_ref().and_then(Checked::get);
    let audit_log = audit.and_then(|audit| audit.log.clone());
    let audit_key = audit.and_then(|audit| audit.key.clone());
    let mut inventory = Inventory {
        path: path.to_path_buf(),
        digest,
        audit_log: audit_log.map_or_else(|| state.join("audit").join("audit.jsonl"), |log| base.join(log)),
        audit_key: match audit_key {
            Some(CredentialRef::File(path)) => CredentialRef::File(base.join(path)),
            Some(CredentialRef::Env(name)) => CredentialRef::Env(name),
            None => CredentialRef::File(state.join("keys").join("audit.key")),
        },
        state,
        base,
        environments,
        tiers,
        stores: stores
            .into_iter()
            .map(|declared| {
                let concurrency = declared.concurrency.unwrap_or(CALLS);
                let store = DeclaredStore {
                    kind: declared.kind,
                    store: declared.made,
                    concurrency,
                    rate: declared.rate,
                };
                (StoreName::new(declared.name), store)
            })
            .collect(),
        targets: targets
            .into_iter()
            .map(|declared| {
                let concurrency = declared.concurrency.unwrap_or(CALLS);
                let target = DeclaredTarget {
                    kind: declared.kind,
                    target: declared.made,
                    concurrency,
                    rate: declared.rate,
                };
                (RotatorName::new(declared.name), target)
            })
            .collect(),
        consumers: consumers
            .into_iter()
            .map(|declared| {
                let consumer = DeclaredConsumer {
                    kind: declared.kind,
                    consumer: declared.made,
                    deadline: declared.deadline.unwrap_or(DEADLINE),
                    on_deadline: declared.on_deadline.unwrap_or(OnDeadline::Park),
                };
                (ConsumerName::new(declared.name), consumer)
            })
            .collect(),
        notices: BTreeMap::new(),
        secrets: Vec::new(),
        index: std::collections::HashMap::new(),
        concurrency: concurrency.map_or(CONCURRENCY, |number| **number),
    };
    resolve::secrets(&mut inventory, &file, &names, diagnostics);
    for declared in channels {
        let notice = declared.notice.resolve(declared.kind, declared.made, &inventory, diagnostics);
        inventory.notices.insert(declared.name.into(), notice);
    }
    Some(inventory)
}

/// A file of another version is told apart before anything else: its other keys may mean something else.
fn check_version(root: Node<'_>, diagnostics: &mut Diagnostics) -> Option<()> {
    if root.is_null() || (root.is_mapping() && root.entries().next().is_none()) {
        diagnostics.push(
            Diagnostic::error("the inventory is empty")
                .at(root.span())
                .hint("`keywheel init` writes one to start from"),
        );
        return None;
    }
    if !root.is_mapping() {
        diagnostics.push(
            Diagnostic::error("an inventory is a mapping with `version` and `secrets`")
                .at(root.span())
                .hint("`keywheel init` writes one to start from"),
        );
        return None;
    }
    let Some(node) = root.get("version") else {
        diagnostics.push(
            Diagnostic::error("missing key `version`")
                .at(root.span())
                .hint(format!("write `version: {VERSION}` first")),
        );
        return None;
    };
    let version: u64 = yaml::read(node, diagnostics)?;
    if version != VERSION {
        diagnostics.push(
            Diagnostic::error(format!("this keywheel reads inventories of version {VERSION}"))
                .at(node.span())
                .label(format!("version {version}"))
                .hint("use the keywheel that this file was written for, or rewrite the file"),
        );
        return None;
    }
    Some(())
}

fn environments(file: &InventoryFile, diagnostics: &mut Diagnostics) -> BTreeMap<Arc<str>, Arc<Environment>> {
    let mut environments = BTreeMap::new();
    for (name, environment) in &file.environments {
        let Some(environment) = environment.get() else { continue };
        let reason = environment.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        if !environment.rotatable && reason.is_none() {
            diagnostics.push(
                Diagnostic::error(format!(
                    "environment `{}` is not rotatable and does not say why",
                    name.as_str()
                ))
                .at(name.span())
                .hint("add `reason:` with the words that whoever tries should read"),
            );
        }
        let key: Arc<str> = name.as_str().into();
        let frozen = (!environment.rotatable).then(|| Arc::from(reason.unwrap_or("no reason given")));
        environments.insert(key.clone(), Arc::new(Environment { name: key, frozen }));
    }
    environments
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
