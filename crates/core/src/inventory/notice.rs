//! Who is told how rotations go: the keys that every notice has, whatever its kind.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    id::SecretName,
    inventory::model::{Inventory, SecretEntry},
    message::{Message, Occasion},
    provider::Channel,
    yaml::{self, Diagnostic, Diagnostics, Located, Node, near_miss},
};

/// What a notice is about unless it says otherwise: whatever needs a person.
const DEFAULT: [Occasion; 3] = [Occasion::Failed, Occasion::Parked, Occasion::Overdue];

/// The names that a template may use: the strings of a [`Message`], and nothing else.
const FIELDS: [&str; 8] = ["id", "occasion", "secret", "rotation", "environment", "owner", "at", "words"];

/// A channel, and what is sent through it.
pub struct DeclaredChannel {
    /// The word behind `kind:`.
    pub kind: &'static str,
    /// The channel.
    pub channel: Arc<dyn Channel>,
    /// On which occasions.
    pub on: BTreeSet<Occasion>,
    /// About which secrets.
    pub about: About,
    /// In which words; the engine's own if `None`.
    pub template: Option<Template>,
}

/// Some of the secrets. Nothing named means all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// These.
    pub secrets: Vec<SecretName>,
    /// Those of these tiers.
    pub tiers: Vec<String>,
    /// Those that have one of these tags.
    pub tags: Vec<String>,
}

impl About {
    /// Whether `entry` is one of them.
    pub fn covers(&self, entry: &SecretEntry) -> bool {
        let all = self.secrets.is_empty() && self.tiers.is_empty() && self.tags.is_empty();
        let tier = entry.tier.as_ref().is_some_and(|tier| self.tiers.iter().any(|name| **name == *tier.name));
        all || tier
            || self.secrets.contains(&entry.name)
            || entry.tags.iter().any(|tag| self.tags.iter().any(|name| **name == **tag))
    }
}

/// Words with `{field}` in them. Nothing but the fields of a message can get in: there is no logic, and no way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

impl Template {
    /// Checks `text`: its form, and that every field is one that a message has.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub fn new(text: impl Into<String>) -> Result<Self, String> {
        let text = text.into();
        let template = leon::Template::parse(&text)
            .map_err(|_| "the braces do not match: a field is `{secret}`, a brace itself `\\{`".to_owned())?;
        if let Some(unknown) = template.keys().find(|key| !FIELDS.contains(*key)) {
            return Err(match near_miss(unknown, FIELDS) {
                Some(near) => format!("a message has no `{unknown}`; did you mean `{near}`?"),
                None => format!("a message has no `{unknown}`; it has {}", FIELDS.join(", ")),
            });
        }
        Ok(Self(text))
    }

    /// `message` in these words.
    pub fn render(&self, message: &Message) -> String {
        let rotation = message.rotation.map(|rotation| rotation.to_string()).unwrap_or_default();
        let at = message.at.to_string();
        let values = |key: &str| {
            Some(match key {
                "id" => message.id.as_str(),
                "occasion" => message.occasion.as_str(),
                "secret" => message.secret.as_str(),
                "rotation" => &rotation,
                "environment" => message.environment.as_deref().unwrap_or_default(),
                "owner" => message.owner.as_deref().unwrap_or_default(),
                "at" => &at,
                "words" => message.words.as_str(),
                _ => return None,
            })
        };
        let template = leon::Template::parse(&self.0).ok();
        let rendered = template.and_then(|template| template.render(&Fields(&values)).ok());
        // It was checked when it was read.
        rendered.unwrap_or_else(|| message.words.clone())
    }
}

struct Fields<'a, F>(&'a F);

impl<'a, F: Fn(&str) -> Option<&'a str>> leon::Values for Fields<'a, F> {
    fn get_value(&self, key: &str) -> Option<std::borrow::Cow<'_, str>> {
        (self.0)(key).map(std::borrow::Cow::Borrowed)
    }
}

/// The keys of a notice as they are read, their names not looked up yet.
#[derive(Default)]
pub(super) struct NoticeKeys {
    on: Option<BTreeSet<Occasion>>,
    secrets: Vec<Located<String>>,
    tiers: Vec<Located<String>>,
    tags: Vec<String>,
    template: Option<Template>,
}

impl NoticeKeys {
    /// Reads the key `word`.
    pub(super) fn read(&mut self, word: &str, value: Node<'_>, diagnostics: &mut Diagnostics) {
        match word {
            "on" => self.on = yaml::read(value, diagnostics),
            "secrets" => self.secrets = yaml::read(value, diagnostics).unwrap_or_default(),
            "tiers" => self.tiers = yaml::read(value, diagnostics).unwrap_or_default(),
            "tags" => self.tags = yaml::read(value, diagnostics).unwrap_or_default(),
            _ => {
                let text: Option<String> = yaml::read(value, diagnostics);
                match text.map(Template::new) {
                    Some(Ok(template)) => self.template = Some(template),
                    Some(Err(why)) => diagnostics.push(
                        Diagnostic::error(why)
                            .at(value.span())
                            .hint("write it like `\"{secret} in {environment}: {words}\"`"),
                    ),
                    None => {}
                }
            }
        }
    }

    /// What they mean in `inventory`.
    pub(super) fn resolve(
        self,
        kind: &'static str,
        channel: Arc<dyn Channel>,
        inventory: &Inventory,
        diagnostics: &mut Diagnostics,
    ) -> DeclaredChannel {
        for name in &self.secrets {
            if !inventory.index.contains_key(name.as_str()) {
                let known = inventory.secrets.iter().map(|entry| entry.name.as_str());
                diagnostics.push(unknown("secret", name, known));
            }
        }
        for name in &self.tiers {
            if !inventory.tiers.contains_key(name.as_str()) {
                diagnostics.push(unknown("tier", name, inventory.tiers.keys().map(|name| &**name)));
            }
        }
        DeclaredChannel {
            kind,
            channel,
            on: self.on.unwrap_or_else(|| DEFAULT.into()),
            about: About {
                secrets: self.secrets.iter().map(|name| SecretName::from(name.as_str())).collect(),
                tiers: self.tiers.iter().map(|name| name.to_string()).collect(),
                tags: self.tags,
            },
            template: self.template,
        }
    }
}

fn unknown<'n>(what: &str, name: &Located<String>, known: impl Iterator<Item = &'n str>) -> Diagnostic {
    let mistake = Diagnostic::error(format!("there is no {what} `{}`", name.as_str())).at(name.span());
    match near_miss(name, known) {
        Some(near) => mistake.hint(format!("did you mean `{near}`?")),
        None => mistake,
    }
}
