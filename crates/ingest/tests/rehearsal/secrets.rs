//! The stream key is in nothing that was written or said.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ingest::{Faults, Refusal};
use ivs::client_configuration::ClientConfiguration;
use ivs::{MultitrackInput, ResolutionClass};
use serde_json::json;

use crate::inquirer::*;
use crate::publisher::*;
use crate::show::{Show, stream_name};

fn assert_nowhere(folder: &Path, secret: &str) {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "the key is in {}", path.display());
        files += 1;
    }
    assert!(files >= 4, "only {files} files were written");
}

#[tokio::test]
async fn the_key_is_in_no_file_report_event_or_answer() {
    let folder = tempfile::tempdir().unwrap();
    let mut chatty = config(Some(folder.path()));
    chatty.channel.name = String::from("Channel");
    let (ingest, _) = start_with(chatty).await;
    let mut events = ingest.subscribe();
    let mut said = String::new();
    let url = ingest.addresses().rtmp.clone();

    let mut good = Publisher::dial(&ingest, &url, &format!("{KEY}?priority=1")).await;
    good.expect_published().await;
    good.send_configs().await;
    good.send_frames(0, 61, 2000).await;
    let mut second = Publisher::dial(&ingest, &url, KEY).await;
    said.push_str(&format!("{:?}", second.expect_refusal().await));
    report_number(&ingest, 1).await;
    good.say_goodbye().await;
    report_number(&ingest, 2).await;

    // The key as application, as part of a wrong name, and in the words of a fault.
    let wrong_app = url.replace("/app", "/live");
    let mut wrong = Publisher::dial(&ingest, &wrong_app, KEY).await;
    said.push_str(&format!("{:?}", wrong.expect_refusal().await));
    let mut almost = Publisher::dial(&ingest, &url, &format!("{KEY}x")).await;
    said.push_str(&format!("{:?}", almost.expect_refusal().await));
    let refusal = Refusal { code: String::from("Told"), description: format!("not {KEY}") };
    ingest.set_faults(Faults { refuse_publish: Some(refusal), ..Faults::default() });
    Publisher::dial(&ingest, &url, KEY).await.expect_refusal().await;
    report_number(&ingest, 5).await;

    said.push_str(&serde_json::to_string(ingest.addresses()).unwrap());
    said.push_str(&serde_json::to_string(&ingest.reports()).unwrap());
    said.push_str(&format!("{:?}", ingest.reports()));
    while let Ok(event) = events.try_recv() {
        said.push_str(&format!("{event:?} {}", serde_json::to_string(&event).unwrap()));
    }
    assert!(said.contains("Session Created") && said.contains("stream-key-unknown"));
    assert!(!said.contains(KEY), "{said}");
    ingest.stop().await;
    assert_nowhere(folder.path(), KEY);
}

/// Everything that is logged, at every level.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn granted_keys_and_the_key_they_stand_for_are_in_no_log_file_or_report() {
    let logged = Logged::default();
    let writer = logged.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // The runtime of a test has this thread only.
    let guard = tracing::subscriber::set_default(subscriber);
    let folder = tempfile::tempdir().unwrap();
    let mut chatty = config(Some(folder.path()));
    chatty.rules.multitrack = MultitrackInput::Allow { maximum_resolution: ResolutionClass::FullHd };
    let (ingest, _) = start_with(chatty).await;
    let answer = configure(&ingest, &request()).await;
    let granted = ClientConfiguration::parse(&answer.body).unwrap();
    let name = stream_name(&granted);
    let (key, _) = name.split_once('?').unwrap();

    // Keys where they belong, and where they do not: in a wrong key, a path, a method, a type, a client's name.
    let show = Show::of(&granted);
    let mut publisher = show.publish(&ingest, &name).await;
    show.end(&mut publisher).await;
    report_number(&ingest, 1).await;
    let mut expired = Publisher::dial(&ingest, &ingest.addresses().rtmp, key).await;
    let mut said = format!("{:?}", expired.expect_refusal().await);
    report_number(&ingest, 2).await;
    for secret in [KEY, key] {
        ask(&ingest, "POST", &format!("/{secret}"), b"{}").await;
        ask(&ingest, secret, CONFIGURATION, b"{}").await;
        ask(&ingest, "POST", CONFIGURATION, secret.as_bytes()).await;
        let mut odd = request();
        odd["client"]["name"] = json!(secret);
        odd[secret] = json!(secret);
        configure(&ingest, &odd).await;
        odd["authentication"] = json!([secret]);
        odd["schema_version"] = json!(secret);
        configure(&ingest, &odd).await;
        odd = request();
        odd["authentication"] = json!(format!("{secret}x"));
        said.push_str(&String::from_utf8(configure(&ingest, &odd).await.body).unwrap());
    }
    said.push_str(&format!("{:?} {:?}", ingest.inquiries(), ingest.reports()));
    ingest.stop().await;
    drop(guard);
    said.push_str(&String::from_utf8(logged.0.lock().unwrap().clone()).unwrap());
    assert!(said.contains("GetClientConfiguration") && said.contains("Session Created"), "{said}");
    for secret in [KEY, key] {
        assert!(!said.contains(secret), "{said}");
        assert_nowhere(folder.path(), secret);
    }
}
