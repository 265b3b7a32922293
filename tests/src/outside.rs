//! What somebody sees who only looks at files.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Every regular file below `directory`, sorted.
pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut left = vec![directory.to_path_buf()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => left.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                Ok(_) | Err(_) => {}
            }
        }
    }
    files.sort();
    files
}

/// The files below `directory` that hold `bytes` anywhere.
pub fn files_holding(directory: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| {
        fs::read(path).is_ok_and(|content| content.windows(bytes.len()).any(|window| window == bytes))
    };
    files_below(directory).into_iter().filter(holds).collect()
}

/// What lies below `.keywheel/pending`.
pub fn pending_files(directory: &Path) -> Vec<PathBuf> {
    files_below(&directory.join(".keywheel/pending"))
}

/// The values of the versions that no consumer sees, pending and previous: a line that says whose it is, then the bytes.
pub fn hidden_versions(directory: &Path) -> Vec<Vec<u8>> {
    let kept = directory.join(".keywheel");
    let mut files = files_below(&kept.join("pending"));
    files.extend(files_below(&kept.join("previous")));
    let value = |path: &PathBuf| {
        let content = fs::read(path).ok()?;
        let end = content.iter().position(|byte| *byte == b'\n')?;
        Some(content[end + 1..].to_vec())
    };
    files.iter().filter_map(value).collect()
}
