//! Whatever decodes can be encoded, and decodes to the same again.

#![no_main]

use ertmp::flv::AudioTag;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(tag) = AudioTag::decode(bytes) {
        let again = tag.encode().expect("what was decoded can be encoded");
        assert_eq!(AudioTag::decode(&again), Ok(tag));
    }
});
