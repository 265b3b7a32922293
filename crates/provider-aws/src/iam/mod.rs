//! Access keys of an IAM user: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html>.
//!
//! A user has two at most, so a new one is made only beside one other, and the old one is ended before the next. Keys carry no
//! tags and the request that makes one takes no token. So the user has a tag that says which keys are known and for which
//! rotation the next is being made: a key that appears beside them at that time and was never used is that rotation's, even if
//! the answer that had its value was lost.
//!
//! IAM is eventually consistent: a new key is waited for, and so is the end of an old one.

mod examine;
mod keys;
mod login;
mod mint;
mod record;
mod revoke;
mod rotator;
mod target;

pub(crate) use target::IamUser;
