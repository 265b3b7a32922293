//! The file that keeps a version out of consumers' sight: one line of JSON that says whose it is, then the bytes.
//!
//! One file and not two, so that value and mark appear, and go, in one atomic step.

use jiff::Timestamp;
use keywheel_core::{
    Error, ErrorKind, Identity, Initiator, Result, RotationId, SecretValue,
    secret::{RotationMark, Stage},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What this version writes, and the highest that it reads.
const FORMAT: u32 = 1;

/// More than any header has; the size limit for the value is on top.
pub(crate) const HEADER_ROOM: u64 = 64 << 10;

/// A version that is kept aside.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) mark: RotationMark,
    pub(crate) identity: Option<Identity>,
    pub(crate) value: SecretValue,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    rotation: RotationId,
    started_at: Timestamp,
    initiator: Initiator,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<Identity>,
    stage: Stage,
    /// Of the value, in bytes: a file that a backup or a full disk cut short must not become `current`.
    length: u64,
}

/// The one field that every format has.
#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

/// The content of the file for `value` in `stage`.
pub(crate) fn encode(
    stage: Stage,
    mark: &RotationMark,
    identity: Option<&Identity>,
    value: &SecretValue,
) -> Result<Zeroizing<Vec<u8>>> {
    let header = Header {
        format: FORMAT,
        rotation: mark.rotation,
        started_at: mark.started_at,
        initiator: mark.initiator.clone(),
        identity: identity.cloned(),
        stage,
        length: value.len() as u64,
    };
    let header = serde_json::to_vec(&header)
        .map_err(|error| Error::not_applied(ErrorKind::Internal, "write header", error.to_string()))?;
    // The capacity is exact: a vector that grows leaves an unwiped copy behind.
    let mut content = Zeroizing::new(Vec::with_capacity(header.len() + 1 + value.len()));
    content.extend_from_slice(&header);
    content.push(b'\n');
    content.extend_from_slice(value.expose_secret());
    Ok(content)
}

/// Reads back what [`encode`] wrote for the same `stage`.
///
/// # Errors
/// `Corrupt` when it is anything else, `Unsupported` when a newer keywheel wrote it; never passed over, for the value
/// in it may be the only copy of what a target accepts.
pub(crate) fn decode(stage: Stage, content: &SecretValue) -> Result<Kept> {
    let content = content.expose_secret();
    let end =
        content.iter().position(|byte| *byte == b'\n').ok_or_else(|| corrupt("it has no header line"))?;
    let (line, value) = (&content[..end], &content[end + 1..]);
    // The parser's message may quote the file, and a torn file may begin with a value.
    let versioned: Versioned =
        serde_json::from_slice(line).map_err(|_| corrupt("its header is not readable"))?;
    if versioned.format > FORMAT {
        let message = format!(
            "the file has format {}, this keywheel reads up to {FORMAT}; use the newer one",
            versioned.format
        );
        return Err(Error::not_applied(ErrorKind::Unsupported, "read kept version", message));
    }
    let header: Header = serde_json::from_slice(line).map_err(|_| corrupt("its header is not complete"))?;
    if header.stage != stage {
        return Err(corrupt(&format!("it says that it is {}, and lies with what is {stage}", header.stage)));
    }
    if header.length != value.len() as u64 {
        return Err(corrupt(&format!("it holds {} bytes, its header says {}", value.len(), header.length)));
    }
    let mark = RotationMark {
        rotation: header.rotation,
        started_at: header.started_at,
        initiator: header.initiator,
    };
    Ok(Kept { mark, identity: header.identity, value: SecretValue::copy_from(value) })
}

fn corrupt(why: &str) -> Error {
    let message = format!(
        "the file is damaged: {why}; nothing was changed. If no rotation of this secret is under way, move the file away"
    );
    Error::not_applied(ErrorKind::Corrupt, "read kept version", message)
}
