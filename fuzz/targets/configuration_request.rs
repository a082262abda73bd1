//! A request for a configuration, as the rehearsal ingest receives it. A refusal says why.

#![no_main]

use ivs::client_configuration::validate;
use ivs::ladder::grant;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = serde_json::from_slice(bytes) else { return };
    match validate(&body) {
        Ok(request) => {
            let _ = grant(&request.wish());
        }
        Err(complaints) => assert!(!complaints.is_empty() && complaints.len() <= 100),
    }
});
