//! Recognising stream keys in text, so that no message ever repeats one.

/// Shortest last part of a key that is taken for one. The guide's example has 20 characters; shorter ones are
/// hidden too, but `sk_a_b` may be a file name.
const SHORTEST_KEY_TAIL: usize = 6;

/// Whether `text` as a whole has the form of a stream key.
///
/// `sk_<region>_<letters and digits>` is a channel's key (the guide, "Streaming with OBS Studio using RTMPS");
/// `v1_<hex>_...` is the one GetClientConfiguration answers with (multitrack integration guide, "Connect Using
/// Enhanced RTMP"). Query arguments behind a `?` are allowed.
pub fn is_key_shaped(text: &str) -> bool {
    let key = text.split_once('?').map_or(text, |(key, _)| key);
    if !key.bytes().all(is_key_byte) {
        return false;
    }
    if let Some(rest) = key.strip_prefix("sk_") {
        let Some((region, tail)) = rest.split_once('_') else {
            return false;
        };
        return !region.is_empty() && tail.len() >= SHORTEST_KEY_TAIL;
    }
    if let Some(rest) = key.strip_prefix("v1_") {
        let first = rest.split('_').next().unwrap_or_default();
        return first.len() >= 16 && first.bytes().all(|b| b.is_ascii_hexdigit());
    }
    false
}

/// `text` with every key-shaped word replaced by `•••`. For texts that others wrote, such as a server's status
/// description, before they are shown or logged.
pub fn redact(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii() && is_key_byte(c as u8)) {
        let (before, from_word) = rest.split_at(at);
        clean.push_str(before);
        let end =
            from_word.find(|c: char| !(c.is_ascii() && is_key_byte(c as u8))).unwrap_or(from_word.len());
        let (word, after) = from_word.split_at(end);
        clean.push_str(&redact_word(word));
        rest = after;
    }
    clean.push_str(rest);
    clean
}

/// A run of key characters may carry a prefix (`app_sk_us-west-2_…`): everything from the start of the key is hidden.
fn redact_word(word: &str) -> String {
    for (at, _) in word.match_indices("sk_").chain(word.match_indices("v1_")) {
        let (before, key) = word.split_at(at);
        if is_key_shaped(key) {
            return format!("{before}•••");
        }
    }
    String::from(word)
}

const fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn knows_the_two_forms() {
        assert!(is_key_shaped("sk_us-west-2_abcd1234efgh5678ijkl"));
        assert!(is_key_shaped("sk_us-west-2_abcd1234efgh5678ijkl?priority=3"));
        assert!(is_key_shaped("v1_5f2e593731dad88b6bdb03a3517d306ef88a73e2_65c5dc81_7b2276223a302c22"));
        for other in ["app", "sk_", "sk_us-west-2_", "v1_app", "risk_assessment_document", "rtmps://h/app"] {
            assert!(!is_key_shaped(other), "{other}");
        }
    }

    #[test]
    fn hides_keys_inside_sentences() {
        let said = "publish of app/sk_us-west-2_abcd1234efgh5678ijkl?priority=1 refused";
        assert_eq!(redact(said), "publish of app/•••?priority=1 refused");
        assert_eq!(redact("nothing to hide, Grüße"), "nothing to hide, Grüße");
        assert_eq!(redact("x_sk_us-west-2_abcd1234efgh"), "x_•••");
    }

    proptest! {
        #[test]
        fn no_key_survives_redaction(before in "\\PC{0,20}", tail in "[A-Za-z0-9]{6,30}", after in "[^A-Za-z0-9_-]{0,5}") {
            let key = format!("sk_eu-west-1_{tail}");
            let text = format!("{before}{key}{after}");
            prop_assert!(!redact(&text).contains(&key));
        }
    }
}
