//! Where the stream key comes from: a file, or the environment. Never an argument.

use std::path::Path;

use units::Secret;

use crate::outcome::Failure;

/// The environment variable that may hold the key.
pub(crate) const VARIABLE: &str = "GENLOCK_STREAM_KEY";

/// Longest key that is read from a file, in bytes; the service's own are below 200, multitrack ones below 4096.
const MAX_KEY_BYTES: u64 = 16 * 1024;

/// The key from `file`, else from the environment; `None` when there is neither.
///
/// # Errors
/// A file that cannot be read, is too long, or holds no key. The content is never repeated.
pub(crate) fn find(file: Option<&Path>) -> Result<Option<Secret>, Failure> {
    let text = match file {
        Some(path) => Some(read(path)?),
        None => std::env::var(VARIABLE).ok(),
    };
    let Some(text) = text else { return Ok(None) };
    let key = text.trim();
    if key.is_empty() || key.contains(char::is_whitespace) || key.contains(char::is_control) {
        let place = file.map_or_else(|| VARIABLE.to_owned(), |path| format!("the file {}", path.display()));
        return Err(Failure::usage(
            "key.unreadable",
            format!("There is no stream key in {place}: it must be one word on one line."),
            "Copy the key from the channel's page again.",
        ));
    }
    Ok(Some(Secret::new(key)))
}

/// The passphrase of SRT from `file`, when one is named.
///
/// # Errors
/// As [`find`].
pub(crate) fn read_passphrase(file: Option<&Path>) -> Result<Option<Secret>, Failure> {
    let Some(path) = file else { return Ok(None) };
    let text = read(path)?;
    let passphrase = text.trim_end_matches(['\r', '\n']);
    if passphrase.is_empty() || passphrase.contains(char::is_control) {
        return Err(Failure::usage(
            "passphrase.unreadable",
            format!("There is no passphrase in the file {}: it must be one line.", path.display()),
            "Copy the passphrase from the channel's page again.",
        ));
    }
    Ok(Some(Secret::new(passphrase)))
}

fn read(path: &Path) -> Result<String, Failure> {
    let failed = |why: String| {
        Failure::usage(
            "key.file",
            format!("The key file {} could not be read: {why}.", path.display()),
            "Check the path and who may read it.",
        )
    };
    let length = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if length > MAX_KEY_BYTES {
        return Err(failed(format!("it is {length} bytes long, which no stream key is")));
    }
    std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_word_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "  sk_us-west-2_abcd \n").unwrap();
        assert_eq!(find(Some(&file)).unwrap(), Some(Secret::new("sk_us-west-2_abcd")));
        for wrong in ["", "\n", "two words", "a\u{7}b"] {
            std::fs::write(&file, wrong).unwrap();
            let failure = find(Some(&file)).unwrap_err();
            assert_eq!(failure.exit, crate::outcome::Exit::Usage, "{wrong:?}");
            assert!(!failure.to_string().contains("two words"));
        }
        assert!(find(Some(&folder.path().join("missing"))).is_err());
    }
}
