//! What `doctor` asks: the server, the login, the mount, and every right that a rotation needs. Changes nothing.

use std::collections::BTreeMap;

use keywheel_core::{
    Error, ErrorKind, Result, SecretName,
    provider::{Entrusted, Finding},
};
use serde::Deserialize;

use crate::{
    api::Session,
    kv::{Kept, Kv},
    place::Place,
    rights,
    store::VaultStore,
};

/// A token that lives less than this is likely to end before the next rotation.
const SHORT_LIFE: u64 = 60 * 60;

/// Of more documents than this, `plan` alone looks at what the engine keeps of each: that is a request for every document.
const EACH_LOOKED_AT: usize = 32;

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

pub(crate) async fn store(store: &VaultStore, entrusted: &[Entrusted]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(error) = look(store, entrusted, &mut findings).await {
        findings.push(finding_of(&error));
    }
    findings
}

/// What kept the examination from going on.
pub(crate) fn finding_of(error: &Error) -> Finding {
    Finding::error(error.to_string(), hint(error))
}

async fn look(store: &VaultStore, entrusted: &[Entrusted], findings: &mut Vec<Finding>) -> Result<()> {
    let session = Session::new(&store.shared, "examine", None)?;
    let mut kv = Kv::new(session, &store.mount);
    kv.judge().await?;
    if kv.session.uses_given_token() {
        findings.extend(life(&mut kv).await?);
    }
    let mut placed = Vec::with_capacity(entrusted.len());
    for secret in entrusted {
        // The inventory was refused for a location that is none.
        if let Ok(place) = Place::of(&secret.location, &store.staging) {
            placed.push((place, secret));
        }
    }
    findings.extend(rights::missing(&mut kv, &store.staging, &placed).await?);
    findings.extend(memory(&mut kv, &placed).await?);
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

/// Whether the engine keeps what a rollback, or a rotation that takes days, needs.
async fn memory(kv: &mut Kv<'_>, entrusted: &[(Place, &Entrusted)]) -> Result<Vec<Finding>> {
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
    let documents = documents(entrusted);
    let all = mount.as_ref().map_or(0, |kept| kept.max_versions);
    if documents.len() > EACH_LOOKED_AT {
        let short = documents.values().flat_map(|document| &document.without_previous);
        let short: Vec<_> = short.filter(|_| all == 1).copied().collect();
        if !short.is_empty() {
            findings.push(Finding::error(
                "the mount keeps one version of each document that does not say otherwise: there would be none to go back to",
                format!("`vault write {}/config max_versions=10`, or name a field for `previous`", kv.mount),
            ).about(short));
        }
        return Ok(findings);
    }
    for (path, document) in documents {
        let kept = match kv.kept(path).await {
            // Said already, by the missing right.
            Err(error) if error.kind == ErrorKind::PermissionDenied => continue,
            kept => kept?,
        };
        let own = kept.as_ref().map_or(0, |kept| kept.max_versions);
        // A path that does not say takes the mount's, and a mount that does not say keeps ten.
        let number = if own == 0 { all } else { own };
        if number == 1 && !document.without_previous.is_empty() {
            findings.push(
                Finding::error(
                    format!("the engine keeps one version of `{path}`: there would be none to go back to"),
                    format!(
                        "`vault kv metadata put -mount={} -max-versions=10 {path}`, or say `previous: '{path}#previous'`",
                        kv.mount
                    ),
                )
                .about(document.without_previous),
            );
        }
        if let Some(after) = kept.as_ref().and_then(deleted_after) {
            findings.push(
                Finding::error(
                    format!("the engine deletes every version of `{path}` {after} after it was written"),
                    format!("`vault kv metadata put -mount={} -delete-version-after=0s {path}`", kv.mount),
                )
                .about(document.secrets),
            );
        }
    }
    Ok(findings)
}

/// The secrets in one document.
#[derive(Default)]
struct Document<'e> {
    secrets: Vec<&'e SecretName>,
    /// Those whose previous version is an older version of the document.
    without_previous: Vec<&'e SecretName>,
}

fn documents<'e>(entrusted: &'e [(Place, &'e Entrusted)]) -> BTreeMap<&'e str, Document<'e>> {
    let mut documents: BTreeMap<&str, Document<'_>> = BTreeMap::new();
    for (place, Entrusted { secret, rotated, .. }) in entrusted {
        let document = documents.entry(&place.path).or_default();
        document.secrets.push(secret);
        if *rotated && place.previous.is_none() {
            document.without_previous.push(secret);
        }
    }
    documents
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
