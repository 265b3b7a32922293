//! The program itself, as Lambda starts it.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use keywheel_lambda::Step;
use serde_json::json;

use crate::{
    lambda::{Lambda, Said},
    scene::{OLD, Scene, account, document, mariadb, postgres, role, token},
};

/// The program, and the file with what it prints: a pipe that nobody reads would stop it.
struct Program(Child, tempfile::NamedTempFile);

impl Program {
    fn start(scene: &Scene, lambda: &Lambda) -> Self {
        let printed = tempfile::NamedTempFile::new().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_keywheel-lambda"))
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", lambda.address.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "f"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_REGION", "eu-central-1"),
                ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
                ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
                ("AWS_SESSION_TOKEN", "the-session-token-of-nobody"),
                ("ROTATION_USERS", scene.users),
                // All that there is.
                ("KEYWHEEL_LOG", "trace"),
                ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
            ])
            .env("SECRETS_MANAGER_ENDPOINT", format!("http://127.0.0.1:{}", scene.moto_port()))
            .stdin(Stdio::null())
            .stdout(fs::File::options().append(true).open(printed.path()).unwrap())
            .stderr(fs::File::options().append(true).open(printed.path()).unwrap())
            .spawn()
            .unwrap();
        Self(child, printed)
    }

    /// Ends it, and gives what it printed.
    fn output(mut self) -> String {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        fs::read_to_string(self.1.path()).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}

const SECRET_KEY: &str = "the-secret-access-key-of-the-function";

fn event(scene: &Scene, token: &str, step: &str) -> String {
    json!({"SecretId": scene.name, "ClientRequestToken": token, "Step": step, "RotationToken": "the-rotation-token"})
        .to_string()
}

/// None of `values` is in `text`, in none of the ways in which bytes get into logs.
fn find(values: &[String], text: &str) {
    for value in values {
        let hex = value.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        let decimal = value.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
        // Without the end, which depends on what comes after.
        let base64 = BASE64.encode(&value.as_bytes()[..value.len() / 3 * 3]);
        for written in [value.as_str(), &hex, &hex.to_uppercase(), &decimal, &base64] {
            assert!(!text.contains(written), "a value is in the output");
        }
    }
}

#[tokio::test]
async fn the_program_serves_lambda_and_no_value_is_in_what_it_says() {
    let (server, other) = (postgres(), mariadb());
    let scene = Scene::with("single", &document("postgres", server.port(), &role(&server)).to_string()).await;
    let maria = Scene::with("single", &document("mariadb", other.port(), &account(&other)).to_string()).await;
    let mut lambda = Lambda::start().await;
    let program = Program::start(&scene, &lambda);
    let mut said = Vec::new();
    let mut values = vec![OLD.to_owned(), SECRET_KEY.to_owned(), "the-rotation-token".to_owned()];
    for scene in [&scene, &maria] {
        let token = scene.begin().await;
        for step in Step::ALL {
            for _ in 0..2 {
                let answer = lambda.invoke(&event(scene, &token, step.as_str())).await;
                let Said::Response { body } = answer else { panic!("{step}: {answer:?}") };
                said.push(body);
            }
        }
        values.push(scene.password("AWSCURRENT").await);
        assert!(scene.labels().await.contains(&("AWSCURRENT".to_owned(), token)));
    }
    assert!(server.lets_in(
        scene.document("AWSCURRENT").await.unwrap()["username"].as_str().unwrap(),
        &scene.password("AWSCURRENT").await
    ));
    // Refusals are errors of the function, with their kind and in words; the program goes on.
    for (event, kind, says) in [
        (event(&scene, &token(), "createSecret"), "invalid-config", "no such version"),
        (event(&scene, "x", "dropSecret"), "invalid-config", "`Step`"),
        ("{}".to_owned(), "invalid-config", "`Step`"),
    ] {
        let Said::Error(error) = lambda.invoke(&event).await else { panic!("it is refused") };
        assert_eq!(error["errorType"], kind, "{error}");
        assert!(error["errorMessage"].as_str().unwrap().contains(says), "{error}");
        said.push(error.to_string());
    }
    let printed = program.output();
    assert!(printed.contains("\"TRACE\"") && printed.contains("Finished"), "it logs all that it does");
    find(&values, &printed);
    find(&values, &said.join("\n"));
}

#[test]
fn a_mistake_in_the_environment_is_told_at_once() {
    let output = Command::new(env!("CARGO_BIN_EXE_keywheel-lambda"))
        .env_clear()
        .env("PASSWORD_LENGTH", "4")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("ROTATION_USERS") && said.contains("PASSWORD_LENGTH"), "{said}");
}
