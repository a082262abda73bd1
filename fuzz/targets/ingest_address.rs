//! An address with a key in it or behind it. Neither its display nor an error shows the key.

#![no_main]

use ivs::IngestAddress;
use libfuzzer_sys::fuzz_target;
use units::Secret;

const KEY: &str = "sk_us-west-2_EXAMPLEEXAMPLE_0123456789abcdef";

fuzz_target!(|template: &str| {
    let _ = IngestAddress::from_template("rtmps://host/app", &Secret::new(template));
    match IngestAddress::from_template(template, &Secret::new(KEY)) {
        Ok(address) => {
            assert!(!format!("{address} {address:?}").contains(KEY));
            let _ = address.rtmp_target(&Secret::default());
            let url = address.to_url(&Secret::default());
            let again: IngestAddress = url.expose().parse().expect("what was written can be read");
            assert_eq!(again.protocol(), address.protocol());
            assert_eq!(again.host(), address.host());
        }
        Err(error) => assert!(!error.to_string().contains(KEY)),
    }
});
