//! Seeing whether a consumer moved.

use keywheel_core::notifier::{Adoption, Notice, Phase};
use keywheel_provider_process::{
    CommandEvidence, CommandLine, Evidence, FileEvidence, InventoryPath, Pointer,
};
use rstest::rstest;

use crate::scene::{NEW, OLD, Scene, notice, promoted};

fn in_file(scene: &Scene, pointer: Option<&str>) -> Evidence {
    let path = InventoryPath::new(scene.directory.path(), "evidence");
    Evidence::File(FileEvidence::new(path, pointer.map(|text| Pointer::new(text).unwrap())))
}

fn printed(scene: &Scene, script: &str) -> Evidence {
    let words = ["sh", "-c", script].map(str::to_owned).to_vec();
    let line = CommandLine::new("evidence.command", words, &scene.surroundings).unwrap();
    Evidence::Command(CommandEvidence::new(line, scene.surroundings.clock.clone()))
}

/// `Ok` with the evidence, `Err` with the reason.
async fn observed(evidence: &Evidence, notice: &Notice) -> Result<String, String> {
    match evidence.observe(notice).await {
        Adoption::Yes { evidence } => Ok(evidence),
        Adoption::NotYet { why } => Err(why),
        Adoption::Unobservable { accepted } => panic!("unobservable: {accepted}"),
    }
}

const BARE: Option<&str> = None;
const ROOT: Option<&str> = Some("");
const NODE: Option<&str> = Some("/secrets/{secret}");

/// In use means in use for every phase; accepted is enough for a key that is only to be verified with.
#[rstest]
#[case::text("NEW\n", BARE, true, true)]
#[case::text_without_newline("NEW", BARE, true, true)]
#[case::padded("  NEW \r\n", BARE, true, true)]
#[case::old_text("OLD\n", BARE, false, false)]
#[case::lines_new_first("# keys\nNEW\nOLD\n", BARE, true, true)]
#[case::lines_new_accepted("OLD\nNEW\n", BARE, false, true)]
#[case::words_around("in use: NEW\n", BARE, false, false)]
#[case::half_a_fingerprint("ba7816bf8f01", BARE, false, false)]
#[case::empty("", BARE, false, false)]
#[case::not_utf8("\u{fffd}", BARE, false, false)]
#[case::string(r#""NEW""#, ROOT, true, true)]
#[case::old_string(r#""OLD""#, ROOT, false, false)]
#[case::array_new_first(r#"["NEW", "OLD"]"#, ROOT, true, true)]
#[case::array_new_accepted(r#"["OLD", "NEW"]"#, ROOT, false, true)]
#[case::array_with_a_stranger(r#"["NEW", 5]"#, ROOT, false, false)]
#[case::empty_array("[]", ROOT, false, false)]
#[case::object(r#"{"current": "NEW"}"#, ROOT, true, true)]
#[case::object_new_accepted(r#"{"current": "OLD", "accepted": ["NEW"]}"#, ROOT, false, true)]
#[case::object_first_key_to_come(r#"{"current": null, "accepted": ["NEW"]}"#, ROOT, false, true)]
#[case::object_extra_fields(r#"{"current": "NEW", "since": 7}"#, ROOT, true, true)]
#[case::object_without_current(r#"{"accepted": ["NEW"]}"#, ROOT, false, false)]
#[case::object_accepted_no_array(r#"{"current": "NEW", "accepted": "OLD"}"#, ROOT, false, false)]
#[case::number("7", ROOT, false, false)]
#[case::null("null", ROOT, false, false)]
#[case::node_of_the_secret(r#"{"secrets": {"web/cookie~key": "NEW"}}"#, NODE, true, true)]
#[case::node_of_another(r#"{"secrets": {"web": {"cookie~key": "NEW"}}}"#, NODE, false, false)]
#[case::half_written(r#"{"secrets": {"web/cookie~key": "NEW""#, NODE, false, false)]
#[case::not_json("NEW", NODE, false, false)]
#[tokio::test]
async fn a_file_shows_what_is_in_use_and_what_is_accepted(
    #[case] text: &str,
    #[case] pointer: Option<&str>,
    #[case] in_use: bool,
    #[case] accepted: bool,
) {
    let scene = Scene::new();
    scene.write("evidence", &text.replace("NEW", NEW).replace("OLD", OLD));
    let evidence = in_file(&scene, pointer);
    for (phase, adopted) in
        [(Phase::Promoted, in_use), (Phase::RolledBack, in_use), (Phase::NextPublished, accepted)]
    {
        let seen = observed(&evidence, &notice(phase, Some(NEW))).await;
        assert_eq!(seen.is_ok(), adopted, "{phase}: {seen:?}");
    }
}

#[rstest]
#[case::still_in_use("OLD\n", BARE, false)]
#[case::empty_file("", BARE, false)]
#[case::node_is_missing(r#"{"secrets": {}}"#, NODE, true)]
#[case::node_is_null("null", ROOT, true)]
#[case::empty_list("[]", ROOT, true)]
#[case::only_accepted(r#"{"current": null, "accepted": ["OLD"]}"#, ROOT, true)]
#[case::half_written(r#"{"secrets": "#, NODE, false)]
#[tokio::test]
async fn after_a_rollback_to_nothing_none_may_be_in_use(
    #[case] text: &str,
    #[case] pointer: Option<&str>,
    #[case] adopted: bool,
) {
    let scene = Scene::new();
    scene.write("evidence", &text.replace("OLD", OLD));
    let seen = observed(&in_file(&scene, pointer), &notice(Phase::RolledBack, None)).await;
    assert_eq!(seen.is_ok(), adopted, "{seen:?}");
}

#[tokio::test]
async fn a_missing_file_is_a_reason_to_wait_and_shows_that_nothing_is_in_use() {
    let scene = Scene::new();
    let evidence = in_file(&scene, None);
    let why = observed(&evidence, &promoted()).await.unwrap_err();
    assert!(why.ends_with("does not exist"), "{why}");
    assert!(observed(&evidence, &notice(Phase::RolledBack, None)).await.is_ok());
    // A version without a name cannot be adopted.
    assert!(observed(&evidence, &notice(Phase::Promoted, None)).await.is_err());
}

#[rstest]
#[case::text("hunter2\n", None)]
#[case::half_written(r#"{"password": "hunter2"#, Some(""))]
#[case::bare_word("hunter2", Some(""))]
#[case::in_the_node(r#"{"node": "hunter2"}"#, Some("/node"))]
#[case::in_an_object(r#"{"current": "hunter2"}"#, Some(""))]
#[tokio::test]
async fn a_reason_repeats_nothing_but_fingerprints(#[case] text: &str, #[case] pointer: Option<&str>) {
    let scene = Scene::new();
    scene.write("evidence", text);
    let evidence = in_file(&scene, pointer);
    let why = observed(&evidence, &promoted()).await.unwrap_err();
    assert!(!format!("{why} {:?}", evidence.examine().await).contains("hunter2"), "{why}");
}

#[rstest]
#[case::too_large(vec![b'\n'; 1024 * 1024 + 1], "larger than 1 MiB")]
#[case::not_utf8(vec![0xff, 0xfe], "not UTF-8")]
#[tokio::test]
async fn what_is_not_a_small_text_is_a_reason_to_wait(#[case] bytes: Vec<u8>, #[case] words: &str) {
    let scene = Scene::new();
    std::fs::write(scene.path("evidence"), bytes).unwrap();
    let why = observed(&in_file(&scene, None), &promoted()).await.unwrap_err();
    assert!(why.contains(words), "{why}");
}

#[tokio::test]
async fn a_named_pipe_is_a_reason_to_wait() {
    let scene = Scene::new();
    assert!(std::process::Command::new("mkfifo").arg(scene.path("evidence")).status().unwrap().success());
    let why = observed(&in_file(&scene, None), &promoted()).await.unwrap_err();
    assert!(why.ends_with("is not a regular file"), "{why}");
}

#[rstest]
#[case::new(format!("echo {NEW}; echo more"), Ok(()))]
#[case::old(format!("echo {OLD}; echo {NEW}"), Err("0000000000000001 in use"))]
#[case::failed(format!("echo {NEW}; exit 1"), Err("exit status: 1"))]
#[case::silent("true".to_owned(), Err("printed no fingerprint"))]
#[case::talkative("echo hunter2".to_owned(), Err("did not print a fingerprint"))]
#[case::not_told_the_answer(r#"echo "$KEYWHEEL_FINGERPRINT""#.to_owned(), Err("printed no fingerprint"))]
#[case::told_the_question(format!(r#"test "$KEYWHEEL_SECRET" = "web/cookie~key" && echo {NEW}"#), Ok(()))]
#[tokio::test]
async fn the_first_line_of_a_command_is_the_version_in_use(
    #[case] script: String,
    #[case] expected: Result<(), &str>,
) {
    let seen = observed(&printed(&Scene::new(), &script), &promoted()).await;
    match expected {
        Ok(()) => assert!(seen.is_ok(), "{seen:?}"),
        Err(words) => {
            let why = seen.unwrap_err();
            assert!(why.contains(words) && !why.contains("hunter2"), "{why}");
        }
    }
}

#[tokio::test]
async fn trust_is_not_observable_and_says_why() {
    let evidence = Evidence::Trust("restarts every night".to_owned());
    assert_eq!(
        evidence.observe(&promoted()).await,
        Adoption::Unobservable { accepted: "restarts every night".to_owned() }
    );
    assert!(!evidence.shows_plain_fingerprints());
    assert_eq!(evidence.trusted().as_deref(), Some("restarts every night"));
}

#[tokio::test]
async fn doctor_sees_a_missing_directory_a_missing_file_and_half_a_document() {
    let scene = Scene::new();
    let nowhere = InventoryPath::new(scene.directory.path(), "run/evidence");
    let findings = Evidence::File(FileEvidence::new(nowhere, None)).examine().await;
    assert!(findings[0].message.starts_with("the directory of"), "{findings:?}");

    let evidence = in_file(&scene, Some("/secrets/{secret}"));
    assert!(evidence.examine().await[0].message.ends_with("does not exist yet"));
    scene.write("evidence", "{");
    assert!(evidence.examine().await[0].message.contains("not complete JSON"));
    scene.write("evidence", "{}");
    assert_eq!(evidence.examine().await, []);
}
