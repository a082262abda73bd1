//! Whatever decodes has one encoding, and that decodes to the same. Bytes are compared: NaN equals nothing.

#![no_main]

use ertmp::amf0::{Value, decode_all, encode};
use libfuzzer_sys::fuzz_target;

fn encoded(values: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in values {
        encode(value, &mut bytes).expect("what was decoded can be encoded");
    }
    bytes
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(values) = decode_all(bytes) {
        let once = encoded(&values);
        let twice = encoded(&decode_all(&once).expect("what was encoded can be decoded"));
        assert_eq!(once, twice);
    }
});
