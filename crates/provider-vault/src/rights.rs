//! Which rights a rotation needs, and which of them the token lacks.
//! <https://developer.hashicorp.com/vault/api-docs/system/capabilities-self>

use std::collections::{BTreeMap, BTreeSet};

use keywheel_core::{
    ErrorKind, Result, SecretName,
    provider::{Entrusted, Finding},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{api::Session, kv::Kv, place::Place};

/// How many paths one request asks about. Servers refuse arrays of more than 10,000:
/// <https://developer.hashicorp.com/vault/docs/configuration/listener/tcp>.
const AT_ONCE: usize = 5_000;

/// Up to so many paths are written out in a policy; one rule for more of them is easier to read.
const WRITTEN_OUT: usize = 3;

#[derive(Deserialize)]
struct Answer {
    data: BTreeMap<String, Value>,
}

/// What is needed on one path.
#[derive(Default)]
struct Needed<'e> {
    /// What every such path of the mount begins with.
    area: String,
    rights: BTreeSet<&'static str>,
    secrets: BTreeSet<&'e SecretName>,
}

/// Paths that lack the same, for the same purpose.
#[derive(Default)]
struct Lack<'e> {
    paths: Vec<String>,
    secrets: BTreeSet<&'e SecretName>,
}

/// One finding for each lack, whatever the number of secrets.
pub(crate) async fn missing(
    kv: &mut Kv<'_>,
    staging: &str,
    entrusted: &[(Place, &Entrusted)],
) -> Result<Vec<Finding>> {
    let needed = needed(kv.mount, staging, entrusted);
    let Some(granted) = granted(&mut kv.session, needed.keys()).await? else { return Ok(vec![unknown()]) };
    let mut lacks: BTreeMap<_, Lack<'_>> = BTreeMap::new();
    for (path, Needed { area, rights, secrets }) in needed {
        let missing = lacking(&granted, &path, rights.iter().copied());
        if !missing.is_empty() {
            let lack = lacks.entry((area, missing, rights)).or_default();
            lack.paths.push(path);
            lack.secrets.extend(secrets);
        }
    }
    Ok(lacks
        .into_iter()
        .map(|((area, missing, rights), lack)| lack.finding(&area, &missing, &rights))
        .collect())
}

/// One finding for each path on which the token lacks one of the rights that `needed` names.
pub(crate) async fn missing_on(
    session: &mut Session<'_>,
    needed: &[(String, &[&'static str])],
) -> Result<Vec<Finding>> {
    let paths = needed.iter().map(|(path, _)| path);
    let Some(granted) = granted(session, paths).await? else { return Ok(vec![unknown()]) };
    let mut findings = Vec::new();
    for (path, rights) in needed {
        let missing = lacking(&granted, path, rights.iter().copied());
        if !missing.is_empty() {
            let lack = Lack { paths: vec![path.clone()], secrets: BTreeSet::new() };
            findings.push(lack.finding("", &missing, &rights.iter().copied().collect()));
        }
    }
    Ok(findings)
}

/// What the token may do on each of `paths`; `None` if it may not ask.
async fn granted<'p>(
    session: &mut Session<'_>,
    paths: impl Iterator<Item = &'p String>,
) -> Result<Option<BTreeMap<String, Value>>> {
    let paths: Vec<_> = paths.collect();
    let mut granted = BTreeMap::new();
    for paths in paths.chunks(AT_ONCE) {
        let body = json!({ "paths": paths }).to_string().into_bytes();
        let reply = match session.ask(&["sys", "capabilities-self"], body).await {
            Err(error) if error.kind == ErrorKind::PermissionDenied => return Ok(None),
            reply => reply?,
        };
        granted.extend(reply.json::<Answer>(session.operation())?.data);
    }
    Ok(Some(granted))
}

/// Which of `rights` are not among those granted on `path`.
fn lacking(
    granted: &BTreeMap<String, Value>,
    path: &str,
    rights: impl Iterator<Item = &'static str>,
) -> Vec<&'static str> {
    let has: Vec<&str> = match granted.get(path) {
        Some(Value::Array(has)) => has.iter().filter_map(Value::as_str).collect(),
        Some(_) | None => Vec::new(),
    };
    rights.filter(|right| !has.contains(&"root") && !has.contains(right)).collect()
}

/// Every path that a rotation asks for something, each once: several secrets may be fields of one document.
fn needed<'e>(
    mount: &str,
    staging: &str,
    entrusted: &[(Place, &'e Entrusted)],
) -> BTreeMap<String, Needed<'e>> {
    const WRITE: &[&str] = &["create", "read", "update"];
    let mut needed: BTreeMap<String, Needed<'e>> = BTreeMap::new();
    for (place, Entrusted { secret, rotated, .. }) in entrusted {
        let (path, sibling) = (&place.path, place.sibling(staging));
        let mut want = |engine: &str, path: &str, rights: &[&'static str]| {
            let entry = needed.entry(format!("{mount}/{engine}/{path}")).or_default();
            // Notes and secrets are apart in a policy, so they are in a finding.
            let below = if path == sibling { format!("{staging}/") } else { String::new() };
            entry.area = format!("{mount}/{engine}/{below}");
            entry.rights.extend(rights);
            entry.secrets.insert(secret);
        };
        if *rotated {
            want("data", path, WRITE);
            want("metadata", path, &["read"]);
            want("destroy", path, &["update"]);
            want("data", &sibling, WRITE);
            want("metadata", &sibling, &["create", "update"]);
        } else {
            want("data", path, &["read"]);
            want("data", &sibling, &["read"]);
        }
    }
    needed
}

impl Lack<'_> {
    fn finding(self, area: &str, missing: &[&str], rights: &BTreeSet<&str>) -> Finding {
        let missing: Vec<_> = missing.iter().map(|right| format!("`{right}`")).collect();
        let all: Vec<_> = rights.iter().map(|right| format!("\"{right}\"")).collect();
        let rule = |path: &str| format!("path \"{path}\" {{ capabilities = [{}] }}", all.join(", "));
        let (wherever, policy) = match self.paths.as_slice() {
            [path] => (format!("`{path}`"), rule(path)),
            paths if paths.len() <= WRITTEN_OUT => {
                let names: Vec<_> = paths.iter().map(|path| format!("`{path}`")).collect();
                let rules: Vec<_> = paths.iter().map(|path| rule(path)).collect();
                (names.join(", "), rules.join(" and "))
            }
            paths => {
                let around = around(area, paths);
                let first = paths.first().map_or("", String::as_str);
                let many = format!("{} paths below `{around}`, such as `{first}`", paths.len());
                // Of two rules that fit, Vault takes the one for the longer path alone.
                (many, format!("{}; a rule for a longer path goes before it", rule(&format!("{around}*"))))
            }
        };
        let message = format!("the token lacks {} on {wherever}", missing.join(", "));
        Finding::error(message, format!("add to its policy: {policy}")).about(self.secrets)
    }
}

/// The longest path below `area`, with its `/`, that all of `paths` are below.
fn around<'p>(area: &'p str, paths: &'p [String]) -> &'p str {
    let Some((first, others)) = paths.split_first() else { return area };
    let shared = others.iter().fold(first.len(), |shared, other| {
        first.bytes().zip(other.bytes()).take(shared).take_while(|(one, two)| one == two).count()
    });
    let whole = first.as_bytes()[..shared].iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    first.get(..whole.max(area.len())).unwrap_or(area)
}

fn unknown() -> Finding {
    Finding::warning(
        "whether the token has every right that a rotation needs could not be found out",
        "the policy `default` allows to ask; without it: path \"sys/capabilities-self\" { capabilities = [\"update\"] }",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_around_paths_ends_with_a_part() {
        let paths = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
        let found = |all: &[&str]| around("s/data/", &paths(all)).to_owned();
        assert_eq!(found(&["s/data/app/one", "s/data/app/other"]), "s/data/app/");
        assert_eq!(found(&["s/data/app", "s/data/apple"]), "s/data/");
        assert_eq!(found(&["s/data/a/b/c", "s/data/a/bc"]), "s/data/a/");
    }
}
