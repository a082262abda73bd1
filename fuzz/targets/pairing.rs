//! A pairing code, as a text or as the object inside. What is read survives being written, shows no key, and can be held
//! against any ladder.

#![no_main]

use libfuzzer_sys::fuzz_target;
use publish::Pairing;

const PREFIX: &str = "genlock-pair:1:";
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// RFC 4648, 5, without padding.
fn base64url(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for digit in 0..=three.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * digit)) as usize & 63]));
        }
    }
    text
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Pairing::parse(text);
        let _ = Pairing::parse(&format!("{PREFIX}{text}"));
    }
    let Ok(pairing) = Pairing::parse(&format!("{PREFIX}{}", base64url(bytes))) else { return };
    assert_eq!(Pairing::parse(pairing.to_code().expose()).as_ref(), Ok(&pairing));
    if let Some(key) = pairing.key.as_ref().filter(|key| key.expose().len() >= 16) {
        assert!(!format!("{:?}", pairing.key).contains(key.expose()));
    }
    assert!(pairing.differences(&pairing.ladder).is_empty());
    let _ = (pairing.differences(&[]), pairing.ladder_words());
});
