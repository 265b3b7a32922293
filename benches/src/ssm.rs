//! Rotations in AWS SSM Parameter Store, beside a loop over the same SDK that asks for the same. The server is moto.

use std::{path::Path, sync::Arc};

use aws_sdk_ssm::{
    Client,
    operation::get_parameter_history::GetParameterHistoryError,
    types::{ParameterTier, ParameterType},
};
use keywheel_testservers::Moto;

use crate::{
    aws::{self, AT_ONCE, SECRETS},
    measure::{Outcome, words},
    requests::{self, Least, Needed},
    rotations::{self, Comparison, NEW, OLD, Server},
};

const LEAST: Least = Least {
    stage: &[
        Needed {
            requests: 3,
            what: "look (versions, what is pending, the current value for its fingerprint)",
        },
        Needed { requests: 1, what: "put of the pending value" },
    ],
    promote: &[
        Needed { requests: 2, what: "look (versions, what is pending)" },
        Needed { requests: 1, what: "put over the current one" },
        Needed { requests: 2, what: "labels (the new version's, the old one's)" },
        Needed { requests: 1, what: "deletion of what was pending" },
    ],
    retire: &[
        Needed { requests: 3, what: "look (versions, what is pending, the new value)" },
        Needed { requests: 1, what: "labels taken off" },
    ],
    besides: "1 look at both parameters right before the put: the service overwrites whatever is there",
};

pub(crate) fn run() -> Outcome {
    println!(
        "ssm: {SECRETS} parameters in moto for each run, the first rotation of each, stage to retire, journal and"
    );
    println!("audit on. The bare loop sends the same requests in the same order with the same SDK.");
    let server = Arc::new(Parameters::new());
    requests::count(&*server, &LEAST)?;
    Ok(rotations::judged(Comparison::of(server, SECRETS)?.best(&AT_ONCE)?))
}

struct Parameters {
    moto: Moto,
    client: Client,
}

impl Parameters {
    fn new() -> Self {
        let moto = Moto::start();
        Self { client: Client::new(&aws::config(&moto)), moto }
    }

    /// What is not there is an answer.
    async fn history(&self, name: &str, decrypted: bool) -> Outcome<()> {
        let request =
            self.client.get_parameter_history().name(name).with_decryption(decrypted).max_results(50);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(GetParameterHistoryError::is_parameter_not_found) =>
            {
                Ok(())
            }
            Err(error) => Err(words(error)),
        }
    }

    async fn value(&self, selector: String) -> Outcome<()> {
        self.client.get_parameter().name(selector).with_decryption(true).send().await.map(drop).map_err(words)
    }

    async fn put(
        &self,
        name: &str,
        value: &str,
        description: Option<String>,
        overwrite: bool,
    ) -> Outcome<i64> {
        let request = self.client.put_parameter().name(name).value(value).r#type(ParameterType::SecureString);
        let request = request.tier(ParameterTier::Standard).set_description(description).overwrite(overwrite);
        Ok(request.send().await.map_err(words)?.version)
    }

    async fn label(&self, name: &str, version: i64, labels: Vec<String>) -> Outcome<()> {
        let request = self.client.label_parameter_version().name(name).parameter_version(version);
        request.set_labels(Some(labels)).send().await.map(drop).map_err(words)
    }
}

fn text(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

impl Server for Parameters {
    fn declaration(&self, directory: &Path) -> Outcome<String> {
        aws::declaration("aws-ssm", &self.moto, directory)
    }

    fn path(&self, run: usize) -> String {
        format!("/bench-{run}")
    }

    async fn fill(&self, key: &str) -> Outcome<()> {
        self.put(key, OLD, None, false).await.map(drop)
    }

    async fn rotate(&self, key: &str) -> Outcome<()> {
        let pending = format!("/keywheel-pending{key}");
        let (id, mark) = aws::mark()?;
        self.history(key, false).await?;
        self.history(&pending, true).await?;
        self.value(format!("{key}:1")).await?;
        self.put(&pending, NEW, Some(mark), false).await?;

        self.history(key, false).await?;
        self.history(&pending, true).await?;
        // What the first one has no name for is compared with what is pending.
        self.value(format!("{key}:1")).await?;
        let names = vec![key.to_owned(), pending.clone()];
        self.client
            .get_parameters()
            .set_names(Some(names))
            .with_decryption(true)
            .send()
            .await
            .map_err(words)?;
        self.label(key, 1, text(&["current", "keywheel.1"])).await?;
        let version = self.put(key, NEW, None, true).await?;
        let labels = ["current".to_owned(), format!("keywheel.{id}"), format!("keywheel.{id}.by.bench")];
        self.label(key, version, labels.to_vec()).await?;
        self.label(key, 1, text(&["previous"])).await?;
        self.client.delete_parameter().name(&pending).send().await.map_err(words)?;

        self.history(key, false).await?;
        self.history(&pending, true).await?;
        self.value(format!("{key}:{version}")).await?;
        let request = self.client.unlabel_parameter_version().name(key).parameter_version(1);
        request.set_labels(Some(text(&["keywheel.1", "previous"]))).send().await.map(drop).map_err(words)
    }

    async fn current(&self, key: &str) -> Outcome<String> {
        let found =
            self.client.get_parameter().name(key).with_decryption(true).send().await.map_err(words)?;
        Ok(found.parameter.and_then(|parameter| parameter.value).unwrap_or_default())
    }

    fn asked(&self) -> Option<usize> {
        Some(aws::asked(&self.moto))
    }
}
