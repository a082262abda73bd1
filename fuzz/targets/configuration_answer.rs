//! An answer of GetClientConfiguration. What is read survives being written, and prints none of its keys.

#![no_main]

use ivs::client_configuration::ClientConfiguration;
use ivs::ladder::Promise;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(answer) = ClientConfiguration::parse(bytes) else { return };
    let _ = Promise::try_from(&answer);
    let written = answer.to_json();
    let again =
        ClientConfiguration::parse(written.expose().as_bytes()).expect("what was written can be read");
    assert_eq!(again.to_json(), written);
    let printed = format!("{answer:?}");
    for key in answer.ingest_endpoints.iter().filter_map(|endpoint| endpoint.authentication.as_ref()) {
        // Shorter ones are parts of words.
        assert!(key.expose().len() < 64 || !printed.contains(key.expose()));
    }
});
