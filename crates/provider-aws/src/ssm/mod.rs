//! SSM Parameter Store: <https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html>.
//!
//! A value is pending in a `SecureString` of its own, `/keywheel-pending/…`, put only if there is none: the one comparison that
//! the service makes for us. Promoting puts it into the real parameter, which overwrites whatever is there; the number of the
//! version says whether somebody was faster, and then theirs is put back. Labels say which version is which and who made it, and
//! move with each promotion, since a parameter whose oldest version has a label takes no hundred and first.

mod examine;
mod labels;
mod parameter;
mod pending;
mod picture;
mod promote;
mod requests;
mod retire;
mod secret;
mod stage;
mod store;

pub use secret::Tier;
pub(crate) use store::ParameterStore;
