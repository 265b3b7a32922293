//! How many versions a secret may get: AWS asks for no more than one in ten minutes, sustained. Versions without a label are
//! removed when there are more than a hundred, but none of the last day is:
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html>.

use aws_sdk_secretsmanager::types::SecretVersionsListEntry;
use jiff::{SignedDuration, Timestamp};
use keywheel_core::Result;

use super::{requests::NOT_FOUND, secret::AwsSecret};

/// What one may have of the last hour.
const HOURLY: usize = 6;

/// What the service keeps. All of them from one day leave no room.
const KEPT: usize = 100;

/// Two pages of the longest length are enough to know.
const PAGES: usize = 2;
const PAGE: i32 = 100;

impl AwsSecret {
    /// What is left of the budget, if that is little.
    pub(super) async fn budget(&self) -> Result<Vec<String>> {
        let now = self.shared.access.clock.now();
        let times = self.times_of_versions().await?;
        let younger =
            |than: SignedDuration| times.iter().filter(|at| now.duration_since(**at) < than).count();
        let (hour, day) = (younger(SignedDuration::from_hours(1)), younger(SignedDuration::from_hours(24)));
        let asks = "AWS asks for no more than one in ten minutes, sustained";
        Ok(if day >= KEPT {
            vec![format!(
                "the secret has {day} versions of the last 24 hours; the service removes none of these, keeps about {KEPT}, and \
                 refuses more: {asks}"
            )]
        } else if hour >= HOURLY {
            vec![format!("the secret got {hour} versions within the last hour: {asks}")]
        } else {
            Vec::new()
        })
    }

    async fn times_of_versions(&self) -> Result<Vec<Timestamp>> {
        let call = self.call("list versions", None);
        let client = self.shared.client(call.operation).await?;
        let mut times = Vec::new();
        let mut page = None;
        for _ in 0..PAGES {
            let request = client
                .list_secret_version_ids()
                .secret_id(&*self.name)
                .include_deprecated(true)
                .max_results(PAGE)
                .set_next_token(page);
            let listed = match call.look(Box::pin(request.send())).await {
                Err(failure) if failure.is(NOT_FOUND) => return Ok(times),
                listed => listed.map_err(|failure| self.about(failure.error))?,
            };
            times.extend(listed.versions().iter().filter_map(created));
            page = listed.next_token;
            if page.is_none() {
                break;
            }
        }
        Ok(times)
    }
}

fn created(version: &SecretVersionsListEntry) -> Option<Timestamp> {
    version.created_date().and_then(|at| Timestamp::from_second(at.secs()).ok())
}
