//! The stream key is in nothing that was written or said.

use std::path::Path;

use ingest::{Faults, Refusal};

use crate::publisher::*;

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
