//! Checks the whole audit: every signature, every link, and the end against what the journal knows.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use keywheel_core::{Effect, Error, Result};

use super::{
    digest::Digest,
    head::Head,
    line::{AUDIT_FORMAT, Link, Unusable},
    seal::{Broken, Seal},
    verdict::{AuditVerdict, MOST_PROBLEMS, ProblemKind},
};

/// Reads the audit at `path` from the first line to the last and finds what was done to it since it was written.
/// Memory does not grow with the file.
///
/// `head` is what the journal knows; without it a file that was cut at the end of a line looks whole. A file that goes
/// on beyond the head is fine: its writer died before it could tell the journal. One cause makes one problem: a line
/// that was edited does not count again for the link of the next.
///
/// Nothing may write the file meanwhile, or its last line looks torn; [`Audit::verify`](super::Audit::verify) sees to
/// that. What no check of the file can find is in the table of [this module](super).
///
/// # Errors
/// When the file cannot be read. A missing file is an audit without lines.
pub fn verify(path: &Path, key: &[u8; 32], head: Option<Head>) -> Result<AuditVerdict> {
    let failed =
        |error| Error::from_io("verify audit", Effect::NotApplied, error).with("path", path.display());
    let mut check = Check::new(key, head);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(check.finish(false)),
        Err(error) => return Err(failed(error)),
    };
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let mut text = Vec::new();
    loop {
        text.clear();
        reader.read_until(b'\n', &mut text).map_err(failed)?;
        match text.pop() {
            None => return Ok(check.finish(false)),
            Some(b'\n') => {}
            Some(_) => return Ok(check.finish(true)),
        }
        if !check.line(&text) {
            return Ok(check.verdict);
        }
    }
}

/// Adds that the journal's note cannot be used, unless another key explains that too.
pub(super) fn damaged_note(verdict: &mut AuditVerdict, message: String) {
    if verdict.problems.iter().all(|problem| problem.kind != ProblemKind::WrongKey) {
        verdict.add(0, ProblemKind::DamagedNote, message);
    }
}

/// Lines in a row that nobody signed. Only the next signed line tells whether they stand in the place of others.
#[derive(Default)]
struct Unsigned {
    count: u64,
    /// The first of them; no more than could be reported.
    lines: Vec<(u64, &'static str)>,
}

/// Numbers that were passed over.
struct Gap {
    /// Where in the verdict it is reported.
    problem: usize,
    from: u64,
    to: u64,
    /// Those of them that stand later in the file.
    found: BTreeSet<u64>,
}

struct Check {
    seal: Seal,
    head: Option<Head>,
    verdict: AuditVerdict,
    /// The number and the hash of the signed line that goes furthest.
    last: (u64, Digest),
    unsigned: Unsigned,
    gaps: Vec<Gap>,
    any_signed: bool,
}

impl Check {
    fn new(key: &[u8; 32], head: Option<Head>) -> Self {
        Self {
            seal: Seal::new(key),
            head,
            verdict: AuditVerdict::default(),
            last: (0, Digest::ZERO),
            unsigned: Unsigned::default(),
            gaps: Vec::new(),
            any_signed: false,
        }
    }

    /// Takes in the next line; false when the rest cannot be judged.
    fn line(&mut self, text: &[u8]) -> bool {
        self.verdict.lines += 1;
        let at = self.verdict.lines;
        let mac = match self.seal.open(text) {
            Ok(mac) => mac,
            Err(broken) => {
                self.unsigned.count += 1;
                if self.unsigned.lines.len() < MOST_PROBLEMS {
                    self.unsigned.lines.push((at, in_words(broken)));
                }
                return true;
            }
        };
        match Link::of(text) {
            Ok(link) => self.signed(at, &link, mac, text),
            Err(Unusable::Foreign) => {
                self.verdict.add(at, ProblemKind::Forked, "this is signed, but it is no line of an audit");
            }
            Err(Unusable::Newer(format)) => {
                self.place_unsigned(None);
                self.close_gaps();
                self.verdict.add(
                    at,
                    ProblemKind::NewerFormat,
                    format!(
                        "the line is of format {format}, and this build knows formats up to {AUDIT_FORMAT}: what follows \
                         was not checked"
                    ),
                );
                return false;
            }
        }
        true
    }

    fn signed(&mut self, at: u64, link: &Link, mac: Digest, text: &[u8]) {
        self.any_signed = true;
        self.verdict.first_at.get_or_insert(link.at);
        if link.n <= self.last.0 {
            return self.out_of_place(at, link.n);
        }
        self.verdict.last_at = Some(link.at);
        let missing = link.n - self.last.0 - 1;
        let follows = link.prev == self.last.1;
        let unsigned = self.unsigned.count;
        self.place_unsigned(Some(missing));
        if missing == 0 && !follows {
            self.verdict.add(
                at,
                ProblemKind::Forked,
                format!("line {} is signed, but to follow another line than the one before it", link.n),
            );
        }
        if missing > 0 && unsigned == 0 {
            // The words come when the rest was read: the lines may stand there.
            if let Some(problem) = self.verdict.add(at, ProblemKind::Removed, "") {
                self.gaps.push(Gap {
                    problem,
                    from: self.last.0 + 1,
                    to: link.n - 1,
                    found: BTreeSet::new(),
                });
            }
        }
        if let Some(head) = self.head.filter(|head| head.line == link.n && head.line_mac != mac) {
            self.verdict.add(
                at,
                ProblemKind::Forked,
                format!("line {} is signed, but it is not the one that the journal knows", head.line),
            );
        }
        self.last = (link.n, Digest::of(text));
    }

    fn out_of_place(&mut self, at: u64, n: u64) {
        let gap = self.gaps.iter_mut().find(|gap| gap.from <= n && n <= gap.to);
        if !gap.is_some_and(|gap| gap.found.insert(n)) {
            self.verdict.add(at, ProblemKind::Repeated, format!("line {n} stands here once more"));
        }
    }

    /// Reports the unsigned lines at hand. `places` is how many signed lines are missing where they stand; `None` when
    /// nobody knows, so that each may be in the place of one.
    fn place_unsigned(&mut self, places: Option<u64>) {
        let Unsigned { count, lines } = std::mem::take(&mut self.unsigned);
        if count == 0 {
            return;
        }
        let first = lines[0].0;
        match places {
            Some(places) if places > 0 && places != count => {
                let message = format!(
                    "{count} unsigned lines from here on stand in the place of {places} that are missing"
                );
                self.verdict.add(first, ProblemKind::Edited, message);
            }
            Some(0) => self.each_unsigned(count, &lines, ProblemKind::Inserted, "the line was never written"),
            Some(_) => self.each_unsigned(count, &lines, ProblemKind::Edited, "the line was edited"),
            None => self.each_unsigned(count, &lines, ProblemKind::Edited, "the line was edited, or added"),
        }
    }

    fn each_unsigned(&mut self, count: u64, lines: &[(u64, &str)], kind: ProblemKind, what: &str) {
        for (line, why) in lines {
            self.verdict.add(*line, kind, format!("{what}: {why}"));
        }
        self.verdict.further_problems += count - lines.len() as u64;
    }

    /// The end of the file; `torn` when its last line has no newline.
    fn finish(mut self, torn: bool) -> AuditVerdict {
        let missing = self.head.map(|head| head.line.saturating_sub(self.last.0));
        let unsigned = self.unsigned.count;
        if unsigned > 1 && !self.any_signed {
            self.verdict.add(
                1,
                ProblemKind::WrongKey,
                format!(
                    "none of the {unsigned} lines is signed with this key: the key is another one, or the whole file was \
                     written anew"
                ),
            );
            return self.verdict;
        }
        self.verdict.head_checked = self.head.is_some();
        // Fewer unsigned lines than the journal misses: each is an edited one, and the end was cut off besides.
        self.place_unsigned(missing.map(|missing| missing.min(unsigned)));
        self.close_gaps();
        self.verdict.problems.sort_by_key(|problem| problem.line);
        let cut_off = missing.unwrap_or(0).saturating_sub(unsigned);
        let at = self.verdict.lines + 1;
        if let Some(head) = self.head.filter(|_| cut_off > 0) {
            let ends = head.line - cut_off;
            let within = if torn { ", the first of them in the middle" } else { "" };
            self.verdict.add(
                at,
                ProblemKind::CutShort,
                format!(
                    "the audit ends at line {ends}, the journal knows line {}: {cut_off} missing{within}",
                    head.line
                ),
            );
        } else if torn {
            self.verdict.add(
                at,
                ProblemKind::Torn,
                "the last line has no end. If a process died while it wrote, the next run writes the line anew",
            );
        }
        self.verdict
    }

    /// Says of every gap whether its lines were removed or moved.
    fn close_gaps(&mut self) {
        for gap in std::mem::take(&mut self.gaps) {
            let missing = gap.to - gap.from + 1 - gap.found.len() as u64;
            let problem = &mut self.verdict.problems[gap.problem];
            let lines = if gap.from == gap.to {
                format!("line {}", gap.from)
            } else {
                format!("lines {} to {}", gap.from, gap.to)
            };
            if missing == 0 {
                problem.kind = ProblemKind::Moved;
                problem.message = format!("{lines} should stand here, and came later in the file");
            } else {
                problem.message = format!("{lines} should stand here: {missing} missing");
            }
        }
    }
}

fn in_words(broken: Broken) -> &'static str {
    match broken {
        Broken::Shape => "it does not end in a signature",
        Broken::Signature => "its signature is of other text",
    }
}
