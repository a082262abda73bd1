//! What GetClientConfiguration and FindIngest answer.

use hyper::StatusCode;
use serde_json::json;

use crate::config::ConfigurationFaults;
use crate::https::{Said, malformed};
use crate::inquiry::InquiryReport;
use crate::listener::Addresses;
use crate::service::Service;

/// Answers a request of GetClientConfiguration.
pub(crate) async fn answer(
    body: &[u8],
    _faults: &ConfigurationFaults,
    report: &mut InquiryReport,
    _service: &Service,
) -> Said {
    if let Err(error) = serde_json::from_slice::<serde_json::Value>(body) {
        return malformed(report, StatusCode::BAD_REQUEST, format!("the body is no JSON: {error}"));
    }
    malformed(report, StatusCode::SERVICE_UNAVAILABLE, "no ladder is granted yet")
}

/// The answer of FindIngest: this ingest under two names, the nearer one first, and one that is out of service.
pub(crate) fn servers(addresses: &Addresses) -> Vec<u8> {
    let template = |address: &str| format!("{address}/{{stream_key}}");
    let ingests = json!({ "ingests": [
        {
            "_id": 1, "availability": 1.0, "default": true, "name": "Rehearsal: This machine", "priority": 1,
            "url_template": template(&addresses.rtmp), "url_template_secure": template(&addresses.rtmps),
        },
    ]});
    ingests.to_string().into_bytes()
}
