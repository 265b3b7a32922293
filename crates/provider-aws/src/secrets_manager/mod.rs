//! AWS Secrets Manager: <https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html>.
//!
//! A version's id is the rotation's, since that is the token that it is put with. `AWSPENDING` is attached in a request of its
//! own, which the service refuses while another version has the label; putting a version with it would take it from the other
//! one. Who staged a version, when and for whom stands in a further label of the version, beside the three of AWS.
//!
//! The first version of a secret is `AWSCURRENT` at once, whatever it is put with. So the first value is pending in a secret of
//! its own, `NAME.keywheel-pending`, which is deleted when it was promoted or dropped.

mod budget;
mod examine;
mod first;
mod picture;
mod promote;
mod requests;
mod retire;
mod rotated;
mod secret;
mod stage;
mod store;

pub use rotated::{RotatedSecret, RotatedSecrets, RotationLabels};
pub(crate) use store::SecretsManager;
