//! What the inventory may say, and mistakes shown where they were made.

use keywheel_core::inventory;
use rstest::rstest;

use crate::scene::consumer;

const TRUST: &str = "evidence: { trust: a test }\n";

#[rstest]
#[case::no_url("reload: { url: web }\n", "this is not a URL")]
#[case::other_scheme("reload: { url: 'ftp://web/' }\n", "not one of http or https")]
#[case::credential_in_it("reload: { url: 'https://u:p@web/' }\n", "a credential stands in the URL")]
#[case::unencrypted(
    "reload: { url: 'http://web/', token: '${env:TOKEN}' }\n",
    "cross the network unencrypted"
)]
#[case::literal("reload: { url: 'https://web/', token: hunter2 }\n", "named, not written down")]
#[case::odd_header(
    "reload: { url: 'https://web/', headers: { 'a b': '${env:TOKEN}' } }\n",
    "name of a header"
)]
#[case::odd_status("reload: { url: 'https://web/', ok: [20] }\n", "no status of HTTP")]
#[case::unknown("reload: { url: 'https://web/', verb: POST }\n", "verb")]
fn a_mistake_in_a_reload_is_shown(#[case] reload: &str, #[case] expected: &str) {
    let mistakes = consumer(&format!("{reload}{TRUST}")).err().unwrap();
    assert!(mistakes.contains(expected) && mistakes.contains("keywheel.yaml:1:"), "{mistakes}");
    assert!(!mistakes.contains("hunter2"), "{mistakes}");
}

#[rstest]
#[case::none("", "nothing says how to see")]
#[case::nowhere("evidence: { http: { url: 'https://web/' } }\n", "one thing has to say where")]
#[case::twice(
    "evidence: { http: { url: 'https://web/', text: true, pointer: /a } }\n",
    "one thing has to say where"
)]
#[case::pointer("evidence: { http: { url: 'https://web/', pointer: a } }\n", "begins with a slash")]
#[case::health_alone("evidence: { health: { url: 'https://web/' } }\n", "trust")]
#[case::no_reason("evidence: { health: { url: 'https://web/', trust: ' ' } }\n", "the reason is empty")]
fn a_mistake_in_the_evidence_is_shown(#[case] evidence: &str, #[case] expected: &str) {
    let mistakes = consumer(&format!("reload: {{ url: 'https://web/' }}\n{evidence}")).err().unwrap();
    assert!(mistakes.contains(expected), "{mistakes}");
}

#[test]
fn a_consumer_whose_health_is_trusted_says_so() {
    let text = "reload: { url: 'https://web/?token=abc' }\nevidence: { health: { url: 'https://web/ok', trust: because } }\n";
    let consumer = consumer(text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(consumer.trusted().as_deref(), Some("because"));
    assert!(!consumer.shows_plain_fingerprints());
    assert_eq!(consumer.describe(), "POST https://web/");
}

#[test]
fn an_inventory_takes_credentials_at_every_depth() {
    let text = "version: 1\nconsumers:\n  web:\n    http:\n      reload: { url: 'https://web/', token: '${env:T}', headers: { X-T: '${env:T}' } }\n      evidence: { http: { url: 'https://web/', text: true, token: 'file:token' } }\nsecrets: {}\n";
    let kinds = keywheel_core::provider::Kinds {
        consumers: keywheel_provider_webhook::consumers::kinds(),
        ..Default::default()
    };
    let clock: std::sync::Arc<dyn keywheel_core::Clock> =
        std::sync::Arc::new(keywheel_testkit::declared::StandingClock);
    let inventory = inventory::read("keywheel.yaml".as_ref(), text.into(), &kinds, &clock);
    inventory.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(keywheel_core::yaml::Style::Plain)));
}
