//! A client that others wrote: Python's own HTTP and TLS ask for a configuration and for the servers.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test"
)]

use std::process::{Command, Stdio};
use std::sync::Arc;

use ingest::{IngestConfig, StreamKey, start};
use ivs::{MultitrackInput, ResolutionClass, Rules};
use serde_json::{Value, json};
use testkit::VirtualClock;
use units::Secret;

const KEY: &str = "sk_us-west-2_PythonsOwn7890abcd";

/// Asks for the servers and for a configuration, several times, and prints what came as JSON.
const ASK: &str = r#"
import http.client, json, ssl, sys, urllib.parse
servers_url, configuration_url, ca, body = sys.argv[1:]

def ask(method, url, body=None, content_type="application/json", trusted=ca):
    url = urllib.parse.urlsplit(url)
    context = ssl.create_default_context(cafile=trusted)
    connection = http.client.HTTPSConnection(url.hostname, url.port, context=context, timeout=60)
    connection.request(method, url.path, body, {"Content-Type": content_type, "User-Agent": "python"})
    answer = connection.getresponse()
    return [answer.status, answer.getheader("Content-Type"), answer.read().decode()]

def refused(**how):
    try:
        ask("GET", servers_url, **how)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    return None

print(json.dumps({
    "servers": ask("GET", servers_url),
    "configuration": ask("POST", configuration_url, body),
    "with charset": ask("POST", configuration_url, body, "application/json; charset=utf-8"),
    "chunked": ask("POST", configuration_url, iter([body[:100].encode(), body[100:].encode()])),
    "malformed": ask("POST", configuration_url, body.strip()[:-1]),
    "untrusted": refused(trusted=None),
}))
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let maximum_resolution = ResolutionClass::FullHd;
    let config = IngestConfig {
        keys: vec![StreamKey::lasting(Secret::new(KEY))],
        out_dir: Some(folder.path().to_owned()),
        rules: Rules { multitrack: MultitrackInput::Allow { maximum_resolution }, ..Rules::default() },
        ..IngestConfig::default()
    };
    let ingest = start(config, Arc::new(VirtualClock::new())).await.unwrap();
    let addresses = ingest.addresses().clone();
    let ca = addresses.ca_file.unwrap().to_str().unwrap().to_owned();
    let request = include_str!("request.json").replace("{stream_key}", KEY);
    let asking = tokio::task::spawn_blocking(move || {
        Command::new("python3")
            .args(["-c", ASK, &addresses.find_ingest_url, &addresses.configuration_url, &ca, &request])
            .stdin(Stdio::null())
            .output()
            .expect("this test needs python3 on the PATH; `./x test` installs it")
    });
    let output = asking.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    for asked in ["servers", "configuration", "with charset", "chunked"] {
        assert_eq!((&said[asked][0], &said[asked][1]), (&json!(200), &json!("application/json")), "{asked}");
        let answer: Value = serde_json::from_str(said[asked][2].as_str().unwrap()).unwrap();
        if asked == "servers" {
            assert_eq!(answer["ingests"].as_array().unwrap().len(), 3);
        } else {
            assert_eq!(answer["encoder_configurations"].as_array().unwrap().len(), 5, "{answer}");
            assert!(answer.get("status").is_none(), "{answer}");
        }
    }
    assert_eq!(said["malformed"], json!([400, null, ""]));
    assert!(said["untrusted"].is_string(), "a client that does not know the authority went on");
}
