//! Evidence that a URL shows.

use keywheel_core::{
    Fingerprint,
    evidence::{Pointer, Sight, text},
    notifier::Notice,
    provider::Finding,
};
use reqwest::{Method, header::HeaderName};

use crate::http::{Answer, Call, Endpoint};

/// Where in an answer the fingerprint stands.
pub(super) enum Place {
    Pointer(Pointer),
    Header(HeaderName),
    Text,
}

/// A URL whose answer shows the fingerprint in use.
pub struct Shown {
    endpoint: Endpoint,
    place: Place,
}

impl Shown {
    pub(super) fn new(endpoint: Endpoint, place: Place) -> Self {
        Self { endpoint, place }
    }

    pub(super) fn place(&self) -> String {
        self.endpoint.address.to_string()
    }

    pub(super) async fn look(&self, notice: &Notice) -> Sight {
        let answer = match ask(&self.endpoint).await {
            Ok(answer) => answer,
            Err(why) => return Sight::Unclear(why),
        };
        match &self.place {
            Place::Header(name) => header(&answer, name),
            Place::Pointer(pointer) => match answer.text().await {
                Ok(body) => text::json(&body, &pointer.for_secret(&notice.secret)),
                Err(why) => Sight::Unclear(why),
            },
            Place::Text => match answer.text().await {
                Ok(body) => text::lines(&body),
                Err(why) => Sight::Unclear(why),
            },
        }
    }

    pub(super) async fn examine(&self) -> Vec<Finding> {
        let findings = self.endpoint.examine().await;
        if !findings.is_empty() {
            return findings;
        }
        let trouble = match ask(&self.endpoint).await {
            Err(why) => Some(why),
            // The pointer leads somewhere else for every secret, and no secret is known here: the document must do.
            Ok(answer) => match &self.place {
                Place::Pointer(_) => match answer.text().await {
                    Ok(body) => text::document(&body).err(),
                    Err(why) => Some(why),
                },
                Place::Header(name) => unclear(header(&answer, name)),
                Place::Text => match answer.text().await {
                    Ok(body) => unclear(text::lines(&body)),
                    Err(why) => Some(why),
                },
            },
        };
        let finding = trouble.map(|why| {
            Finding::warning(
                format!("the evidence at {} cannot be seen: it {why}", self.endpoint.address),
                "look at what the consumer answers there; until it shows a fingerprint, no rotation is adopted",
            )
        });
        finding.into_iter().collect()
    }
}

/// An answer of 200, or why there is none; the engine looks again later in any case.
pub(super) async fn ask(endpoint: &Endpoint) -> Result<Answer, String> {
    let call = Call {
        operation: "look for evidence",
        method: Method::GET,
        headers: Vec::new(),
        body: None,
        limit: std::time::Duration::MAX,
    };
    match endpoint.call(call).await {
        Ok(answer) if answer.status.is_success() => Ok(answer),
        Ok(answer) => Err(format!("answered {}", answer.status.as_u16())),
        Err(error) => Err(format!("could not be asked: {}", error.message)),
    }
}

fn header(answer: &Answer, name: &HeaderName) -> Sight {
    // Not `Nothing`: a gateway that answers for the consumer leaves the header out as well.
    let Some(value) = answer.header(name) else {
        return Sight::Unclear(format!("has no header {name}"));
    };
    let fingerprints: Result<Vec<Fingerprint>, _> =
        value.split(',').map(|part| part.trim().parse()).collect();
    fingerprints.map_or_else(
        |_| {
            Sight::Unclear(format!(
                "has something in the header {name} that is not a fingerprint (16 hex digits)"
            ))
        },
        Sight::of,
    )
}

fn unclear(sight: Sight) -> Option<String> {
    match sight {
        Sight::Unclear(why) => Some(why),
        Sight::Shown { .. } | Sight::Nothing(_) => None,
    }
}
