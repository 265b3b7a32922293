//! A file that holds the number of one process.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
};

use keywheel_core::ErrorKind;
use rustix::{fs::OFlags, process::Pid};

use super::{
    process::Process,
    recipient::{Recipient, number},
};
use crate::{inventory_path::InventoryPath, refusal::Refusal};

/// Enough for the longest pid file in use (`postmaster.pid`, eight lines).
const READ_BYTES: u64 = 4096;

/// How much younger than its pid file's last change a process may seem: the boot time is given in whole seconds, and
/// a clock corrected after the boot moves every start time with it.
const TOLERANCE_SECONDS: i64 = 10;

/// Takes hold of the process that the file names, after making sure that it is that one.
///
/// The number is the first line: digits only, not 0, 1, or this process. A process that started after the file was
/// last written is another one that got the same number; so is one that is not called `name`, where the operator gave
/// a name.
pub(super) fn holder(path: &InventoryPath, name: Option<&str>) -> Result<Recipient, Refusal> {
    let (text, written) = read(path).map_err(|error| unreadable(path, &error))?;
    let pid = parse(&text, path)?;
    let Some(recipient) = Recipient::open(pid)? else {
        return Err(Refusal::new(
            ErrorKind::NotFound,
            format!("pid file {path} names process {}, which is not running", number(pid)),
            "start the consumer; if it runs under another number, remove the file and restart it so that it writes a new one",
        ));
    };
    still_the_same(&recipient.process, path, written, name)?;
    Ok(recipient)
}

fn still_the_same(
    process: &Process,
    path: &InventoryPath,
    written: i64,
    name: Option<&str>,
) -> Result<(), Refusal> {
    let (pid, comm) = (number(process.pid), &process.comm);
    if let Some(name) = name.filter(|name| !process.may_be(name)) {
        return Err(Refusal::new(
            ErrorKind::NotFound,
            format!("pid file {path} names process {pid}, which is {comm} and not {name}"),
            "the file was left behind and the number went to another process: start the consumer, or correct `process`",
        ));
    }
    if process.started.is_some_and(|started| started > written + TOLERANCE_SECONDS) {
        return Err(Refusal::new(
            ErrorKind::NotFound,
            format!(
                "pid file {path} is older than process {pid} ({comm}), so it was written by another process"
            ),
            "start the consumer; if that is the consumer after all (the clock was set meanwhile), touch the file",
        ));
    }
    Ok(())
}

fn read(path: &InventoryPath) -> io::Result<(String, i64)> {
    // Non-blocking: a named pipe in this place would hold the rotation up for ever.
    let file: File = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path.resolved())?;
    let written = file.metadata()?.mtime();
    let mut bytes = Vec::new();
    file.take(READ_BYTES).read_to_end(&mut bytes)?;
    Ok((String::from_utf8_lossy(&bytes).into_owned(), written))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the kinds of I/O errors are open-ended")]
fn unreadable(path: &InventoryPath, error: &io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::NotFound => Refusal::new(
            ErrorKind::NotFound,
            format!("pid file {path} does not exist"),
            "start the consumer; if it runs, let `pid-file` name the file that it writes",
        ),
        io::ErrorKind::PermissionDenied => Refusal::new(
            ErrorKind::PermissionDenied,
            format!("pid file {path} cannot be read"),
            "give keywheel's user the right to read it and to enter its directory",
        ),
        _ => Refusal::new(
            ErrorKind::InvalidConfig,
            format!("pid file {path} cannot be read: {error}"),
            "let `pid-file` name a file that holds a process's number",
        ),
    }
}

/// The number in the first line. Never repeats what the file holds: the setting may name the wrong file.
fn parse(text: &str, path: &InventoryPath) -> Result<Pid, Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::new(
            ErrorKind::Unavailable,
            format!("pid file {path} is empty"),
            "wait until the consumer has started and written its number",
        ));
    }
    let line = text.lines().next().unwrap_or_default().trim();
    let digits = line.bytes().all(|byte| byte.is_ascii_digit()) && !line.starts_with('0');
    let pid = Some(line).filter(|_| digits).and_then(|line| line.parse().ok()).and_then(Pid::from_raw);
    let Some(pid) = pid else {
        return Err(Refusal::new(
            ErrorKind::InvalidConfig,
            format!("pid file {path} does not begin with the number of a process"),
            "its first line must be a decimal number greater than 1",
        ));
    };
    if pid == Pid::INIT || pid == rustix::process::getpid() {
        return Err(Refusal::new(
            ErrorKind::InvalidConfig,
            format!("pid file {path} names process {}, which keywheel does not signal", number(pid)),
            "process 1 and keywheel itself are never the consumer: let `pid-file` name the consumer's own file",
        ));
    }
    Ok(pid)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("4242", Ok(4242))]
    #[case::with_newline("4242\n", Ok(4242))]
    #[case::padded("  4242 \r\n", Ok(4242))]
    #[case::first_of_many("4242\n/var/lib/postgresql\n5432\n", Ok(4242))]
    #[case::empty("", Err(ErrorKind::Unavailable))]
    #[case::blank(" \n", Err(ErrorKind::Unavailable))]
    #[case::zero("0\n", Err(ErrorKind::InvalidConfig))]
    #[case::init("1\n", Err(ErrorKind::InvalidConfig))]
    #[case::negative("-4242\n", Err(ErrorKind::InvalidConfig))]
    #[case::signed("+4242\n", Err(ErrorKind::InvalidConfig))]
    #[case::octal("0042\n", Err(ErrorKind::InvalidConfig))]
    #[case::hexadecimal("0x42\n", Err(ErrorKind::InvalidConfig))]
    #[case::two_numbers("4242 4243\n", Err(ErrorKind::InvalidConfig))]
    #[case::too_large("4294967296\n", Err(ErrorKind::InvalidConfig))]
    #[case::blank_first_line("\n4242\n", Err(ErrorKind::InvalidConfig))]
    #[case::other_digits("\u{664}\u{662}\n", Err(ErrorKind::InvalidConfig))]
    fn only_a_decimal_number_is_a_process(#[case] text: &str, #[case] expected: Result<i32, ErrorKind>) {
        let path = InventoryPath::new(Path::new("/run"), "web.pid");
        assert_eq!(parse(text, &path).map(number).map_err(|refusal| refusal.kind), expected);
    }

    #[test]
    fn this_process_is_refused() {
        let path = InventoryPath::new(Path::new("/run"), "web.pid");
        let refusal = parse(&std::process::id().to_string(), &path).unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::InvalidConfig);
    }

    #[test]
    fn a_refusal_does_not_repeat_what_the_file_holds() {
        let path = InventoryPath::new(Path::new("/run"), "web.pid");
        let refusal = parse("hunter2-hunter2", &path).unwrap_err();
        assert!(!format!("{refusal:?}").contains("hunter2"));
    }
}
