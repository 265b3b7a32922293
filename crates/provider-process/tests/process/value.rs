//! A command that is handed the value.

use std::{sync::Arc, time::Duration};

use keywheel_core::{
    Effect, Error, ErrorKind, Fingerprinter, Identity, SecretValue,
    notifier::{Notice, Notifier, Phase},
    provider::{Consumer as _, Mistake},
};
use keywheel_provider_process::{CommandLine, CommandNotifier, CommandSettings, Evidence, HandOver};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    process::{end, works},
    scene::{Scene, context, eventually, notice, promoted, unhurried},
};

const VALUE: &str = "a-value-that-only-the-command-may-see-9Kd2";

const BOTH: [HandOver; 2] = [HandOver::Stdin, HandOver::File];

/// What a script reads the value with.
fn reads(hand_over: HandOver) -> &'static str {
    match hand_over {
        HandOver::Stdin => "cat",
        HandOver::File => r#"cat "$KEYWHEEL_VALUE_FILE""#,
    }
}

fn handed(scene: &Scene, hand_over: HandOver, script: &str) -> CommandNotifier {
    let words = ["sh", "-c", script].map(str::to_owned).to_vec();
    let line = CommandLine::new("command", words, &scene.surroundings).unwrap();
    CommandNotifier::new(line, Evidence::Trust("a test".to_owned()), Arc::clone(&scene.surroundings.clock))
        .handing_over(Some(hand_over))
}

fn of(bytes: &[u8]) -> (Notice, SecretValue) {
    let value = SecretValue::copy_from(bytes);
    (Notice { expected: Some(Fingerprinter::plain().of(&value)), ..promoted() }, value)
}

async fn tell(notifier: &CommandNotifier, bytes: &[u8]) -> Result<(), Error> {
    let (notice, value) = of(bytes);
    notifier.notify_with(&unhurried(), &notice, &value).await
}

#[rstest]
#[tokio::test]
async fn any_bytes_arrive_whole(
    #[values(HandOver::Stdin, HandOver::File)] hand_over: HandOver,
    #[values(0, 1, 100_000, 1 << 20)] length: usize,
) {
    let scene = Scene::new();
    let bytes: Vec<u8> = (0..=u8::MAX).rev().cycle().take(length).collect();
    let script = format!(r#"{} > got; echo "$KEYWHEEL_FINGERPRINT" > expected"#, reads(hand_over));
    tell(&handed(&scene, hand_over, &script), &bytes).await.unwrap();
    assert!(std::fs::read(scene.path("got")).unwrap() == bytes, "other bytes arrived");
    assert_eq!(scene.read("expected").unwrap().trim(), of(&bytes).0.expected.unwrap().to_string());
}

#[tokio::test]
async fn only_the_path_of_the_file_is_in_the_environment_and_the_value_in_neither_that_nor_the_arguments() {
    for hand_over in BOTH {
        let scene = Scene::new();
        let script = format!(
            "tr '\\0' '\\n' < /proc/$$/environ > told; tr '\\0' '\\n' < /proc/$$/cmdline >> told; {} > got",
            reads(hand_over)
        );
        let notifier = handed(&scene, hand_over, &script);
        let (notice, value) = of(VALUE.as_bytes());
        let notice = Notice { identity: Some(Identity::from("app_b")), ..notice };
        notifier.notify_with(&unhurried(), &notice, &value).await.unwrap();
        let told = scene.read("told").unwrap();
        assert!(!told.contains(VALUE), "{told}");
        assert_eq!(scene.read("got").as_deref(), Some(VALUE));
        let file = told.lines().find_map(|line| line.strip_prefix("KEYWHEEL_VALUE_FILE="));
        assert_eq!(file, (hand_over == HandOver::File).then_some("/proc/self/fd/3"));
        // Its standard input has no room for the notice.
        assert!(
            told.contains("KEYWHEEL_IDENTITY=app_b\n") && told.contains("KEYWHEEL_PHASE=promoted\n"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn with_a_file_the_notice_stays_on_the_standard_input() {
    let scene = Scene::new();
    tell(&handed(&scene, HandOver::File, "cat > input"), VALUE.as_bytes()).await.unwrap();
    let input = scene.read("input").unwrap();
    assert!(!input.contains(VALUE));
    assert_eq!(serde_json::from_str::<Notice>(&input).unwrap(), of(VALUE.as_bytes()).0);
}

#[tokio::test]
async fn the_file_is_the_owners_to_read_and_may_be_read_again_by_what_the_command_starts() {
    let scene = Scene::new();
    let script = r#"
        f=$KEYWHEEL_VALUE_FILE
        stat -L -c '%a %u %F' "$f" > stat; id -u >> stat
        head -c 5 "$f" > /dev/null; cat "$f" > first; sh -c 'cat "$KEYWHEEL_VALUE_FILE"' > second
        { echo changed >&3; } 2> written || echo refused >> written
        cat "$f" > third
    "#;
    tell(&handed(&scene, HandOver::File, script), VALUE.as_bytes()).await.unwrap();
    let stat = scene.read("stat").unwrap();
    let me = stat.lines().nth(1).unwrap();
    assert_eq!(stat.lines().next().unwrap(), format!("400 {me} regular file"));
    for copy in ["first", "second", "third"] {
        assert_eq!(scene.read(copy).as_deref(), Some(VALUE), "{copy}");
    }
    assert!(scene.read("written").unwrap().ends_with("refused\n"));
}

#[tokio::test]
async fn the_file_is_on_no_disk_and_nobody_else_inherits_it() {
    let scene = Scene::new();
    let waits = r"readlink /proc/self/fd/3 > link; echo $$ > pid; until test -e go; do sleep 0.02; done";
    let notifier = handed(&scene, HandOver::File, waits);
    let bystander = {
        let line = ["sh", "-c", "ls -l /proc/self/fd > open"].map(str::to_owned).to_vec();
        let line = CommandLine::new("command", line, &scene.surroundings).unwrap();
        let evidence = Evidence::Trust("a test".to_owned());
        CommandNotifier::new(line, evidence, Arc::clone(&scene.surroundings.clock))
    };
    let during = async {
        scene.awaited("pid").await;
        bystander.notify(&unhurried(), &promoted()).await.unwrap();
        scene.write("go", "");
    };
    let (told, ()) = tokio::join!(tell(&notifier, VALUE.as_bytes()), during);
    told.unwrap();
    assert!(scene.read("link").unwrap().starts_with("/memfd:"), "{:?}", scene.read("link"));
    let open = scene.read("open").unwrap();
    assert!(!open.contains("memfd"), "{open}");
}

#[tokio::test]
async fn what_a_command_leaves_running_finds_the_file_empty() {
    let scene = Scene::new();
    let left = r"(until test -e go; do sleep 0.02; done; wc -c < $KEYWHEEL_VALUE_FILE > later; echo done >> later) > /dev/null 2>&1 &";
    tell(&handed(&scene, HandOver::File, left), VALUE.as_bytes()).await.unwrap();
    scene.write("go", "");
    eventually("the look of who was left", || scene.read("later").filter(|text| text.ends_with("done\n")))
        .await;
    assert_eq!(scene.read("later").unwrap().lines().next(), Some("0"));
}

/// A command may print what it was handed: neither that nor a part of it may reach an error.
#[rstest]
#[case::refuses("exit 3", ErrorKind::Rejected)]
#[case::later("exit 75", ErrorKind::Unavailable)]
#[case::killed("kill -9 $$", ErrorKind::Unavailable)]
#[case::hangs("sleep 60", ErrorKind::TimedOut)]
#[tokio::test]
async fn a_command_that_prints_the_value_and_fails_is_not_quoted(
    #[case] then: &str,
    #[case] kind: ErrorKind,
    #[values(HandOver::Stdin, HandOver::File)] hand_over: HandOver,
) {
    let scene = Scene::new();
    let script = format!("{} > got; cat got; cat got >&2; {then}", reads(hand_over));
    let (notice, value) = of(VALUE.as_bytes());
    let left = context(Duration::from_secs(if kind == ErrorKind::TimedOut { 2 } else { 30 }));
    let error = handed(&scene, hand_over, &script).notify_with(&left, &notice, &value).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (kind, Effect::MaybeApplied), "{error}");
    assert_eq!(scene.read("got").as_deref(), Some(VALUE), "it had nothing to print");
    for piece in VALUE.as_bytes().windows(8) {
        let piece = std::str::from_utf8(piece).unwrap();
        assert!(!format!("{error} {error:?}").contains(piece), "{error:?}");
    }
}

#[rstest]
#[tokio::test]
async fn a_command_that_does_not_read_a_large_value_is_told_all_the_same(
    #[values(HandOver::Stdin, HandOver::File)] hand_over: HandOver,
    #[values("exec <&-; sleep 0.1", "true")] script: &str,
) {
    tell(&handed(&Scene::new(), hand_over, script), &vec![b'x'; 1 << 20]).await.unwrap();
}

#[tokio::test]
async fn a_command_that_stops_reading_half_way_is_ended_at_the_deadline() {
    let scene = Scene::new();
    let notifier = handed(&scene, HandOver::Stdin, "head -c 1000 > /dev/null; echo $$ > pid; sleep 60");
    let (notice, value) = of(&vec![b'x'; 1 << 20]);
    let left = context(Duration::from_secs(2));
    let told = timeout(Duration::from_secs(20), notifier.notify_with(&left, &notice, &value));
    let error = told.await.expect("it hangs").unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::TimedOut, Effect::MaybeApplied));
    assert!(!works(scene.read("pid").unwrap().trim()));
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_nobody_with_the_value() {
    let scene = Scene::new();
    let script = r"
        (setsid sh -c '
            echo $$ > away
            until test -e go; do sleep 0.02; done
            wc -c < $KEYWHEEL_VALUE_FILE > later; echo done >> later
            sleep 60
        ' &)
        echo $$ > pid; sleep 60
    ";
    let notifier = handed(&scene, HandOver::File, script);
    let ((notice, value), context) = (of(VALUE.as_bytes()), unhurried());
    tokio::select! {
        _ = notifier.notify_with(&context, &notice, &value) => panic!("the command waits"),
        () = async { scene.awaited("away").await; scene.awaited("pid").await; } => {}
    }
    eventually("the end of the command", || (!works(scene.read("pid").unwrap().trim())).then_some(())).await;
    scene.write("go", "");
    eventually("its last look", || scene.read("later").filter(|text| text.ends_with("done\n"))).await;
    assert_eq!(scene.read("later").unwrap().lines().next(), Some("0"), "who left the group has the value");
    end(scene.read("away").unwrap().trim());
}

/// Whoever forgot to pass the value on would have the command put nothing where it belongs.
#[tokio::test]
async fn a_command_that_is_to_get_the_value_is_not_run_without_it() {
    for hand_over in BOTH {
        let scene = Scene::new();
        let notifier = handed(&scene, hand_over, "touch started");
        let error = notifier.notify(&unhurried(), &promoted()).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Internal, Effect::NotApplied));
        assert!(!scene.path("started").exists());
    }
}

#[tokio::test]
async fn when_there_is_no_value_to_go_back_to_the_command_gets_none() {
    let nothing = notice(Phase::RolledBack, None);
    for (hand_over, input) in [(HandOver::Stdin, false), (HandOver::File, true)] {
        let scene = Scene::new();
        let script =
            r#"cat > input; echo "${KEYWHEEL_VALUE_FILE-unset} ${KEYWHEEL_FINGERPRINT-unset}" > seen"#;
        handed(&scene, hand_over, script).notify(&unhurried(), &nothing).await.unwrap();
        assert_eq!(scene.read("seen").as_deref(), Some("unset unset\n"));
        assert_eq!(scene.read("input").is_some_and(|text| text.contains("rolled-back")), input);
    }
}

fn configured(settings: Value) -> Result<(String, bool, bool), Vec<Mistake>> {
    let scene = Scene::new();
    let settings: CommandSettings = serde_json::from_value(settings).unwrap();
    settings.resolve(&scene.surroundings).map(|consumer| {
        let notifier = consumer.notifier();
        (consumer.describe(), notifier.wants_value(), notifier.tells_everything())
    })
}

#[rstest]
#[case(json!({}), "the command push", false)]
#[case(json!({"value": "stdin"}), "the command push, which gets the value on its standard input", true)]
#[case(json!({"value": "file"}), "the command push, which gets the value in a file", true)]
fn the_setting_says_how(#[case] more: Value, #[case] description: &str, #[case] wants: bool) {
    let mut settings = json!({"command": ["push"], "evidence": {"trust": "a test"}});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert_eq!(configured(settings), Ok((description.to_owned(), wants, false)));
}

#[test]
fn one_run_for_several_secrets_cannot_be_handed_the_value_of_each() {
    let settings =
        json!({"command": ["push"], "value": "file", "reloads-all": true, "evidence": {"trust": "a test"}});
    let mistakes = configured(settings).unwrap_err();
    assert_eq!(mistakes.into_iter().map(|mistake| mistake.field).collect::<Vec<_>>(), ["reloads-all"]);
}

#[test]
fn there_is_no_third_way() {
    for way in ["argument", "env", "environment", ""] {
        let settings = json!({"command": ["push"], "value": way, "evidence": {"trust": "a test"}});
        assert!(serde_json::from_value::<CommandSettings>(settings).is_err(), "{way}");
    }
}
