//! What `doctor` says of the rotators.

use keywheel_core::{
    Identity,
    provider::{Finding, Severity},
    rotator::Rotator,
};
use serde_json::json;

use crate::scene::{Ground, target};

/// The rotator of `kind` for somebody whose token has `policy` alone.
fn as_somebody(
    ground: &Ground,
    kind: &str,
    mount: &str,
    name: &str,
    policy: &str,
) -> std::sync::Arc<dyn Rotator> {
    let directory = ground.base().join(format!("{kind}-somebody"));
    std::fs::create_dir_all(&directory).unwrap();
    ground.bao.write("sys/policies/acl/engines-somebody", &json!({ "policy": policy }));
    let token =
        ground.bao.write("auth/token/create", &json!({ "policies": ["engines-somebody"], "period": "1h" }));
    std::fs::write(directory.join("token"), token["auth"]["client_token"].as_str().unwrap()).unwrap();
    let settings =
        format!("address: '{}'\nauth: {{ token: 'file:token' }}\nmount: {mount}", ground.bao.url());
    target(&directory, kind, &settings).unwrap().rotator(Some(&Identity::from(name)))
}

fn errors(findings: &[Finding]) -> Vec<String> {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    errors
        .map(|finding| format!("{} / {}", finding.message, finding.hint.as_deref().unwrap_or_default()))
        .collect()
}

#[tokio::test]
async fn who_may_do_everything_hears_no_error() {
    let ground = Ground::start();
    for rotator in [ground.static_role("app"), ground.root_credential("main"), ground.key("orders")] {
        assert_eq!(errors(&rotator.examine().await), Vec::<String>::new());
    }
    // The server's own period is told.
    let findings = ground.static_role("app").examine().await;
    assert!(
        findings.iter().any(|finding| finding.message.contains("86400 s after its last rotation")),
        "{findings:?}"
    );
}

#[tokio::test]
async fn each_missing_right_is_named_with_the_policy_that_grants_it() {
    let ground = Ground::start();
    let (database, transit) = (&ground.database, &ground.transit);
    let policy = format!("path \"{database}/static-creds/app\" {{ capabilities = [\"read\"] }}");
    let role = as_somebody(&ground, "vault-static-role", database, "app", &policy);
    assert_eq!(
        errors(&role.examine().await),
        [format!(
            "the token lacks `update` on `{database}/rotate-role/app` / add to its policy: path \
             \"{database}/rotate-role/app\" {{ capabilities = [\"update\"] }}"
        )]
    );
    let policy = format!("path \"{database}/config/main\" {{ capabilities = [\"read\"] }}");
    let root = as_somebody(&ground, "vault-root-credential", database, "main", &policy);
    let said = errors(&root.examine().await).join("\n");
    assert!(
        said.contains(&format!("{database}/rotate-root/main"))
            && said.contains(&format!("{database}/reset/main")),
        "{said}"
    );
    let policy = format!("path \"{transit}/keys/orders\" {{ capabilities = [\"read\"] }}");
    let key = as_somebody(&ground, "vault-transit-key", transit, "orders", &policy);
    let said = errors(&key.examine().await).join("\n");
    for path in ["keys/orders/rotate", "keys/orders/config", "encrypt/orders", "decrypt/orders"] {
        assert!(said.contains(&format!("`{transit}/{path}`")), "{path} in {said}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let ground = Ground::start();
    for rotator in [ground.static_role("none"), ground.root_credential("none"), ground.key("none")] {
        let said = errors(&rotator.examine().await).join("\n");
        assert!(said.contains("check `identity`"), "{said}");
    }
}
