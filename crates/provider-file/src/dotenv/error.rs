//! Why a `.env` file cannot be read or edited; names and lines, never values.

use keywheel_core::{Error, ErrorKind};

/// What is wrong with a `.env` file, the variable asked for, or the value to put there. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DotenvError {
    /// A quoted value runs to the end of the file.
    #[error("line {line}: the quote that opens here never closes; close it by hand")]
    Unterminated {
        /// Where the assignment begins.
        line: usize,
    },
    /// The variable that is to change is defined twice.
    #[error("{name} is defined on line {first} and again on line {second}; remove one of them")]
    Duplicate {
        /// The variable.
        name: String,
        /// The line of its first definition.
        first: usize,
        /// The line of its second definition.
        second: usize,
    },
    /// Programs that read `.env` files do not agree on what this value is.
    #[error(
        "line {line}: {what}, which programs that read .env files understand differently; \
         write the value in single quotes"
    )]
    Ambiguous {
        /// Where the assignment begins.
        line: usize,
        /// The construct, as `an unquoted backslash`.
        what: &'static str,
    },
    /// Some readers skip it and see an assignment, others see none.
    #[error(
        "line {line}: white space beside the name that is neither a blank nor a tab, which programs that read .env files \
         understand differently; write a blank in its place"
    )]
    OddSpace {
        /// Where the assignment begins.
        line: usize,
    },
    /// Not a name that every reader accepts.
    #[error("{name:?} is not a variable name: a letter or _ first, then letters, digits, _ and .")]
    InvalidName {
        /// What was asked for.
        name: String,
    },
    /// No spelling of this value is read back equally by every reader.
    #[error("a .env file cannot hold {what}; keep this secret in a file of its own")]
    Unrepresentable {
        /// What the value contains, as `a NUL byte`.
        what: &'static str,
    },
}

impl DotenvError {
    /// The same as a provider's error. Nothing was written: these are found before anything is.
    pub fn into_error(self, operation: &'static str) -> Error {
        let kind = match self {
            Self::Unterminated { .. } => ErrorKind::Corrupt,
            Self::Duplicate { .. }
            | Self::Ambiguous { .. }
            | Self::OddSpace { .. }
            | Self::InvalidName { .. } => ErrorKind::InvalidConfig,
            Self::Unrepresentable { .. } => ErrorKind::InvalidValue,
        };
        Error::not_applied(kind, operation, self.to_string())
    }
}
