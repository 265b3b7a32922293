//! `aws-access-keys`: a user whose access keys are rotated.

use std::sync::Arc;

use jiff::SignedDuration;
use keywheel_core::{
    Identity,
    provider::{Connection, Target},
    rotator::{Rotator, Strategy},
};

use super::rotator::{AccessKeys, Handle};
use crate::access::Access;

/// A declared rotator of kind `aws-access-keys`.
pub(crate) struct IamUser(Arc<AccessKeys>);

impl IamUser {
    pub(crate) fn new(
        access: Access,
        user: &str,
        sts_endpoint: Option<String>,
        unused_for: Option<SignedDuration>,
    ) -> Self {
        Self(Arc::new(AccessKeys::new(access, user.into(), sts_endpoint, unused_for)))
    }
}

impl Target for IamUser {
    fn describe(&self) -> String {
        format!("access keys of the IAM user {}, asked from {}", self.0.user, self.0.access.describe())
    }

    fn strategy(&self) -> Strategy {
        Strategy::Minted
    }

    /// What makes `layout: document` possible: consumers get a key's id and its secret in one piece.
    fn connection(&self) -> Option<Connection> {
        Some(Connection { engine: "aws", host: "iam.amazonaws.com".to_owned(), port: 443, database: None })
    }

    /// `identity` is a key's id, and keys come and go: the user is named in the settings.
    fn rotator(&self, _identity: Option<&Identity>) -> Arc<dyn Rotator> {
        Arc::new(Handle(Arc::clone(&self.0)))
    }
}
