//! Names of recordings that every file system takes.

/// Longest stem in characters; with folder, number and endings it stays below what Windows takes.
const MAX_CHARS: usize = 120;

/// Names Windows keeps for devices, with any ending (Microsoft, "Naming Files, Paths, and Namespaces"; the last two are
/// the console's).
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
/// Names that are kept with a digit behind them.
const NUMBERED_DEVICES: [&str; 2] = ["COM", "LPT"];
/// The digits; those raised count too (same document).
const DEVICE_DIGITS: [&str; 12] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³"];

/// `name` as the stem of a file name: characters that Windows or Unix refuse become dashes, spaces and dots at the
/// ends go, and at most 120 characters stay. `Recording` when nothing is left.
pub fn file_stem(name: &str) -> String {
    let dashed: String = (name.chars())
        .map(|c| if c.is_control() || "<>:\"/\\|?*".contains(c) { '-' } else { c })
        .take(MAX_CHARS)
        .collect();
    let stem = dashed.trim_matches([' ', '.']).to_owned();
    let base: String = stem.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let numbered =
        |device: &&str| base.strip_prefix(device).is_some_and(|digit| DEVICE_DIGITS.contains(&digit));
    let device = DEVICES.contains(&base.as_str()) || NUMBERED_DEVICES.iter().any(numbered);
    match stem.is_empty() {
        true => "Recording".to_owned(),
        false if device => format!("_{stem}"),
        false => stem,
    }
}

/// The `attempt`-th name for a recording, from 1: `stem`, `stem (2)`, `stem (3)`.
pub(crate) fn numbered(stem: &str, attempt: u32) -> String {
    if attempt <= 1 { stem.to_owned() } else { format!("{stem} ({attempt})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_everywhere() {
        assert_eq!(file_stem("2026-11-21 20-14-05 My stream"), "2026-11-21 20-14-05 My stream");
        assert_eq!(file_stem("a/b\\c: \"what?\"\n"), "a-b-c- -what---");
        assert_eq!(file_stem(" ..  "), "Recording");
        assert_eq!(file_stem("../../etc/passwd"), "-..-etc-passwd");
        assert_eq!(file_stem("nul.txt"), "_nul.txt");
        assert_eq!(file_stem("COM7"), "_COM7");
        assert_eq!(file_stem("lpt³.mp4"), "_lpt³.mp4");
        assert_eq!(file_stem("con .x"), "_con .x");
        assert_eq!(file_stem("Coma"), "Coma");
        assert_eq!(file_stem("conout$"), "_conout$");
        // Windows takes endings of spaces and dots away, so that two names would be one.
        assert_eq!(file_stem("Take 1. . "), "Take 1");
        assert_eq!(file_stem("Comedy"), "Comedy");
        assert_eq!(file_stem(&"ü".repeat(500)).chars().count(), 120);
        assert_eq!(numbered("x", 1), "x");
        assert_eq!(numbered("x", 2), "x (2)");
    }
}
