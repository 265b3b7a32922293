//! The secrets of the file, every reference followed.

use std::{collections::HashMap, sync::Arc};

use crate::{
    document::Layout,
    fingerprint::FingerprintMode,
    generate::Recipe,
    id::{ConsumerName, RotatorName, SecretName, StoreName},
    inventory::{
        circle,
        declared::{Named, named, refuse_reference},
        file::{InventoryFile, SecretFile, StoreUse},
        model::{Inventory, SecretEntry},
        period::Period,
    },
    rotation::{Flow, Location, Source, StoreRef},
    secret::Stage,
    yaml::{self, Checked, Diagnostic, Diagnostics, Located, Span, near_miss},
};

/// How long old and new are both accepted where nothing says otherwise.
const OVERLAP: Period = Period::from_secs(3600);

/// Every name that the file declares, also of entries that had mistakes of their own.
#[derive(Default)]
pub(super) struct Names {
    pub(super) environments: Vec<String>,
    pub(super) tiers: Vec<String>,
    pub(super) stores: Vec<String>,
    pub(super) rotators: Vec<String>,
    pub(super) consumers: Vec<String>,
}

/// Reads the section `secrets` into `inventory`.
pub(super) fn secrets(
    inventory: &mut Inventory,
    file: &InventoryFile,
    names: &Names,
    diagnostics: &mut Diagnostics,
) {
    let Some(raw) = &file.secrets else { return };
    let entries = named(raw.node(), "secret", diagnostics);
    if entries.is_empty() && !diagnostics.has_errors() {
        diagnostics.push(
            Diagnostic::warning("no secret is listed")
                .at(raw.node().span())
                .hint("list at least one below `secrets:`"),
        );
    }
    let known: HashMap<SecretName, usize> = entries
        .iter()
        .enumerate()
        .map(|(position, entry)| (SecretName::from(entry.name.as_str()), position))
        .collect();
    let mut resolver =
        Resolver { inventory, file, names, diagnostics, places: HashMap::with_capacity(entries.len()) };
    let mut secrets = Vec::with_capacity(entries.len());
    let mut dependency_spans: HashMap<usize, Vec<Option<Span>>> = HashMap::new();
    for named in &entries {
        let Some((entry, spans)) = resolver.entry(named, &known) else { continue };
        if !spans.is_empty() {
            dependency_spans.insert(secrets.len(), spans);
        }
        secrets.push(entry);
    }
    inventory.index =
        secrets.iter().enumerate().map(|(position, entry)| (entry.name.clone(), position)).collect();
    inventory.secrets = secrets;
    report_circles(inventory, &dependency_spans, diagnostics);
}

struct Resolver<'a> {
    inventory: &'a Inventory,
    file: &'a InventoryFile,
    names: &'a Names,
    diagnostics: &'a mut Diagnostics,
    /// Which secret lives where: two in one place would overwrite one another.
    places: HashMap<(StoreName, Arc<str>), (SecretName, Option<Span>)>,
}

impl Resolver<'_> {
    /// The entry, and the places of the names it depends on.
    fn entry(
        &mut self,
        named: &Named<'_>,
        known: &HashMap<SecretName, usize>,
    ) -> Option<(SecretEntry, Vec<Option<Span>>)> {
        let Named { name, key, value: node } = named;
        for (_, value) in node.entries() {
            refuse_reference(value, self.diagnostics);
        }
        let written: SecretFile = yaml::read(*node, self.diagnostics)?;
        let name = SecretName::from(name.as_str());
        let span = Some(key.span());
        let flow = of(written.flow.as_ref()).unwrap_or_default();
        let (source, fingerprint) = self.source(&name, &written, span);
        let defaults = &self.file.defaults;
        let environment = written.environment.as_ref().or(defaults.environment.as_ref());
        let environment = environment.and_then(|wanted| {
            self.known("environment", wanted, &self.names.environments)?;
            self.inventory.environments.get(wanted.as_str()).cloned()
        });
        let tier = written.tier.as_ref().or(defaults.tier.as_ref()).and_then(|wanted| {
            self.known("tier", wanted, &self.names.tiers)?;
            self.inventory.tiers.get(wanted.as_str()).cloned()
        });
        let target = self.target(&name, &written, flow, source.as_ref());
        let login = self.login(&written, target.as_ref());
        let layout = self.layout(&written, target.as_ref());
        let consumers = self.consumers(&name, &written, fingerprint);
        if written.stores.is_empty() {
            self.diagnostics.push(
                Diagnostic::error(format!("`{name}` is kept in no store"))
                    .at(span)
                    .hint("name at least one store below `stores:`"),
            );
        }
        let stores: Vec<StoreRef> =
            written.stores.iter().filter_map(|wanted| self.place(&name, flow, wanted.get()?)).collect();
        let mut depends_on = Vec::with_capacity(written.depends_on.len());
        for wanted in &written.depends_on {
            if let Some((other, _)) = known.get_key_value(wanted.as_str()) {
                depends_on.push(other.clone());
            } else {
                self.unknown("secret", wanted, known.keys().map(SecretName::as_str));
            }
        }
        let spans = written.depends_on.iter().map(Located::span).collect();
        let overlap = of(written.overlap.as_ref())
            .or_else(|| tier.as_ref().and_then(|tier| tier.overlap))
            .or(defaults.overlap)
            .unwrap_or(OVERLAP);
        let every = of(written.every.as_ref()).or_else(|| tier.as_ref().and_then(|tier| tier.every));
        let entry = SecretEntry {
            line: self.diagnostics.source().position(key.span().start).line,
            owner: written.owner.or_else(|| defaults.owner.clone()).map(Arc::from),
            environment,
            tier,
            tags: written.tags.into_iter().map(Arc::from).collect(),
            automation: of(written.automation.as_ref()).unwrap_or_default(),
            flow,
            source: source?,
            provided_from: written
                .provided
                .and_then(Checked::into_inner)
                .map(|from| Box::new(from.into_inner())),
            stores: stores.into(),
            target,
            login,
            identity: written.identity.map(|identity| identity.as_str().into()),
            layout,
            consumers,
            every,
            overlap,
            fingerprint,
            depends_on: depends_on.into(),
            name,
        };
        Some((entry, spans))
    }

    /// Where the values come from, `None` where that has mistakes, and how their fingerprints are made.
    fn source(
        &mut self,
        name: &SecretName,
        written: &SecretFile,
        span: Option<Span>,
    ) -> (Option<Source>, FingerprintMode) {
        let minted = minted(written);
        let chosen = of(written.fingerprint.as_ref());
        match (&written.generate, &written.provided, minted) {
            (Some(recipe), None, false) => {
                let Some(recipe) = recipe.get() else { return (None, chosen.unwrap_or_default()) };
                for mistake in recipe.validate() {
                    self.diagnostics.push(
                        Diagnostic::error(format!("`{}`: {}", mistake.field, mistake.message))
                            .at(recipe.span())
                            .hint(mistake.hint),
                    );
                }
                let default = if guessable(recipe) { FingerprintMode::Keyed } else { FingerprintMode::Plain };
                (Some(Source::Generated((**recipe).clone())), chosen.unwrap_or(default))
            }
            // A person may have chosen it, and then a plain fingerprint would let a reader try words.
            (None, Some(_), false) => (Some(Source::Provided), chosen.unwrap_or(FingerprintMode::Keyed)),
            (None, None, true) => (Some(Source::Minted), chosen.unwrap_or(FingerprintMode::Plain)),
            (None, None, false) => {
                self.diagnostics.push(
                    Diagnostic::error(format!("`{name}` does not say where its values come from"))
                        .at(span)
                        .hint("add `generate:` with a recipe, `provided:` with a place, or `minted: true`"),
                );
                (None, chosen.unwrap_or_default())
            }
            (Some(_) | None, Some(_) | None, _) => {
                self.diagnostics.push(
                    Diagnostic::error(format!("`{name}` says twice where its values come from"))
                        .at(span)
                        .hint("keep one of `generate`, `provided` and `minted`"),
                );
                (None, chosen.unwrap_or_default())
            }
        }
    }

    fn target(
        &mut self,
        name: &SecretName,
        written: &SecretFile,
        flow: Flow,
        source: Option<&Source>,
    ) -> Option<RotatorName> {
        let minted = minted(written);
        let Some(wanted) = &written.rotator else {
            if minted {
                self.diagnostics.push(
                    Diagnostic::error(format!("`{name}` is minted, and no rotator says by whom"))
                        .at(written.minted.as_ref().and_then(Checked::get).and_then(Located::span))
                        .hint("add `rotator:`"),
                );
            }
            return None;
        };
        if flow == Flow::SigningKey {
            self.diagnostics.push(
                Diagnostic::error("a signing key has no rotator: its consumers are what checks it")
                    .at(wanted.span())
                    .hint("remove `rotator:`, or `flow: signing-key`"),
            );
        }
        self.known("rotator", wanted, &self.names.rotators)?;
        let (rotator, declared) = self.inventory.targets.get_key_value(wanted.as_str())?;
        if source.is_some() && declared.target.strategy().issues() != minted {
            let message = if minted { "does not issue credentials" } else { "issues its credentials itself" };
            self.diagnostics.push(
                Diagnostic::error(format!("rotator `{rotator}` {message}"))
                    .at(wanted.span())
                    .hint("`minted: true` and a rotator that issues credentials go together"),
            );
        }
        Some(rotator.clone())
    }

    /// Where logins are tried, if not at the target.
    fn login(&mut self, written: &SecretFile, target: Option<&RotatorName>) -> Option<RotatorName> {
        let wanted = written.login_at.as_ref()?;
        self.known("rotator", wanted, &self.names.rotators)?;
        let (login, checks) = self.inventory.targets.get_key_value(wanted.as_str())?;
        let mut refuse = |message: String, hint: &str| {
            self.diagnostics.push(Diagnostic::error(message).at(wanted.span()).hint(hint));
        };
        if checks.target.strategy().issues() {
            let message =
                format!("`{login}` makes credentials itself, and is not what checks those of another one");
            refuse(message, "name the rotator of the system that the credential is for");
        }
        let Some(rotator) = &written.rotator else {
            refuse("logins are tried for a rotator, and none is named".to_owned(), "add `rotator:`");
            return None;
        };
        let declared = target.and_then(|target| self.inventory.targets.get(target));
        if declared.is_some_and(|declared| !declared.target.strategy().issues()) {
            let message = format!("rotator `{}` tries logins itself", rotator.as_str());
            refuse(message, "remove `login-at:`");
        }
        if declared.is_some_and(|declared| !declared.target.confirms()) {
            let message =
                format!("nobody is told what `{}` makes, so no login with it can be tried", rotator.as_str());
            refuse(message, "remove `login-at:`");
        }
        Some(login.clone())
    }

    /// A document says whom it is for and how the target is reached: both must be known.
    fn layout(&mut self, written: &SecretFile, target: Option<&RotatorName>) -> Layout {
        let Some(layout) = written.layout.as_ref().and_then(Checked::get) else { return Layout::Plain };
        if **layout == Layout::Plain {
            return Layout::Plain;
        }
        let span = layout.span();
        let mut refuse = |message: &str, hint: &str| {
            self.diagnostics.push(Diagnostic::error(message).at(span).hint(hint));
        };
        if written.rotator.is_none() {
            refuse(
                "a document is made for a rotator, and none is named",
                "add `rotator:`, or remove `layout:`",
            );
        }
        let declared = target.and_then(|name| self.inventory.targets.get(name));
        if declared.is_some_and(|declared| declared.target.connection().is_none()) {
            refuse("this rotator's target has no host and port to put into a document", "remove `layout:`");
        }
        if written.identity.is_none() && declared.is_some_and(|d| !d.target.strategy().issues()) {
            refuse("a document names a user, and the entry does not", "add `identity:`");
        }
        Layout::Document
    }

    fn consumers(
        &mut self,
        name: &SecretName,
        written: &SecretFile,
        fingerprint: FingerprintMode,
    ) -> Box<[ConsumerName]> {
        let mut consumers = Vec::with_capacity(written.consumers.len());
        for wanted in &written.consumers {
            if self.known("consumer", wanted, &self.names.consumers).is_none() {
                continue;
            }
            let Some((consumer, declared)) = self.inventory.consumers.get_key_value(wanted.as_str()) else {
                continue;
            };
            if fingerprint == FingerprintMode::Keyed && declared.consumer.shows_plain_fingerprints() {
                self.diagnostics.push(
                    Diagnostic::error(format!(
                        "`{consumer}` shows plain fingerprints, and those of `{name}` are keyed: it could never be \
                         seen to have moved"
                    ))
                    .at(wanted.span())
                    .hint(
                        "if no person chose this value and it is too long to guess, add `fingerprint: plain` to the \
                         secret; otherwise give it a consumer whose evidence is not a fingerprint",
                    ),
                );
            }
            consumers.push(consumer.clone());
        }
        consumers.into()
    }

    fn place(&mut self, name: &SecretName, flow: Flow, wanted: &Located<StoreUse>) -> Option<StoreRef> {
        let span = wanted.span();
        if !self.names.stores.iter().any(|known| *known == wanted.store) {
            self.unknown_at("store", &wanted.store, span, self.names.stores.iter().map(String::as_str));
            return None;
        }
        let (store, declared) = self.inventory.stores.get_key_value(wanted.store.as_str())?;
        let key = wanted.key.as_deref().map_or_else(|| name.shared(), Arc::from);
        let beside = |given: Option<&str>, stage| match (given, flow) {
            (Some(given), _) => Some(Arc::from(given)),
            (None, Flow::SigningKey) => declared.store.beside(&key, stage),
            (None, Flow::Credential) => None,
        };
        let location = Location {
            next: beside(wanted.next.as_deref(), Stage::Next),
            previous: beside(wanted.previous.as_deref(), Stage::Previous),
            key,
        };
        if let Err(message) = declared.store.check_location(&location) {
            self.diagnostics
                .push(Diagnostic::error(message).at(span).hint("say `key:` where the entry names the store"));
        }
        if flow == Flow::SigningKey && location.next.is_none() {
            self.diagnostics.push(
                Diagnostic::error(format!(
                    "store `{store}` has no place where consumers could read the next key"
                ))
                .at(span)
                .hint("say `next:` where the entry names the store"),
            );
        }
        for place in
            [Some(&location.key), location.next.as_ref(), location.previous.as_ref()].into_iter().flatten()
        {
            let taken = self.places.insert((store.clone(), place.clone()), (name.clone(), span));
            if let Some((other, first)) = taken {
                self.diagnostics.push(
                    Diagnostic::error(format!(
                        "`{name}` and `{other}` would both be kept in `{place}` of `{store}`"
                    ))
                    .at(span)
                    .also(first, format!("`{other}` is kept there"))
                    .hint("give one of them another `key:`"),
                );
            }
        }
        Some(StoreRef { store: store.clone(), location })
    }

    /// `Some` if `wanted` is declared, also if its declaration had mistakes; else it is reported.
    fn known(&mut self, what: &str, wanted: &Located<String>, names: &[String]) -> Option<()> {
        if names.contains(wanted) {
            return Some(());
        }
        self.unknown(what, wanted, names.iter().map(String::as_str));
        None
    }

    fn unknown<'n>(&mut self, what: &str, wanted: &Located<String>, names: impl Iterator<Item = &'n str>) {
        self.unknown_at(what, wanted, wanted.span(), names);
    }

    fn unknown_at<'n>(
        &mut self,
        what: &str,
        wanted: &str,
        span: Option<Span>,
        names: impl Iterator<Item = &'n str>,
    ) {
        let names: Vec<_> = names.collect();
        let hint = match near_miss(wanted, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => format!("the file declares no {what}"),
            None if names.len() <= 12 => format!("the {what}s are {}", quoted(&names)),
            None => format!("declare it, or name one of the {} {what}s of this file", names.len()),
        };
        self.diagnostics
            .push(Diagnostic::error(format!("there is no {what} `{wanted}`")).at(span).hint(hint));
    }
}

/// A value that had no mistakes.
fn of<T: Copy>(written: Option<&Checked<T>>) -> Option<T> {
    written.and_then(Checked::get).copied()
}

fn minted(written: &SecretFile) -> bool {
    written.minted.as_ref().and_then(Checked::get).is_some_and(|minted| **minted)
}

/// Whether a value of this recipe could be found by trying, so that its plain fingerprint would give it away.
fn guessable(recipe: &Recipe) -> bool {
    match recipe {
        Recipe::Password(password) => password.allow_short.is_some(),
        Recipe::Bytes(bytes) => bytes.allow_short.is_some(),
        Recipe::CookieKey(_) | Recipe::KeyPair(_) => false,
    }
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

fn report_circles(
    inventory: &Inventory,
    spans: &HashMap<usize, Vec<Option<Span>>>,
    diagnostics: &mut Diagnostics,
) {
    let dependencies = |position: usize| -> Vec<usize> {
        let names = &inventory.secrets[position].depends_on;
        names.iter().filter_map(|name| inventory.index.get(name).copied()).collect()
    };
    for circle in circle::circles(&inventory.secrets, dependencies) {
        let mut names: Vec<_> =
            circle.iter().map(|position| inventory.secrets[*position].name.as_str()).collect();
        names.extend(names.first().copied());
        let span = spans.get(&circle[0]).and_then(|spans| spans.iter().find_map(|span| *span));
        diagnostics.push(
            Diagnostic::error(format!(
                "these secrets depend on one another in a circle: {}",
                names.join(" → ")
            ))
            .at(span)
            .hint("take one `depends-on` out"),
        );
    }
}
