//! Runs one case, and says what it could not show.

use std::{env, ffi::OsStr, fmt, fs::OpenOptions, io::Write, path::Path};

/// Names the file that lists what was skipped.
const LIST: &str = "KEYWHEEL_SKIPPED";

tokio::task_local! {
    /// The implementation and the case that run.
    static CASE: (&'static str, &'static str);
}

/// Runs one case over one fresh fixture, on a runtime of two threads, so that a reader and a writer really overlap. `of`
/// is the implementation, by its package and the path of its module, and the case.
pub fn run<F, M, C>(of: (&'static str, &'static str), make: impl FnOnce() -> M, case: impl FnOnce(F) -> C)
where
    M: Future<Output = F>,
    C: Future<Output = ()>,
{
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts")
        .block_on(CASE.scope(of, async { case(make().await).await }));
}

/// Says why a case, or a part of it, shows nothing for this implementation.
pub(super) fn skipped(missing: impl fmt::Display) {
    println!("skipped: {missing}");
    let (implementation, case) = CASE.get();
    note(env::var_os(LIST).as_deref(), &format!("{implementation} {case}: {missing}\n"));
}

/// Adds `line` to `list`, if there is one: in one write, since other cases and other processes add to it meanwhile.
fn note(list: Option<&OsStr>, line: &str) {
    let Some(list) = list else { return };
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(Path::new(list))
        .and_then(|mut list| list.write_all(line.as_bytes()))
        .expect("the list of what was skipped can be written");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_skipped_is_added_to_the_list() {
        let directory = tempfile::tempdir().expect("a directory");
        let list = directory.path().join("skipped");
        note(None, "nobody asked\n");
        note(Some(list.as_os_str()), "store::one c06: next\n");
        note(Some(list.as_os_str()), "store::two c17: a limit\n");
        let lines = std::fs::read_to_string(&list).expect("the list");
        assert_eq!(lines, "store::one c06: next\nstore::two c17: a limit\n");
    }

    #[test]
    fn a_case_knows_whose_and_which_it_is() {
        run(("store::one", "c06"), || async {}, |()| async { assert_eq!(CASE.get(), ("store::one", "c06")) });
    }
}
