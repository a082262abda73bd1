//! An answer of FindIngest. What is read survives being written, and every line of the menu leads somewhere or says why.

#![no_main]

use ivs::find_ingest::{parse, resolve};
use libfuzzer_sys::fuzz_target;
use units::Secret;

fuzz_target!(|bytes: &[u8]| {
    let Ok(list) = parse(bytes) else { return };
    assert_eq!(parse(list.to_json().as_bytes()).expect("what was written can be read"), list);
    for choice in list.menu().into_iter().filter_map(|entry| entry.choice) {
        if let Ok(destination) = resolve(&choice, None, Some(&list)) {
            let _ = destination.address(&Secret::new("sk_us-west-2_EXAMPLE?priority=2"));
        }
    }
});
