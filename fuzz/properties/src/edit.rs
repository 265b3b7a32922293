//! Damage to a file, as six bytes of input each: libFuzzer changes them one by one, and a person can read them off.

/// One change. `op` says which, `at` where (taken modulo what there is), `arg` with what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edit {
    pub(crate) op: u8,
    pub(crate) at: usize,
    pub(crate) arg: usize,
}

/// More would only be slower: what ten changes hide, one of them shows.
const MOST: usize = 10;

/// Blocks that are copied or wiped: a disk's sector.
const SECTOR: usize = 512;

/// The edits that `input` spells; a rest of less than six bytes is nothing.
pub(crate) fn edits(input: &[u8]) -> impl Iterator<Item = Edit> {
    input.chunks_exact(6).take(MOST).map(|chunk| Edit {
        op: chunk[0],
        at: usize::from(chunk[1]) << 16 | usize::from(chunk[2]) << 8 | usize::from(chunk[3]),
        arg: usize::from(chunk[4]) << 8 | usize::from(chunk[5]),
    })
}

impl Edit {
    /// Makes the change to `bytes`; operations beyond these eight are the caller's.
    pub(crate) fn apply(self, bytes: &mut Vec<u8>) {
        let Some(at) = self.at.checked_rem(bytes.len()) else { return };
        let low = self.arg.to_le_bytes()[0];
        let sector = at..bytes.len().min(at + SECTOR);
        match self.op % 8 {
            0 => bytes[at] ^= low.max(1),
            1 => bytes[at] = low,
            // Most of a database is nothing at all: this one always hits something.
            2 => {
                let written = bytes.iter().filter(|byte| **byte != 0).count();
                let nth = self.at.checked_rem(written).unwrap_or(0);
                if let Some(byte) = bytes.iter_mut().filter(|byte| **byte != 0).nth(nth) {
                    *byte ^= low.max(1);
                }
            }
            3 => bytes[sector].fill(low),
            4 => bytes.truncate(at),
            5 => drop(bytes.drain(at..bytes.len().min(at + 1 + self.arg % 1024))),
            6 => drop(bytes.splice(at..at, std::iter::repeat_n(low, 1 + self.arg / 256))),
            _ => {
                let from = (self.arg * SECTOR).min(bytes.len().saturating_sub(sector.len()));
                bytes.copy_within(from..from + sector.len(), at);
            }
        }
    }
}
