//! A rotation function for AWS Secrets Manager: the four steps of its protocol, with keywheel's rotators for `PostgreSQL`,
//! `MySQL` and `MariaDB`.
//!
//! Secrets Manager begins a rotation: it labels a version without a value `AWSPENDING` and calls the function four times with
//! that version's id, the token. <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html>
//!
//! | step | does | when it comes again |
//! |---|---|---|
//! | `createSecret` | gives the version a document with a new password | finds the value, and leaves it |
//! | `setSecret` | has the database accept it | logs in with it, and is done |
//! | `testSecret` | logs in with it | the same |
//! | `finishSecret` | logs in with it, and moves `AWSCURRENT` | finds the label where it should be |
//!
//! [`RotationFunction`] is all of it without the runtime of Lambda, which is the binary's business. A reader begins there and
//! goes on with `stages` (may this step run at all?), `document`, `pair` (whose credential may it be?) and `steps`.

mod database;
mod document;
mod engine;
mod event;
mod function;
mod pair;
mod settings;
mod stages;
mod steps;

pub use event::{Event, Step};
pub use function::{Outcome, RotationFunction};
pub use settings::{Settings, Users};
