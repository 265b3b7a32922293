//! Settings as an inventory holds them: read, and mistakes shown where they were made.

use std::sync::Arc;

use keywheel_core::provider::Consumer;
use keywheel_provider_process::kinds;
use keywheel_testkit::declared;

use crate::scene::Scene;

/// `Err` with the mistakes as they are printed.
fn configure(name: &str, text: &str) -> Result<Arc<dyn Consumer>, String> {
    let kind = kinds().into_iter().find(|kind| kind.name() == name).unwrap();
    declared::configure(&*kind, &Scene::new().surroundings, text)
}

#[test]
fn a_signal_with_evidence_in_a_file() {
    let text = "pid-file: ./run/web.pid\nprocess: web\nsignal: SIGUSR1\nevidence:\n  file: { path: run/evidence, pointer: '/secrets/{secret}' }\n";
    let consumer = configure("signal", text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(consumer.describe(), "SIGUSR1 to the process in ./run/web.pid");
    assert!(consumer.shows_plain_fingerprints());
    assert_eq!(consumer.trusted(), None);
}

#[test]
fn a_command_that_is_trusted() {
    let text = "command: [systemctl, reload, web]\nevidence: { trust: it is restarted every night }\n";
    let consumer = configure("command", text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(consumer.describe(), "the command systemctl");
    assert_eq!(consumer.trusted().as_deref(), Some("it is restarted every night"));
}

#[test]
fn a_mistake_is_shown_at_its_line() {
    let text = "process: web\nevidence:\n  file:\n    path: x\n    pointer: secrets\n";
    let mistakes = configure("signal", text).err().unwrap();
    assert!(mistakes.contains("a JSON pointer begins with a slash"), "{mistakes}");
    assert!(mistakes.contains("keywheel.yaml:5:"), "{mistakes}");
}

#[test]
fn evidence_that_was_left_out_is_asked_for() {
    let mistakes = configure("command", "command: [reload-web]\n").err().unwrap();
    assert!(mistakes.contains("nothing says how to see that the consumer moved"), "{mistakes}");
    assert!(mistakes.contains("evidence: {trust:"), "{mistakes}");
}

#[test]
fn an_unknown_setting_and_an_unknown_signal_are_both_reported() {
    let text = "proces: web\nsignal: SIGKILL\nevidence: { trust: a test }\n";
    let mistakes = configure("signal", text).err().unwrap();
    assert!(mistakes.contains("proces") && mistakes.contains("SIGKILL"), "{mistakes}");
}
