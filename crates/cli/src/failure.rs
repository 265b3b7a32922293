//! What is told when a command fails: what failed, what state everything is in now, what to type next.

use keywheel::{
    core::{Effect, Error, ErrorKind, yaml::Diagnostics},
    engine::Refused,
    open::LoadError,
};
use serde::Serialize;

use crate::{
    args::Output,
    exit::{self, Exit},
    look,
};

/// A command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    what: String,
    state: Option<&'static str>,
    next: Vec<String>,
    mistakes: Option<Box<Diagnostics>>,
}

const NOTHING_CHANGED: &str = "nothing was changed";

impl Failure {
    /// `what` failed, before anything was changed.
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), state: Some(NOTHING_CHANGED), next: Vec::new(), mistakes: None }
    }

    /// The command line asks for something that cannot be.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self { state: None, ..Self::new(exit::USAGE, what) }
    }

    /// Journal, keys or audit failed.
    pub(crate) fn state(error: &Error) -> Self {
        Self::of(error, if error.kind == ErrorKind::Internal { exit::BUG } else { exit::STATE })
    }

    /// Something failed that a provider, the journal or the file system did.
    pub(crate) fn of(error: &Error, exit: Exit) -> Self {
        let state = match error.effect {
            Effect::NotApplied => NOTHING_CHANGED,
            Effect::MaybeApplied => "it may have happened all the same; the journal says how far it came",
        };
        Self { state: Some(state), ..Self::new(exit, error.to_string()) }.maybe_next(advice(error))
    }

    /// What failed.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// What to do next, the first of it.
    pub(crate) fn advice(&self) -> Option<&str> {
        self.next.first().map(String::as_str)
    }

    /// Adds what to do next.
    #[must_use]
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next.push(next.into());
        self
    }

    fn maybe_next(self, next: Option<&str>) -> Self {
        match next {
            Some(next) => self.next(next),
            None => self,
        }
    }

    /// Leaves out what state everything is in: the words say it already.
    #[must_use]
    pub(crate) fn without_state(mut self) -> Self {
        self.state = None;
        self
    }

    /// Writes it to stderr, as the user asked for output.
    pub(crate) fn render(&self, output: Output) {
        match output {
            Output::Text => look::tell(&self.in_words()),
            Output::Json => look::tell(&look::one_line(&self.document())),
        }
    }

    fn in_words(&self) -> String {
        let mut text = String::new();
        if let Some(mistakes) = &self.mistakes {
            text.push_str(&mistakes.render(look::diagnostics_style()));
        }
        let mut lines = vec![("error", self.what.clone())];
        lines.extend(self.state.map(|state| ("state", state.to_owned())));
        lines.extend(self.next.iter().map(|next| ("next", next.clone())));
        text.push_str(&look::labelled(&lines, 0));
        text
    }

    fn document(&self) -> Document<'_> {
        Document {
            error: Inner {
                exit_code: self.exit.code(),
                what: &self.what,
                state: self.state,
                next: &self.next,
                mistakes: self.mistakes.as_deref(),
            },
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    error: Inner<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Inner<'a> {
    exit_code: u8,
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    next: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    mistakes: Option<&'a Diagnostics>,
}

/// What usually helps; `None` where the message itself says it.
fn advice(error: &Error) -> Option<&'static str> {
    match error.kind {
        ErrorKind::PermissionDenied => {
            Some("run it as the user who owns these files; `keywheel doctor` checks the rest")
        }
        ErrorKind::NotFound => Some("`keywheel check` finds names and paths that do not exist"),
        ErrorKind::Conflict => Some("look with `keywheel status`, then try again"),
        ErrorKind::Unauthenticated => {
            Some("renew the credential that keywheel itself uses; `keywheel doctor` tells which")
        }
        ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::TimedOut => {
            Some("try again in a while; `keywheel doctor` tells what does not answer")
        }
        ErrorKind::InvalidConfig => Some("mend what it names, then `keywheel check`"),
        ErrorKind::Fenced => Some("`keywheel status` shows how far the other process is"),
        ErrorKind::Rejected | ErrorKind::DeadlinePassed => Some("`keywheel status` shows where it stands"),
        ErrorKind::Internal => Some("please report it with what you typed"),
        ErrorKind::Unsupported | ErrorKind::Corrupt | ErrorKind::InvalidValue => None,
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Unreadable(error) if error.kind == ErrorKind::NotFound => {
                let path = error.context.iter().find(|(key, _)| *key == "path");
                let name = path.map_or("keywheel.yaml", |(_, path)| path);
                Self::new(exit::INVENTORY, format!("there is no inventory {name}"))
                    .without_state()
                    .next("`keywheel init` writes an inventory here; `--inventory FILE` uses one elsewhere")
            }
            LoadError::Unreadable(error) => Self::new(exit::INVENTORY, error.to_string()).without_state(),
            LoadError::Mistakes(mistakes) => {
                let what = match mistakes.len() {
                    1 => "the inventory has a mistake".to_owned(),
                    several => format!("the inventory has {several} mistakes"),
                };
                Self { mistakes: Some(mistakes), ..Self::new(exit::INVENTORY, what) }
            }
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let exit = if refused.kind.is_some() { exit::STATE } else { exit::NOT_DONE };
        Self::new(exit, refused.message)
    }
}
