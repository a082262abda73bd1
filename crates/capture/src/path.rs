//! Files that a scene names.

use std::path::{Path, PathBuf};

/// The file that `path` means: relative paths start at the collection's folder.
pub(crate) fn resolve(base: &Path, path: &str) -> PathBuf {
    let joined = base.join(path);
    // URIs need absolute paths; where even the present folder is unknown, the path fails later with its own name.
    std::path::absolute(&joined).unwrap_or(joined)
}

/// The file's name without its folder, as people call it.
pub(crate) fn short_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Whether there is such a file, or one sentence why it cannot be used.
pub(crate) fn check(file: &Path) -> Result<(), crate::Error> {
    match std::fs::metadata(file) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(crate::Error::File(format!("{} is not a file", file.display()))),
        Err(problem) => Err(crate::Error::File(format!("{}: {problem}", file.display()))),
    }
}
