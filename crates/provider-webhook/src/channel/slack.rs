//! Slack's incoming webhooks, and whatever takes the same form.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use keywheel_core::{
    Error, ErrorKind, Result,
    inventory::CredentialRef,
    message::{Message, Messenger},
    provider::{Channel, Finding, Surroundings},
};
use reqwest::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::http::{Address, Call, Endpoint, EndpointSettings, refused};

const OPERATION: &str = "send message";

/// A channel of Slack, or of something that takes the same messages (Mattermost, Rocket.Chat): a POST of
/// `{"text": "…"}`, as <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/> has it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SlackSettings {
    /// The URL of the incoming webhook: who knows it may post, so it is named and not written down.
    pub url: CredentialRef,
    /// A PEM file with the certificate authorities to believe, and no others. Default: those of the system.
    pub ca_file: Option<String>,
}

/// A declared channel of kind `slack`.
pub struct SlackChannel(Arc<Slack>);

struct Slack {
    url: CredentialRef,
    ca_file: Option<String>,
    surroundings: Surroundings,
}

impl SlackSettings {
    /// Takes the settings as they are: the URL is looked at when it is read.
    pub fn resolve(self, surroundings: &Surroundings) -> SlackChannel {
        SlackChannel(Arc::new(Slack {
            url: self.url.beside(&surroundings.base),
            ca_file: self.ca_file,
            surroundings: surroundings.clone(),
        }))
    }
}

impl Slack {
    /// Read by each message, so that whoever changes the URL need not restart keywheel.
    fn endpoint(&self) -> Result<Endpoint> {
        let unusable = |why: &str| {
            let message = format!("{}: {why}", self.url);
            Error::not_applied(ErrorKind::InvalidConfig, OPERATION, message)
        };
        let url = self.url.read()?;
        let url = std::str::from_utf8(url.expose_secret()).map_err(|_| unusable("this is not a URL"))?;
        let address = Address::concealed(url).map_err(|(why, _)| unusable(why))?;
        if address.is_open_to_the_network() {
            return Err(unusable("the URL would cross the network unencrypted; use https"));
        }
        let settings = EndpointSettings {
            url: String::new(),
            token: None,
            headers: BTreeMap::new(),
            ca_file: self.ca_file.clone(),
            timeout: None,
        };
        Ok(settings.at(address, &self.surroundings))
    }
}

#[async_trait]
impl Messenger for Slack {
    async fn send(&self, message: &Message, limit: Duration) -> Result<()> {
        let endpoint = self.endpoint()?;
        let call = Call {
            operation: OPERATION,
            method: Method::POST,
            headers: Vec::new(),
            body: Some(json!({ "text": escaped(&message.words) }).to_string().into_bytes()),
            limit,
        };
        let answer = endpoint.call(call).await?;
        if answer.status.is_success() { Ok(()) } else { Err(refused(OPERATION, &endpoint.address, &answer)) }
    }

    async fn examine(&self) -> Vec<Finding> {
        match self.endpoint() {
            Ok(endpoint) => endpoint.examine().await,
            Err(error) => {
                vec![Finding::error(
                    error.to_string(),
                    "let `url` name a variable or file that holds the webhook's URL",
                )]
            }
        }
    }
}

impl Channel for SlackChannel {
    fn describe(&self) -> String {
        format!("the webhook in {}", self.0.url)
    }

    fn messenger(&self) -> Arc<dyn Messenger> {
        Arc::clone(&self.0) as _
    }
}

/// The three characters by which Slack knows links and mentions, so that no name of a secret calls everybody:
/// <https://docs.slack.dev/messaging/formatting-message-text#escaping>.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
