//! Starting and stopping.

use std::net::{IpAddr, Ipv4Addr};

use ingest::{Ending, Error, IngestConfig, StreamKey};
use units::Secret;

use crate::publisher::*;

async fn refused(config: IngestConfig) -> Error {
    match ingest::start(config, std::sync::Arc::new(testkit::VirtualClock::new())).await {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = refused(IngestConfig { rtmp_port: port, ..config(None) }).await;
    assert!(matches!(error, Error::PortInUse { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!(
            "port {port} for rtmp is in use by another program; choose another one, or 0 for any that is free"
        )
    );
    let error = refused(IngestConfig { rtmps_port: port, ..config(None) }).await;
    assert!(error.to_string().contains("for rtmps is in use"), "{error}");
}

#[tokio::test]
async fn a_foreign_address_an_unwritable_folder_and_an_empty_key_are_named() {
    // 192.0.2.0/24 is for documentation (RFC 5737), so no machine has it.
    let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let error = refused(IngestConfig { bind_ip: elsewhere, ..config(None) }).await;
    assert!(error.to_string().starts_with("can not listen on 192.0.2.1:0 for rtmp"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let error = refused(config(Some(&file.join("out")))).await;
    assert!(matches!(error, Error::Folder { .. }), "{error:?}");
    assert!(error.to_string().starts_with("can not write to "), "{error}");

    let keys = vec![StreamKey::lasting(Secret::new(""))];
    assert!(matches!(refused(IngestConfig { keys, ..config(None) }).await, Error::KeyEmpty));
    let certificate_names = vec![String::from("Ünlesbar")];
    let error = refused(IngestConfig { certificate_names, ..config(None) }).await;
    assert!(matches!(error, Error::Certificate(_)), "{error:?}");
}

#[tokio::test]
async fn addresses_are_one_json_line() {
    let folder = tempfile::tempdir().unwrap();
    let (ingest, _) = start_with(config(Some(folder.path()))).await;
    let line = serde_json::to_string(ingest.addresses()).unwrap();
    assert!(
        line.starts_with(r#"{"rtmp":"rtmp://127.0.0.1:"#) && line.contains(r#""rtmps":"rtmps://127.0.0.1:"#),
        "{line}"
    );
    assert!(!line.contains('\n') && line.contains("ingest-ca.pem"));
    for url in [&ingest.addresses().rtmp, &ingest.addresses().rtmps] {
        let address: ivs::IngestAddress = url.parse().unwrap();
        assert_eq!(address.app(), "app");
    }
}

#[tokio::test]
async fn stopping_ends_sessions_and_frees_the_ports() {
    let (ingest, _) = start_with(config(None)).await;
    let url = ingest.addresses().rtmp.clone();
    let mut publisher = Publisher::live(&ingest).await;
    let stopped = tokio::spawn(ingest.stop());
    publisher.expect_close().await;
    drop(publisher);
    let reports = tokio::time::timeout(STUCK, stopped).await.expect("it did not stop").unwrap();
    assert_eq!(reports.iter().map(|report| report.ending).collect::<Vec<_>>(), [Ending::Stopped]);
    let port = url.parse::<ivs::IngestAddress>().unwrap().port();
    let (again, _) = start_with(IngestConfig { rtmp_port: port, ..config(None) }).await;
    assert_eq!(again.addresses().rtmp, url);
}

#[tokio::test]
async fn connections_above_the_limit_are_closed_at_once() {
    let (ingest, _) = start_with(IngestConfig { max_connections: 1, ..config(None) }).await;
    let mut first = Publisher::live(&ingest).await;
    let mut second = Publisher::dial(&ingest, &ingest.addresses().rtmp, KEY).await;
    second.expect_close().await;
    first.say_goodbye().await;
    assert_eq!(only_report(&ingest).await.ending, Ending::Publisher);
}
