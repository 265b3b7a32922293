//! Where in a JSON document a consumer shows its versions.

use crate::id::SecretName;

/// What stands for the secret's name.
const PLACEHOLDER: &str = "{secret}";

/// An RFC 6901 pointer in which `{secret}` stands for the secret's name, so that one consumer can show several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer(String);

impl Pointer {
    /// Checks the form: empty (the whole document), or tokens that each begin with `/`, in which `~` is written `~0`
    /// and `/` is written `~1`: <https://www.rfc-editor.org/rfc/rfc6901#section-3>.
    ///
    /// # Errors
    /// What is wrong with it, for the operator.
    pub fn new(text: impl Into<String>) -> Result<Self, &'static str> {
        let text = text.into();
        if !text.is_empty() && !text.starts_with('/') {
            return Err("a JSON pointer begins with a slash");
        }
        if text.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1'])) {
            return Err("in a JSON pointer `~` is written ~0, and a slash within a name ~1");
        }
        Ok(Self(text))
    }

    /// The pointer for one secret, whose name is escaped.
    pub fn for_secret(&self, secret: &SecretName) -> String {
        self.0.replace(PLACEHOLDER, &secret.as_str().replace('~', "~0").replace('/', "~1"))
    }
}
