//! Reading inventories: what is right, and every way to be wrong.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use rstest::rstest;
use schemars::JsonSchema;
use serde::Deserialize;

use super::*;
use crate::{
    clock::Clock,
    fingerprint::{FingerprintMode, Fingerprinter},
    id::SecretName,
    message::{Message, Messenger, Occasion},
    notifier::Notifier,
    provider::{Channel, Consumer, Entrusted, Finding, Kind, Kinds, Settings, Store, Surroundings},
    rotation::{Flow, Location, Source},
    secret::{Secret, Stage},
    yaml::{self, Style},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BoxSettings {
    path: String,
}

struct BoxStore(String);

#[async_trait]
impl Store for BoxStore {
    fn describe(&self) -> String {
        self.0.clone()
    }

    fn check_location(&self, location: &Location) -> Result<(), String> {
        if location.key.contains('/') { Err(format!("`{}` has a slash", location.key)) } else { Ok(()) }
    }

    fn beside(&self, key: &str, stage: Stage) -> Option<Arc<str>> {
        Some(format!("{key}.{stage}").into())
    }

    fn secret(&self, _location: &Location, _fingerprinter: Fingerprinter) -> Arc<dyn Secret> {
        unreachable!("reading an inventory opens no secret")
    }

    async fn examine(&self, _entrusted: &[Entrusted]) -> Vec<Finding> {
        Vec::new()
    }
}

struct BoxKind;

impl Kind<dyn Store> for BoxKind {
    fn name(&self) -> &'static str {
        "box"
    }

    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        BoxSettings::json_schema(generator)
    }

    fn configure(&self, _surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Store>> {
        let settings: BoxSettings = yaml::read(settings.node, settings.diagnostics)?;
        Some(Arc::new(BoxStore(settings.path)))
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BellSettings {}

struct Bell;

impl Consumer for Bell {
    fn describe(&self) -> String {
        "a bell".to_owned()
    }

    fn shows_plain_fingerprints(&self) -> bool {
        true
    }

    fn trusted(&self) -> Option<String> {
        None
    }

    fn notifier(&self) -> Arc<dyn Notifier> {
        unreachable!("reading an inventory tells no consumer")
    }
}

struct BellKind;

impl Kind<dyn Consumer> for BellKind {
    fn name(&self) -> &'static str {
        "bell"
    }

    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        BellSettings::json_schema(generator)
    }

    fn configure(&self, _surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Consumer>> {
        let _: BellSettings = yaml::read(settings.node, settings.diagnostics)?;
        Some(Arc::new(Bell))
    }
}

struct Gong;

impl Channel for Gong {
    fn describe(&self) -> String {
        "a gong".to_owned()
    }

    fn messenger(&self) -> Arc<dyn Messenger> {
        unreachable!("reading an inventory tells nobody")
    }
}

struct GongKind;

impl Kind<dyn Channel> for GongKind {
    fn name(&self) -> &'static str {
        "gong"
    }

    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        BellSettings::json_schema(generator)
    }

    fn configure(&self, _surroundings: &Surroundings, settings: Settings<'_>) -> Option<Arc<dyn Channel>> {
        let _: BellSettings = yaml::read(settings.node, settings.diagnostics)?;
        Some(Arc::new(Gong))
    }
}

fn kinds() -> Kinds {
    Kinds {
        stores: vec![Arc::new(BoxKind)],
        consumers: vec![Arc::new(BellKind)],
        channels: vec![Arc::new(GongKind)],
        left_out: [("vault", "vault")].into(),
        ..Kinds::default()
    }
}

/// Time stands still: reading an inventory waits for nothing.
struct NoTime;

#[async_trait]
impl Clock for NoTime {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn running(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }

    async fn sleep(&self, _duration: std::time::Duration) {}
}

fn read_text(text: &str) -> Result<Inventory, yaml::Diagnostics> {
    let clock: Arc<dyn Clock> = Arc::new(NoTime);
    read(Path::new("conf/keywheel.yaml"), text.as_bytes().to_vec(), &kinds(), &clock)
}

fn mistakes(text: &str) -> String {
    match read_text(text) {
        Ok(_) => panic!("the inventory was accepted"),
        Err(diagnostics) => diagnostics.render(Style::Plain),
    }
}

const GOOD: &str = "\
version: 1
environments:
  prod: {}
  dev: { rotatable: false, reason: developers share them }
tiers:
  critical: { every: 90d, overlap: 24h }
stores:
  cellar: { box: { path: /cellar }, concurrency: 2 }
  attic: { box: { path: /attic } }
consumers:
  door: { bell: {}, deadline: 5s, on-deadline: roll-back }
defaults: { environment: prod, owner: platform }
secrets:
  admin:
    generate: password
    stores: [cellar]
  app:
    tier: critical
    generate: { password: { length: 40 } }
    stores: [cellar, { store: attic, key: app-password, previous: app-password-old }]
    consumers: [door]
    depends-on: [admin]
  oauth:
    environment: dev
    provided: { file: ./inbox/oauth }
    stores: [cellar]
  jwt:
    flow: signing-key
    generate: { key-pair: { algorithm: ed25519 } }
    overlap: 15m
    stores: [cellar]
";

#[test]
fn a_good_inventory_resolves_every_reference() {
    let inventory = read_text(GOOD).unwrap_or_else(|mistakes| panic!("{}", mistakes.render(Style::Plain)));
    assert_eq!(inventory.secrets.len(), 4);
    assert_eq!(inventory.base, Path::new("conf"));
    assert_eq!(inventory.state, Path::new("conf/.keywheel"));
    let app = inventory.secret(&SecretName::from("app")).unwrap();
    assert_eq!(app.every.unwrap().to_string(), "90d");
    assert_eq!(app.overlap.to_string(), "1d");
    assert_eq!(app.owner.as_deref(), Some("platform"));
    assert_eq!(app.line, 17);
    assert_eq!(&*app.stores[1].location.key, "app-password");
    assert_eq!(app.stores[1].location.previous.as_deref(), Some("app-password-old"));
    let oauth = inventory.secret(&SecretName::from("oauth")).unwrap();
    assert_eq!(oauth.source, Source::Provided);
    assert_eq!(oauth.fingerprint, FingerprintMode::Keyed);
    assert_eq!(oauth.frozen().unwrap(), "environment `dev` is not rotatable: developers share them");
    let jwt = inventory.secret(&SecretName::from("jwt")).unwrap();
    assert_eq!(jwt.flow, Flow::SigningKey);
    assert_eq!(jwt.stores[0].location.next.as_deref(), Some("jwt.next"));
    let spec = inventory.spec(app);
    assert_eq!(spec.consumers[0].deadline.as_secs(), 5);
}

const MINIMAL: &str =
    "version: 1\nstores: { cellar: { box: { path: /c } } }\nconsumers: { door: { bell: {} } }\n";

#[rstest]
#[case::empty("", "the file is empty")]
#[case::only_a_comment("# nothing\n", "the file is empty")]
#[case::an_empty_mapping("{}\n", "the inventory is empty")]
#[case::not_a_mapping("- a\n- b\n", "an inventory is a mapping")]
#[case::no_version("secrets: {}\n", "missing key `version`")]
#[case::wrong_version("version: 2\nsecrets: {}\n", "reads inventories of version 1")]
#[case::version_is_text("version: one\nsecrets: {}\n", "whole number")]
#[case::unknown_key("version: 1\nsecrest: {}\n", "did you mean `secrets`?")]
fn the_file_as_a_whole(#[case] text: &str, #[case] expected: &str) {
    let shown = mistakes(text);
    assert!(shown.contains(expected), "{shown}");
}

#[rstest]
#[case::dangling_store(
    "a: { generate: password, stores: [celler] }",
    "there is no store `celler`",
    "did you mean `cellar`?"
)]
#[case::dangling_consumer(
    "a: { generate: password, stores: [cellar], consumers: [dor] }",
    "there is no consumer `dor`",
    "did you mean `door`?"
)]
#[case::dangling_tier(
    "a: { generate: password, stores: [cellar], tier: hot }",
    "there is no tier `hot`",
    "declares no tier"
)]
#[case::dangling_dependency(
    "a: { generate: password, stores: [cellar], depends-on: [b] }",
    "there is no secret `b`",
    "the secrets are `a`"
)]
#[case::circle(
    "a: { generate: password, stores: [cellar], depends-on: [b] }\n  b: { generate: password, stores: [cellar], depends-on: [a] }",
    "in a circle: a → b → a",
    "take one `depends-on` out"
)]
#[case::itself(
    "a: { generate: password, stores: [cellar], depends-on: [a] }",
    "in a circle: a → a",
    "take one"
)]
#[case::twice(
    "a: { generate: password, stores: [cellar] }\n  a: { generate: password, stores: [{store: cellar, key: b}] }",
    "key `a` is written twice",
    "remove or rename one of them"
)]
#[case::short_password("a: { generate: { password: { length: 4 } }, stores: [cellar] }", "16", "allow-short")]
#[case::no_unit("a: { generate: password, stores: [cellar], every: 90 }", "has no unit", "")]
#[case::unknown_secret_key(
    "a: { generate: password, stores: [cellar], evry: 90d }",
    "unknown key `evry`",
    "did you mean `every`?"
)]
#[case::no_source("a: { stores: [cellar] }", "does not say where its values come from", "generate")]
#[case::two_sources(
    "a: { generate: password, provided: stdin, stores: [cellar] }",
    "says twice where its values come from",
    "keep one"
)]
#[case::no_store("a: { generate: password, stores: [] }", "kept in no store", "name at least one store")]
#[case::bad_location(
    "a: { generate: password, stores: [{ store: cellar, key: x/y }] }",
    "has a slash",
    "say `key:`"
)]
#[case::same_place(
    "a: { generate: password, stores: [cellar] }\n  b: { generate: password, stores: [{ store: cellar, key: a }] }",
    "would both be kept in `a` of `cellar`",
    "another `key:`"
)]
#[case::previous_is_current(
    "a: { generate: password, stores: [{ store: cellar, previous: a }] }",
    "would both be kept in `a`",
    "another `key:`"
)]
#[case::keyed_but_shown_plain(
    "a: { provided: stdin, stores: [cellar], consumers: [door] }",
    "could never be seen to have moved",
    "fingerprint: plain"
)]
#[case::reference(
    "a: { generate: password, stores: [cellar], owner: '${env:OWNER}' }",
    "a reference is read only where a credential is expected",
    "write the text itself"
)]
#[case::bad_name(
    "'a b': { generate: password, stores: [cellar] }",
    "cannot be the name of a secret",
    "letters, digits"
)]
#[case::minted_by_nobody(
    "a: { minted: true, stores: [cellar] }",
    "no rotator says by whom",
    "add `rotator:`"
)]
fn one_secret(#[case] secrets: &str, #[case] message: &str, #[case] hint: &str) {
    let shown = mistakes(&format!("{MINIMAL}secrets:\n  {secrets}\n"));
    assert!(shown.contains(message), "{shown}");
    assert!(shown.contains(hint), "{shown}");
    assert!(shown.contains("conf/keywheel.yaml:5") || shown.contains("conf/keywheel.yaml:6"), "{shown}");
}

#[rstest]
#[case::kind_left_out(
    "vault: { address: x }",
    "built without stores of the kind `vault`",
    "the feature `vault`"
)]
#[case::unknown_kind("boxx: { path: x }", "`boxx` is no kind of store", "did you mean `box`?")]
#[case::no_kind("{}", "says nothing about its kind", "`box`")]
#[case::two_kinds("{ box: { path: a }, box: { path: b } }", "box", "")]
#[case::bad_settings("box: { pth: x }", "unknown key `pth`", "did you mean `path`?")]
#[case::no_calls("{ box: { path: x }, concurrency: 0 }", "at least 1 call", "")]
#[case::reference("box: { path: 'file:x' }", "a reference is read only where", "")]
fn one_store(#[case] entry: &str, #[case] message: &str, #[case] hint: &str) {
    let shown = mistakes(&format!("version: 1\nstores:\n  s:\n    {entry}\nsecrets: {{}}\n"));
    assert!(shown.contains(message), "{shown}");
    assert!(shown.contains(hint), "{shown}");
}

#[test]
fn a_notice_is_about_what_needs_a_person_unless_it_says_otherwise() {
    let notices = "\
notices:
  plain: { gong: {} }
  picky: { gong: {}, on: [started], secrets: [jwt], tiers: [critical], template: '{secret}: {words}, {owner}' }
";
    let inventory = read_text(&GOOD.replace("secrets:\n", &format!("{notices}secrets:\n"))).ok().unwrap();
    let told = |notice: &str| {
        let about = &inventory.notices[notice].about;
        let names = inventory.secrets.iter().filter(|entry| about.covers(entry));
        names.map(|entry| entry.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(told("plain"), ["admin", "app", "oauth", "jwt"]);
    assert_eq!(told("picky"), ["app", "jwt"]);
    let on = |notice: &str| inventory.notices[notice].on.iter().copied().collect::<Vec<_>>();
    assert_eq!(on("plain"), [Occasion::Failed, Occasion::Parked, Occasion::Overdue]);
    assert_eq!(on("picky"), [Occasion::Started]);
    let message = Message {
        id: "1".to_owned(),
        occasion: Occasion::Started,
        secret: "jwt".into(),
        rotation: None,
        environment: None,
        owner: None,
        at: jiff::Timestamp::UNIX_EPOCH,
        words: "it {began}".to_owned(),
    };
    let words = inventory.notices["picky"].template.as_ref().unwrap().render(&message);
    assert_eq!(words, "jwt: it {began}, ");
}

#[rstest]
#[case::kind("hong: {}", "is no kind of notice", "did you mean `gong`?")]
#[case::occasion("{ gong: {}, on: [begun] }", "none of the possible values", "started")]
#[case::secret("{ gong: {}, secrets: [addmin] }", "there is no secret `addmin`", "did you mean `admin`?")]
#[case::tier("{ gong: {}, tiers: [hot] }", "there is no tier `hot`", "")]
#[case::field("{ gong: {}, template: '{value}' }", "a message has no `value`", "{words}")]
#[case::near("{ gong: {}, template: '{secrt}' }", "did you mean `secret`?", "")]
#[case::braces("{ gong: {}, template: '{secret' }", "the braces do not match", "")]
fn one_notice(#[case] entry: &str, #[case] message: &str, #[case] hint: &str) {
    let shown = mistakes(&GOOD.replace("secrets:\n", &format!("notices:\n  n:\n    {entry}\nsecrets:\n")));
    assert!(shown.contains(message), "{shown}");
    assert!(shown.contains(hint), "{shown}");
}

#[test]
fn every_mistake_is_reported_at_once() {
    let text = "\
version: 1
environments: { dev: { rotatable: false } }
stores: { cellar: { box: { path: /c } }, den: { vault: {} } }
audit: { key: hunter2-hunter2 }
secrets:
  a: { generate: { password: { length: 4 } }, stores: [celar], every: 90 }
  b: { generate: password, stores: [cellar], tier: hot, colour: red }
  c: { stores: [cellar] }
";
    let shown = mistakes(text);
    for expected in [
        "is not rotatable and does not say why",
        "built without stores of the kind `vault`",
        "a credential that is named, not written down",
        "length",
        "there is no store `celar`",
        "has no unit",
        "there is no tier `hot`",
        "unknown key `colour`",
        "does not say where its values come from",
    ] {
        assert!(shown.contains(expected), "{expected} is missing from\n{shown}");
    }
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_chain_of_dependencies_as_long_as_the_inventory_is_no_circle() {
    use std::fmt::Write as _;
    let mut text = format!("{MINIMAL}secrets:\n  s0: {{ generate: password, stores: [cellar] }}\n");
    for number in 1..20_000 {
        let _ = writeln!(
            text,
            "  s{number}: {{ generate: password, stores: [cellar], depends-on: [s{}] }}",
            number - 1
        );
    }
    assert_eq!(read_text(&text).map(|inventory| inventory.secrets.len()).ok(), Some(20_000));
}

#[test]
fn the_schema_names_every_kind_and_refuses_other_keys() {
    let schema = schema(&kinds()).to_value();
    let store = &schema["$defs"]["DeclaredStoreFile"];
    assert!(store["properties"]["box"].is_object(), "{store}");
    assert_eq!(store["additionalProperties"], false);
    assert_eq!(schema["properties"]["secrets"]["additionalProperties"]["$ref"], "#/$defs/SecretFile");
    let notice = &schema["$defs"]["DeclaredNoticeFile"];
    for key in ["gong", "on", "secrets", "tiers", "tags", "template"] {
        assert!(notice["properties"][key].is_object(), "{key}: {notice}");
    }
    assert_eq!(notice["additionalProperties"], false);
}
