//! The repository's files.

use std::fs;
use std::path::{Path, PathBuf};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap().to_owned()
}

/// A file, or every file of a folder, by the path from the root.
pub(crate) fn files(path: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(&root().join(path), &mut files);
    assert!(!files.is_empty(), "{path} has no files");
    files
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
    } else {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), files);
        }
    }
}
