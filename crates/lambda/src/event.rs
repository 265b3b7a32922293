//! What Secrets Manager calls the function with.

use std::fmt;

use keywheel_core::{Error, ErrorKind, Result};
use serde_json::Value;

const READ: &str = "read event";

/// One step of one rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The secret's ARN, or its name.
    pub secret: String,
    /// The id of the version that is to become current.
    pub token: String,
    /// What is to be done.
    pub step: Step,
}

/// The steps, in the order in which they are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a new password, and put it into the pending version.
    Create,
    /// Have the database accept it.
    Set,
    /// See that it does.
    Test,
    /// Make the version current.
    Finish,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 4] = [Self::Create, Self::Set, Self::Test, Self::Finish];

    /// As Secrets Manager calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "createSecret",
            Self::Set => "setSecret",
            Self::Test => "testSecret",
            Self::Finish => "finishSecret",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Event {
    /// Reads the JSON that the function was invoked with. Fields that are not ours are left alone: `RotationToken` is one.
    ///
    /// # Errors
    /// `InvalidConfig` when it is not what Secrets Manager sends. The event is not quoted.
    pub fn read(event: &Value) -> Result<Self> {
        let text = |field: &str| -> Result<&str> {
            let found = event.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
            found.ok_or_else(|| {
                refused(format!(
                    "it has no text `{field}`: invoke the function with {{\"SecretId\": …, \"ClientRequestToken\": …, \"Step\": …}}, \
                     as Secrets Manager does"
                ))
            })
        };
        let written = text("Step")?;
        let step = Step::ALL.into_iter().find(|step| step.as_str() == written).ok_or_else(|| {
            refused("its `Step` is none of createSecret, setSecret, testSecret and finishSecret".to_owned())
        })?;
        Ok(Self { secret: text("SecretId")?.to_owned(), token: text("ClientRequestToken")?.to_owned(), step })
    }
}

fn refused(why: String) -> Error {
    Error::not_applied(ErrorKind::InvalidConfig, READ, why)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_secrets_manager_sends_is_read() {
        for step in Step::ALL {
            let event = json!({
                "SecretId": "arn:x", "ClientRequestToken": "t", "Step": step.as_str(), "RotationToken": "r"
            });
            let read = Event::read(&event).unwrap();
            assert_eq!(read, Event { secret: "arn:x".into(), token: "t".into(), step });
        }
    }

    #[rstest]
    #[case(json!({}), "`Step`")]
    #[case(json!([1]), "`Step`")]
    #[case(json!({"Step": "createSecret", "SecretId": "a"}), "`ClientRequestToken`")]
    #[case(json!({"Step": "createSecret", "SecretId": "", "ClientRequestToken": "t"}), "`SecretId`")]
    #[case(json!({"Step": 1, "SecretId": "a", "ClientRequestToken": "t"}), "`Step`")]
    #[case(json!({"Step": "hunter2", "SecretId": "a", "ClientRequestToken": "t"}), "none of createSecret")]
    fn what_it_does_not_send_is_refused_by_the_name_of_the_field(#[case] event: Value, #[case] says: &str) {
        let error = Event::read(&event).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidConfig);
        assert!(error.to_string().contains(says) && !error.to_string().contains("hunter2"), "{error}");
    }
}
