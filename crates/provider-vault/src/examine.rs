//! What `doctor` asks: the server, the login, the mount, and every right that a rotation needs. Changes nothing.

use std::collections::BTreeMap;

use keywheel_core::{Error, ErrorKind, Result, provider::Finding};
use serde::Deserialize;
use serde_json::json;

use crate::{
    api::Session,
    kv::{Kept, Kv},
    place::Place,
    store::VaultStore,
};

/// A token that lives less than this is likely to end before the next rotation.
const SHORT_LIFE: u64 = 60 * 60;

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Token {
    ttl: u64,
    #[serde(default)]
    period: Option<u64>,
    #[serde(default)]
    expire_time: Option<String>,
}

pub(crate) async fn store(store: &VaultStore) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(error) = look(store, &mut findings).await {
        findings.push(finding_of(&error));
    }
    findings
}

/// What kept the examination from going on.
pub(crate) fn finding_of(error: &Error) -> Finding {
    Finding::error(error.to_string(), hint(error))
}

async fn look(store: &VaultStore, findings: &mut Vec<Finding>) -> Result<()> {
    let session = Session::new(&store.shared, "examine", None)?;
    let mut kv = Kv::new(session, &store.mount);
    kv.judge().await?;
    if kv.session.uses_given_token() {
        findings.extend(life(&mut kv).await?);
    }
    let named = store.named();
    findings.extend(rights(store, &mut kv, &named).await?);
    findings.extend(memory(&mut kv, &named).await?);
    Ok(())
}

/// How long a token lives that nobody here renews.
async fn life(kv: &mut Kv<'_>) -> Result<Option<Finding>> {
    let reply = match kv.session.get(&["auth", "token", "lookup-self"], None).await {
        // The policy `default` allows it; a token may do without.
        Err(error) if error.kind == ErrorKind::PermissionDenied => return Ok(None),
        reply => reply?,
    };
    let Answer { data: token } = reply.json::<Answer<Token>>(kv.session.operation())?;
    let ends = token.expire_time.is_some() && token.period.is_none() && token.ttl < SHORT_LIFE;
    Ok(ends.then(|| {
        Finding::warning(
            format!(
                "the token ends in {} s, and keywheel does not renew what somebody else issued",
                token.ttl
            ),
            "let Vault Agent keep it alive in a file, or log in with `app-role`, `kubernetes` or `userpass`",
        )
    }))
}

/// Which rights are missing: <https://developer.hashicorp.com/vault/api-docs/system/capabilities-self>.
async fn rights<'p>(
    store: &VaultStore,
    kv: &mut Kv<'_>,
    places: impl IntoIterator<Item = &'p Place>,
) -> Result<Vec<Finding>> {
    let mount = &store.mount;
    let mut wanted: BTreeMap<String, &[&str]> = BTreeMap::new();
    for place in places {
        let (path, sibling) = (&place.path, place.sibling(&store.staging));
        wanted.insert(format!("{mount}/data/{path}"), &["create", "read", "update"]);
        wanted.insert(format!("{mount}/metadata/{path}"), &["read"]);
        wanted.insert(format!("{mount}/destroy/{path}"), &["update"]);
        wanted.insert(format!("{mount}/data/{sibling}"), &["create", "read", "update"]);
        wanted.insert(format!("{mount}/metadata/{sibling}"), &["create", "update"]);
    }
    missing_rights(&mut kv.session, wanted).await
}

/// Which of the `wanted` rights the token lacks, path by path.
pub(crate) async fn missing_rights(
    session: &mut Session<'_>,
    wanted: BTreeMap<String, &[&str]>,
) -> Result<Vec<Finding>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let paths: Vec<_> = wanted.keys().collect();
    let body = json!({ "paths": paths }).to_string().into_bytes();
    let reply = session.ask(&["sys", "capabilities-self"], body).await?;
    let Answer { data: granted } =
        reply.json::<Answer<BTreeMap<String, serde_json::Value>>>(session.operation())?;
    Ok(wanted
        .into_iter()
        .filter_map(|(path, wanted)| {
            let granted: Vec<&str> = granted
                .get(&path)
                .and_then(serde_json::Value::as_array)
                .map(|list| list.iter().filter_map(serde_json::Value::as_str).collect())
                .unwrap_or_default();
            let lacks = |right: &&&str| !granted.contains(&"root") && !granted.contains(*right);
            let missing: Vec<_> = wanted.iter().filter(lacks).map(|right| format!("`{right}`")).collect();
            let all: Vec<_> = wanted.iter().map(|right| format!("\"{right}\"")).collect();
            (!missing.is_empty()).then(|| {
                Finding::error(
                    format!("the token lacks {} on `{path}`", missing.join(", ")),
                    format!("add to its policy: path \"{path}\" {{ capabilities = [{}] }}", all.join(", ")),
                )
            })
        })
        .collect())
}

/// Whether the engine keeps what a rollback, or a rotation that takes days, needs.
async fn memory<'p>(kv: &mut Kv<'_>, places: impl IntoIterator<Item = &'p Place>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mount = match kv.kept_by_mount().await {
        // Whoever rotates need not see the mount's settings.
        Err(error) if error.kind == ErrorKind::PermissionDenied => None,
        kept => kept?,
    };
    if let Some(after) = mount.as_ref().and_then(deleted_after) {
        findings.push(Finding::error(
            format!("the mount deletes every version {after} after it was written, the current ones too"),
            format!("`vault write {}/config delete_version_after=0s`", kv.mount),
        ));
    }
    for place in places {
        let kept = match kv.kept(&place.path).await {
            // Said already, by the missing right.
            Err(error) if error.kind == ErrorKind::PermissionDenied => continue,
            kept => kept?,
        };
        let own = kept.as_ref().map_or(0, |kept| kept.max_versions);
        let all = mount.as_ref().map_or(0, |kept| kept.max_versions);
        // A path that does not say takes the mount's, and a mount that does not say keeps ten.
        let number = if own == 0 { all } else { own };
        if number == 1 && place.previous.is_none() {
            findings.push(Finding::error(
                format!(
                    "the engine keeps one version of `{}`: there would be none to go back to",
                    place.path
                ),
                format!(
                    "`vault kv metadata put -mount={} -max-versions=10 {}`, or say `previous: '{}#previous'`",
                    kv.mount, place.path, place.path
                ),
            ));
        }
        if let Some(after) = kept.as_ref().and_then(deleted_after) {
            findings.push(Finding::error(
                format!("the engine deletes every version of `{}` {after} after it was written", place.path),
                format!(
                    "`vault kv metadata put -mount={} -delete-version-after=0s {}`",
                    kv.mount, place.path
                ),
            ));
        }
    }
    Ok(findings)
}

fn deleted_after(kept: &Kept) -> Option<&str> {
    kept.delete_version_after.as_deref().filter(|after| !matches!(*after, "" | "0s" | "0"))
}

fn hint(error: &Error) -> &'static str {
    match error.kind {
        ErrorKind::Unauthenticated => "look at the credential under `auth`",
        ErrorKind::PermissionDenied => "`vault token capabilities PATH` shows what the token may do",
        ErrorKind::InvalidConfig | ErrorKind::Unsupported => "look at the store's settings",
        ErrorKind::Unavailable | ErrorKind::TimedOut | ErrorKind::RateLimited => {
            "`vault status` with the same address says how the server is"
        }
        ErrorKind::NotFound
        | ErrorKind::Conflict
        | ErrorKind::Fenced
        | ErrorKind::Corrupt
        | ErrorKind::InvalidValue
        | ErrorKind::DeadlinePassed
        | ErrorKind::Rejected
        | ErrorKind::Internal => "this is unexpected: the server's audit log may say more",
    }
}
