//! Whatever decodes can be encoded, and decodes to the same again.

#![no_main]

use ertmp::flv::VideoTag;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(tag) = VideoTag::decode(bytes) {
        let again = tag.encode().expect("what was decoded can be encoded");
        assert_eq!(VideoTag::decode(&again), Ok(tag));
    }
});
