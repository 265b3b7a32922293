//! Evidence in a file that the consumer writes.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use keywheel_core::{
    evidence::{Pointer, Sight, text},
    notifier::Notice,
    provider::Finding,
};
use rustix::fs::OFlags;
use tokio::task::spawn_blocking;

use crate::inventory_path::InventoryPath;

/// The largest file that is looked at.
const LARGEST_BYTES: u64 = 1024 * 1024;

/// A file in which the consumer writes the fingerprint that it uses, best by a rename.
///
/// Without a pointer every line that is a fingerprint counts: the first is in use, the others are accepted too. With
/// one, the node that it leads to is a fingerprint, an array of them (the first is in use), or an object
/// `{"current": …, "accepted": […]}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEvidence {
    path: InventoryPath,
    pointer: Option<Pointer>,
}

impl FileEvidence {
    /// Evidence in the file at `path`, in the node at `pointer` if there is one.
    pub fn new(path: InventoryPath, pointer: Option<Pointer>) -> Self {
        Self { path, pointer }
    }

    pub(super) fn place(&self) -> String {
        self.path.to_string()
    }

    pub(super) async fn look(&self, notice: &Notice) -> Sight {
        let pointer = self.pointer.as_ref().map(|pointer| pointer.for_secret(&notice.secret));
        self.read().await.map_or_else(Missing::into_sight, |text| match pointer {
            Some(pointer) => text::json(&text, &pointer),
            None => text::lines(&text),
        })
    }

    pub(super) async fn examine(&self) -> Vec<Finding> {
        let path = &self.path;
        let directory = path.resolved().parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        if !directory.is_dir() {
            return vec![Finding::error(
                format!("the directory of the evidence file {path} does not exist"),
                format!(
                    "create {}, writable for the consumer and readable for keywheel",
                    directory.display()
                ),
            )];
        }
        let problem = match self.read().await {
            Err(Missing::File) => {
                return vec![Finding::warning(
                    format!("the evidence file {path} does not exist yet"),
                    "the consumer must write the fingerprint in use there; until it does, no rotation is adopted",
                )];
            }
            Err(Missing::Content(why)) => {
                return vec![Finding::error(
                    format!("the evidence file {path} {why}"),
                    "let `evidence.file.path` name a small file that keywheel's user may read",
                )];
            }
            // The pointer leads somewhere else for every secret, and no secret is known here: the document must do.
            Ok(text) if self.pointer.is_some() => text::document(&text).err(),
            Ok(text) => match text::lines(&text) {
                Sight::Unclear(why) => Some(why),
                Sight::Shown { .. } | Sight::Nothing(_) => None,
            },
        };
        let finding = problem.map(|why| {
            Finding::warning(
                format!("the evidence file {path} {why}"),
                "look at what the consumer writes; it may be writing just now",
            )
        });
        finding.into_iter().collect()
    }

    async fn read(&self) -> Result<String, Missing> {
        let path = self.path.clone();
        let read = spawn_blocking(move || read_bounded(path.resolved())).await;
        read.unwrap_or_else(|_| Err(Missing::Content("could not be read: the task panicked".to_owned())))
    }
}

/// Why there is no text.
enum Missing {
    File,
    Content(String),
}

impl Missing {
    fn into_sight(self) -> Sight {
        match self {
            Self::File => Sight::Nothing("does not exist".to_owned()),
            Self::Content(why) => Sight::Unclear(why),
        }
    }
}

fn read_bounded(path: &Path) -> Result<String, Missing> {
    let unreadable = |error: io::Error| {
        if error.kind() == io::ErrorKind::NotFound {
            Missing::File
        } else {
            Missing::Content(format!("cannot be read: {error}"))
        }
    };
    // Non-blocking: a named pipe in this place would hold the look up for ever.
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(Missing::Content("is not a regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_BYTES {
        return Err(Missing::Content("is larger than 1 MiB".to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| Missing::Content("is not UTF-8".to_owned()))
}
