//! Rotations in AWS Secrets Manager, beside a loop over the same SDK that asks for the same. The server is moto.

use std::{path::Path, sync::Arc};

use aws_sdk_secretsmanager::Client;
use keywheel_testservers::Moto;

use crate::{
    aws::{self, AT_ONCE, SECRETS},
    measure::{Outcome, words},
    requests::{self, Least, Needed},
    rotations::{self, Comparison, NEW, OLD, Server},
};

const LEAST: Least = Least {
    stage: &[
        Needed { requests: 2, what: "look (labels, the current value for its fingerprint)" },
        Needed { requests: 1, what: "put" },
        Needed { requests: 1, what: "AWSPENDING, which the service refuses to the second of two" },
    ],
    promote: &[
        Needed { requests: 2, what: "look (labels, the pending value)" },
        Needed { requests: 1, what: "AWSCURRENT" },
    ],
    retire: &[
        Needed { requests: 1, what: "look (labels)" },
        Needed { requests: 2, what: "labels taken off (AWSPREVIOUS, the mark)" },
    ],
    besides: "1 look at the labels right before AWSCURRENT moves: the service does not refuse a version that was dropped",
};

pub(crate) fn run() -> Outcome {
    println!(
        "secrets-manager: {SECRETS} secrets in moto for each run, the first rotation of each, stage to retire, journal"
    );
    println!("and audit on. The bare loop sends the same requests in the same order with the same SDK.");
    let server = Arc::new(Secrets::new());
    requests::count(&*server, &LEAST)?;
    Ok(rotations::judged(Comparison::of(server, SECRETS)?.best(&AT_ONCE)?))
}

struct Secrets {
    moto: Moto,
    client: Client,
}

impl Secrets {
    fn new() -> Self {
        let moto = Moto::start();
        Self { client: Client::new(&aws::config(&moto)), moto }
    }

    async fn labels(&self, key: &str) -> Outcome<()> {
        self.client.describe_secret().secret_id(key).send().await.map(drop).map_err(words)
    }

    async fn value(&self, key: &str, id: &str) -> Outcome<()> {
        self.client.get_secret_value().secret_id(key).version_id(id).send().await.map(drop).map_err(words)
    }

    async fn label(&self, key: &str, label: &str, to: Option<&str>, from: Option<&str>) -> Outcome<()> {
        let request = self.client.update_secret_version_stage().secret_id(key).version_stage(label);
        let request = request.set_move_to_version_id(to.map(ToOwned::to_owned));
        let request = request.set_remove_from_version_id(from.map(ToOwned::to_owned));
        request.send().await.map(drop).map_err(words)
    }
}

impl Server for Secrets {
    fn declaration(&self, directory: &Path) -> Outcome<String> {
        aws::declaration("aws-secrets-manager", &self.moto, directory)
    }

    fn path(&self, run: usize) -> String {
        format!("bench-{run}")
    }

    async fn fill(&self, key: &str) -> Outcome<()> {
        self.client.create_secret().name(key).secret_string(OLD).send().await.map(drop).map_err(words)
    }

    async fn rotate(&self, key: &str) -> Outcome<()> {
        let (new, mark) = aws::mark()?;
        let seen = self.client.describe_secret().secret_id(key).send().await.map_err(words)?;
        let labels = seen.version_ids_to_stages.unwrap_or_default();
        let old = labels.into_keys().next().ok_or("the secret has no version")?;
        self.value(key, &old).await?;
        let put = self.client.put_secret_value().secret_id(key).client_request_token(&new);
        put.secret_string(NEW).version_stages(mark).send().await.map_err(words)?;
        self.label(key, "AWSPENDING", Some(&new), None).await?;

        self.labels(key).await?;
        self.value(key, &new).await?;
        self.labels(key).await?;
        self.label(key, "AWSCURRENT", Some(&new), Some(&old)).await?;

        self.labels(key).await?;
        self.label(key, "AWSPREVIOUS", None, Some(&old)).await
    }

    async fn current(&self, key: &str) -> Outcome<String> {
        let found = self.client.get_secret_value().secret_id(key).version_stage("AWSCURRENT").send().await;
        let found = found.map_err(words)?;
        Ok(found.secret_string.unwrap_or_default())
    }

    fn asked(&self) -> Option<usize> {
        Some(aws::asked(&self.moto))
    }
}
