//! A server, a store that the inventory could declare, and an eye that sees without the implementation.

use std::{
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_secretsmanager::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    primitives::Blob,
};
use keywheel_core::{
    CallContext, Fingerprinter, RotationId, SecretName, SecretValue,
    provider::{Entrusted, Finding, Store, listed},
    rotation::Location,
    secret::{Secret, Stage},
};
use keywheel_testkit::declared::{call, configure, surroundings};

pub(crate) const NAME: &str = "prod/db/password";
pub(crate) const REGION: &str = "eu-central-1";

/// A store.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) store: Arc<dyn Store>,
}

impl Scene {
    /// A store at `port` of this machine.
    pub(crate) fn at(port: u16) -> Self {
        Self::with(port, "")
    }

    /// With further settings.
    pub(crate) fn with(port: u16, settings: &str) -> Self {
        Self::settled(&text(REGION, port, settings)).unwrap()
    }

    pub(crate) fn in_region(region: &str, port: u16) -> Self {
        Self::settled(&text(region, port, "")).unwrap()
    }

    /// Parameters, in place of secrets.
    pub(crate) fn parameters(port: u16, settings: &str) -> Self {
        Self::declared("aws-ssm", &text(REGION, port, settings)).unwrap()
    }

    pub(crate) fn settled(settings: &str) -> Result<Self, String> {
        Self::declared("aws-secrets-manager", settings)
    }

    pub(crate) fn declared(kind: &str, settings: &str) -> Result<Self, String> {
        let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let mut key = tempfile::NamedTempFile::new_in(base).unwrap();
        key.write_all(b"the-secret-access-key-of-nobody\n").unwrap();
        // Whole at every instant: other tests read it.
        key.persist(base.join("key")).unwrap();
        let mut kinds = keywheel_provider_aws::secrets::kinds();
        kinds.extend(keywheel_provider_aws::parameters::kinds());
        let kind = kinds.iter().find(|known| known.name() == kind).unwrap();
        let store = configure(&**kind, &surroundings(base), settings)?;
        Ok(Self { store })
    }

    pub(crate) fn secret(&self, name: &str) -> Arc<dyn Secret> {
        self.store.secret(&location(name), Fingerprinter::plain())
    }

    pub(crate) async fn findings(&self) -> Vec<Finding> {
        self.store.examine(&[]).await
    }

    /// What `doctor` finds of the secrets called `names`, each in words.
    pub(crate) async fn found(&self, names: &[&str]) -> Vec<String> {
        let entrust = |name: &&str| Entrusted {
            secret: SecretName::new(format!("of {name}")),
            location: location(name),
            rotated: true,
        };
        let findings = self.store.examine(&names.iter().map(entrust).collect::<Vec<_>>()).await;
        let words = findings.into_iter().map(|finding| {
            let hint = finding.hint.unwrap_or_default();
            format!("{:?} {}: {}; {hint}", finding.severity, listed(&finding.secrets), finding.message)
        });
        words.collect()
    }
}

/// A name that no other test of this process uses.
pub(crate) fn fresh() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("{NAME}/{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn location(name: &str) -> Location {
    Location { key: name.into(), next: None, previous: None }
}

pub(crate) fn rotation(number: u8) -> CallContext {
    CallContext { rotation: RotationId::from_random([number; 16]), ..call(Duration::from_secs(30)) }
}

pub(crate) fn value(text: &str) -> SecretValue {
    SecretValue::copy_from(text.as_bytes())
}

/// What `stage` holds, for a person.
pub(crate) async fn text_at(secret: &dyn Secret, stage: Stage) -> Option<String> {
    let value = secret.read(stage).await.ok()?;
    Some(String::from_utf8(value.expose_secret().to_vec()).unwrap())
}

fn text(region: &str, port: u16, further: &str) -> String {
    format!(
        "region: {region}\naccess:\n  keys: {{id: AKIAEXAMPLE, secret: 'file:key'}}\n  \
         endpoint: http://127.0.0.1:{port}\n{further}"
    )
}

/// A client with rights of its own.
#[derive(Clone)]
pub(crate) struct Eye {
    pub(crate) client: Client,
}

impl Eye {
    pub(crate) fn at(port: u16) -> Self {
        Self::in_region(port, REGION)
    }

    pub(crate) fn in_region(port: u16, region: &'static str) -> Self {
        let config =
            aws_sdk_secretsmanager::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(region))
                .credentials_provider(Credentials::new("AKIAEYE", "of-the-eye", None, None, "test"))
                .endpoint_url(format!("http://127.0.0.1:{port}"))
                .http_client(aws_smithy_http_client::Builder::new().build_with_connector_fn(|_, _| {
                    aws_smithy_http_client::Connector::builder().build_http()
                }))
                .build();
        Self { client: Client::from_conf(config) }
    }

    /// Every label, and the version that has it.
    pub(crate) async fn labels(&self, name: &str) -> Vec<(String, String)> {
        let Ok(seen) = self.client.describe_secret().secret_id(name).send().await else { return Vec::new() };
        let mut labels: Vec<_> = seen
            .version_ids_to_stages
            .unwrap_or_default()
            .into_iter()
            .flat_map(|(id, labels)| labels.into_iter().map(move |label| (label, id.clone())))
            .collect();
        labels.sort();
        labels
    }

    /// What an application gets that asks for the secret, and for its previous value.
    pub(crate) async fn consumers_see(&self, name: &str) -> Vec<Vec<u8>> {
        let mut seen = Vec::new();
        for label in ["AWSCURRENT", "AWSPREVIOUS"] {
            let answer = self.client.get_secret_value().secret_id(name).version_stage(label).send().await;
            let Ok(output) = answer else { continue };
            seen.extend(output.secret_string.map(String::into_bytes));
            seen.extend(output.secret_binary.map(Blob::into_inner));
        }
        seen
    }

    /// A secret that somebody else made.
    pub(crate) async fn make(&self, name: &str, value: &str) -> String {
        let made = self.client.create_secret().name(name).secret_string(value).send().await.unwrap();
        made.version_id.unwrap()
    }
}
