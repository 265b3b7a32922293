//! The audit's file: where it ends, whether that is where the journal says, and appending to it.
//!
//! It reads and writes on the thread of its caller, for as long as one look at the end of a file and one fsync take. On
//! a thread of its own it would finish at a time of its own, and no simulated run would be the same twice.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use keywheel_core::{Effect, Error, ErrorKind, Result};

use super::{
    digest::Digest,
    head::{self, Head},
    line::{AuditLine, Link, Unusable},
    lock::Lock,
    seal::Seal,
};

/// How much is read at a time when looking for the beginning of the last line.
const BLOCK: u64 = 16 * 1024;

/// The last line, as the next one needs it.
#[derive(Clone, Copy, Debug)]
struct Tip {
    line: u64,
    mac: Digest,
    /// What the next line's `prev` is.
    hash: Digest,
    seq: u64,
    /// Where the next line begins.
    bytes: u64,
}

/// The file, opened at its end under the lock.
#[derive(Debug)]
pub(super) struct Trail {
    path: PathBuf,
    /// `None` until there is a first line.
    file: Option<File>,
    tip: Tip,
    _lock: Lock,
}

impl Trail {
    /// Opens the audit at `path` and checks its end against `noted`. Lines after the noted one were written by a process
    /// that died before it could note them: they must be signed and follow each other. A torn line at the end is cut
    /// off.
    ///
    /// Reads the noted line and what follows; nothing of what is before.
    ///
    /// # Errors
    /// `Corrupt` when the file is not the one that the journal knows, `Unsupported` when a newer keywheel wrote it; it is
    /// as it was then.
    pub(super) fn open(path: &Path, lock: Lock, seal: &Seal, noted: &Head) -> Result<Self> {
        let failed =
            |error| Error::from_io("open audit", Effect::NotApplied, error).with("path", path.display());
        let mut tip = Tip { line: 0, mac: Digest::ZERO, hash: Digest::ZERO, seq: 0, bytes: 0 };
        let file = match OpenOptions::new().read(true).append(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if noted.line > 0 {
                    return Err(disagrees(
                        path,
                        &format!("there is no file, the journal knows line {}", noted.line),
                    ));
                }
                return Ok(Self { path: path.to_owned(), file: None, tip, _lock: lock });
            }
            Err(error) => return Err(failed(error)),
        };
        let len = file.metadata().map_err(failed)?.len();
        if noted.line > 0 {
            let text = line_before(&file, noted.bytes.min(len)).map_err(failed)?;
            tip = noted_tip(&text, seal, noted, len)?.ok_or_else(|| {
                let last = last_number(&file, len);
                disagrees(path, &format!("it ends at {last}, the journal knows line {}", noted.line))
            })?;
        }
        (&file).seek(SeekFrom::Start(tip.bytes)).map_err(failed)?;
        let mut reader = BufReader::new(&file);
        let mut text = Vec::new();
        loop {
            text.clear();
            reader.read_until(b'\n', &mut text).map_err(failed)?;
            // Without its newline the line is torn: its writer died, and its record is in the journal.
            if text.pop().is_none_or(|last| last != b'\n') {
                break;
            }
            let Some(next) = following(&text, seal, &tip)? else {
                return Err(disagrees(
                    path,
                    &format!(
                        "what stands after line {} is not signed or does not follow it, and the journal knows line {}",
                        tip.line, noted.line
                    ),
                ));
            };
            tip = next;
        }
        if tip.bytes < len {
            tracing::warn!(path = %path.display(), after_line = tip.line, "a torn line is cut off the audit");
            file.set_len(tip.bytes).and_then(|()| file.sync_all()).map_err(failed)?;
        }
        Ok(Self { path: path.to_owned(), file: Some(file), tip, _lock: lock })
    }

    /// The newest record that a line in the file tells of.
    pub(super) fn seq(&self) -> u64 {
        self.tip.seq
    }

    /// The head of the file, when every record up to `seq` has been looked at.
    pub(super) fn head(&self, seq: u64) -> Head {
        Head { line: self.tip.line, line_mac: self.tip.mac, seq, bytes: self.tip.bytes }
    }

    /// Gives `lines` their numbers, links and signatures, and writes them durably.
    ///
    /// # Errors
    /// When they cannot be written; whatever part of them is in the file is found and kept, or cut off, next time.
    pub(super) fn append(&mut self, seal: &Seal, lines: Vec<AuditLine>) -> Result<()> {
        let mut text = Vec::with_capacity(lines.len() * 640);
        let mut tip = self.tip;
        for mut line in lines {
            line.n = tip.line + 1;
            line.prev = tip.hash;
            let start = text.len();
            let mac = seal
                .close(&line, &mut text)
                .map_err(|error| Error::not_applied(ErrorKind::Internal, "write audit", error.to_string()))?;
            tip.hash = Digest::of(&text[start..]);
            text.push(b'\n');
            tip = Tip { line: line.n, mac, seq: line.seq, bytes: self.tip.bytes + text.len() as u64, ..tip };
        }
        self.write(&text).map_err(|error| {
            Error::from_io("write audit", Effect::MaybeApplied, error).with("path", self.path.display())
        })?;
        self.tip = tip;
        Ok(())
    }

    fn write(&mut self, text: &[u8]) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(create(&self.path)?),
        };
        let written = file.write_all(text).and_then(|()| file.sync_data());
        if written.is_err() {
            // After a failed fsync the kernel may count the lost pages as written. Cut off, they are written again.
            let _ = file.set_len(self.tip.bytes);
        }
        written
    }
}

fn create(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(path)?;
    // The name must survive a crash of the machine as the lines do.
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(file)
}

/// The tip at the noted line; `None` when `text` is not that line.
fn noted_tip(text: &[u8], seal: &Seal, noted: &Head, len: u64) -> Result<Option<Tip>> {
    let Some((b'\n', text)) = text.split_last() else { return Ok(None) };
    if noted.bytes > len || seal.open(text).ok() != Some(noted.line_mac) {
        return Ok(None);
    }
    Ok(link(text)?.map(|link| Tip {
        line: link.n,
        mac: noted.line_mac,
        hash: Digest::of(text),
        seq: link.seq,
        bytes: noted.bytes,
    }))
}

/// The tip at the line `text`, if it was signed to follow `tip`.
fn following(text: &[u8], seal: &Seal, tip: &Tip) -> Result<Option<Tip>> {
    let Ok(mac) = seal.open(text) else { return Ok(None) };
    Ok(link(text)?.filter(|link| link.n == tip.line + 1 && link.prev == tip.hash).map(|link| Tip {
        line: link.n,
        mac,
        hash: Digest::of(text),
        seq: link.seq,
        bytes: tip.bytes + text.len() as u64 + 1,
    }))
}

/// The link of a signed line; an error when a newer keywheel signed it.
fn link(text: &[u8]) -> Result<Option<Link>> {
    match Link::of(text) {
        Ok(link) => Ok(Some(link)),
        Err(Unusable::Newer(format)) => Err(head::newer(format)),
        Err(Unusable::Foreign) => Ok(None),
    }
}

/// The line that ends at `end`, with its newline if it has one.
fn line_before(mut file: &File, end: u64) -> std::io::Result<Vec<u8>> {
    let mut wanted = BLOCK;
    loop {
        let start = end.saturating_sub(wanted);
        file.seek(SeekFrom::Start(start))?;
        let mut text = Vec::new();
        file.take(end - start).read_to_end(&mut text)?;
        let before_newline = text.len().saturating_sub(1);
        let newline = text[..before_newline].iter().rposition(|byte| *byte == b'\n');
        match newline {
            Some(newline) => return Ok(text.split_off(newline + 1)),
            None if start == 0 => return Ok(text),
            None => wanted *= 4,
        }
    }
}

/// What the last whole line calls itself, for a message. It may be forged.
fn last_number(file: &File, len: u64) -> String {
    let number = || {
        let mut text = line_before(file, len).ok()?;
        if text.last() != Some(&b'\n') {
            text = line_before(file, len - text.len() as u64).ok()?;
        }
        Link::of(text.strip_suffix(b"\n")?).ok()
    };
    if len == 0 {
        return "line 0".to_owned();
    }
    number().map_or_else(|| "an unreadable line".to_owned(), |link| format!("line {}", link.n))
}

fn disagrees(path: &Path, how: &str) -> Error {
    Error::not_applied(
        ErrorKind::Corrupt,
        "open audit",
        format!(
            "the audit was cut short or edited: {how}; `keywheel audit verify` tells more. Nothing was written to it"
        ),
    )
    .with("path", path.display())
}
