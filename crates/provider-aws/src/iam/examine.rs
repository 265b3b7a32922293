//! What would keep a rotation from working.

use keywheel_core::{ErrorKind, provider::Finding};

use super::rotator::AccessKeys;
use crate::{doctor, failure::Failure};

/// The id of no key: what is asked about it changes nothing.
const NOBODY: &str = "AKIAKEYWHEELDOCTOR00";

impl AccessKeys {
    pub(super) async fn findings(&self) -> Vec<Finding> {
        let call = self.call("examine", None);
        let client = match self.iam(call.operation).await {
            Ok(client) => client,
            Err(error) => return vec![doctor::no_region(&error)],
        };
        let user = &*self.user;
        let mut findings = Vec::new();
        for (right, outcome) in [
            ("iam:ListAccessKeys", {
                let request = client.list_access_keys().user_name(user);
                call.look(Box::pin(request.send())).await.map(|_| ())
            }),
            ("iam:ListUserTags", {
                let request = client.list_user_tags().user_name(user);
                call.look(Box::pin(request.send())).await.map(|_| ())
            }),
            ("iam:UpdateAccessKey", {
                let request = client.update_access_key().user_name(user).access_key_id(NOBODY);
                let request = request.status(aws_sdk_iam::types::StatusType::Inactive);
                absent(call.look(Box::pin(request.send())).await.map(|_| ()))
            }),
            ("iam:DeleteAccessKey", {
                let request = client.delete_access_key().user_name(user).access_key_id(NOBODY);
                absent(call.look(Box::pin(request.send())).await.map(|_| ()))
            }),
        ] {
            let Err(failure) = outcome else { continue };
            let is_right = failure.error.kind == ErrorKind::PermissionDenied;
            let resource = format!("arn:aws:iam::*:user/{user}");
            findings.push(doctor::finding(&failure, right, &resource));
            // Whatever else is wrong is wrong for the next one, too.
            if !is_right {
                return findings;
            }
        }
        if let Err(failure) = self.reach_sts(&call).await {
            findings.push(doctor::finding(&failure, "sts:GetCallerIdentity", "*"));
        }
        if !findings.is_empty() {
            return findings;
        }
        match self.keys_and_record(&call).await {
            Ok(keys) if keys.all.len() > 1 => {
                for key in &keys.all {
                    if keys.record.keys.get(&key.id).copied().flatten().is_some() {
                        continue;
                    }
                    let key = self.describe(&call, key, &keys.record).await;
                    let message = format!("the user {user} has two access keys, and one is {key}");
                    let hint = "a rotation makes a second key, and IAM allows no third: delete the one that nobody needs";
                    findings.push(Finding::warning(message, hint));
                }
            }
            Ok(_) => {}
            Err(error) => findings.push(Finding::error(error.to_string(), "run `doctor` again")),
        }
        findings
    }
}

/// That there is no such key is the answer of whoever may ask.
fn absent(outcome: Result<(), Failure>) -> Result<(), Failure> {
    match outcome {
        Err(failure) if failure.is(&["NoSuchEntity"]) => Ok(()),
        outcome => outcome,
    }
}
