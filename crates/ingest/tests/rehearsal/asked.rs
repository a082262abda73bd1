//! The HTTPS door: what it takes, what it turns away, and its faults on demand.

use ingest::{ConfigurationFaults, InquiryOutcome, ScriptedAnswer};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::inquirer::*;
use crate::publisher::*;

#[tokio::test]
async fn what_is_not_asked_for_there_is_told_in_numbers_and_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let (ingest, _) = start_with(config(Some(folder.path()))).await;
    let body = request().to_string();
    let asked = [
        ("GET", "/", 404),
        ("POST", "/api/v2/GetClientConfiguration", 404),
        ("GET", CONFIGURATION, 405),
        ("PUT", CONFIGURATION, 405),
        ("POST", FIND_INGEST, 405),
    ];
    for (method, path, status) in asked {
        let answer = ask(&ingest, method, path, body.as_bytes()).await;
        assert_eq!((answer.status, answer.body.len()), (status, 0), "{method} {path}");
        assert_eq!(answer.head.to_lowercase().contains("\r\nallow:"), status == 405, "{}", answer.head);
    }
    for (body, status) in [("{", 400), ("", 400), ("[1]", 400), (&"x".repeat(300_000), 413)] {
        let answer = ask(&ingest, "POST", CONFIGURATION, body.as_bytes()).await;
        assert_eq!((answer.status, answer.body.len()), (status, 0), "{body:.20}");
    }
    let mut socket = connect(&ingest).await;
    let head = head("POST", CONFIGURATION, body.len()).replace("application/json", "text/plain");
    send(&mut socket, format!("{head}{body}").as_bytes()).await;
    assert_eq!(receive(&mut socket).await.unwrap().status, 415);

    let inquiries = ingest.inquiries();
    assert_eq!(inquiries.len(), asked.len() + 5);
    for (number, inquiry) in (1..).zip(&inquiries) {
        assert_eq!((inquiry.inquiry, inquiry.outcome), (number, InquiryOutcome::Malformed));
        assert!(!inquiry.complaints.is_empty());
    }
    let lines = std::fs::read_to_string(folder.path().join("inquiries.jsonl")).unwrap();
    let paths: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["path"].clone())
        .collect();
    assert_eq!(paths, inquiries.iter().map(|inquiry| json!(inquiry.path)).collect::<Vec<_>>());
}

#[tokio::test]
async fn strangers_do_not_disturb() {
    let (ingest, _) = start_with(config(None)).await;
    let url = ingest.addresses().configuration_url.replace("https://", "rtmp://");
    let noise: Vec<u8> = (0..40_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    // In the clear, where TLS is spoken.
    for bytes in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), &noise] {
        let mut socket = connect_tcp(&url).await;
        let _ = socket.write_all(bytes).await;
        drop(socket);
    }
    // Over TLS: no HTTP, a head without an end, and a peer that leaves in the middle of its body.
    for bytes in [noise.as_slice(), "GET / HTTP/1.1\r\nX: y\r\n".repeat(2000).as_bytes()] {
        let mut socket = connect(&ingest).await;
        send(&mut socket, bytes).await;
        if let Some(answer) = receive(&mut socket).await {
            assert!((400..500).contains(&answer.status), "{}", answer.head);
        }
    }
    let mut socket = connect(&ingest).await;
    send(&mut socket, head("POST", CONFIGURATION, 1000).as_bytes()).await;
    drop(socket);
    assert_eq!(ask(&ingest, "GET", FIND_INGEST, b"").await.status, 200);
}

#[tokio::test]
async fn find_ingest_names_this_ingest_and_one_that_is_closed() {
    let (ingest, _) = start_with(config(None)).await;
    for path in [FIND_INGEST, "/ingests"] {
        let answer = ask(&ingest, "GET", path, b"").await;
        assert_eq!(answer.status, 200);
        assert!(answer.head.to_lowercase().contains("content-type: application/json"), "{}", answer.head);
        let json = answer.json();
        let servers = json["ingests"].as_array().unwrap();
        assert_eq!(servers.len(), 3);
        let best = servers.iter().filter(|server| server["availability"] == 1.0);
        let best = best.min_by_key(|server| server["priority"].as_u64().unwrap()).unwrap();
        assert_eq!(best["default"], true);
        assert_eq!(best["url_template"], format!("{}/{{stream_key}}", ingest.addresses().rtmp));
        assert_eq!(best["url_template_secure"], format!("{}/{{stream_key}}", ingest.addresses().rtmps));
        assert_eq!(servers[0]["availability"], 0.0, "who takes the first one is to notice");
    }
    assert!(ingest.addresses().find_ingest_url.ends_with(FIND_INGEST));
    assert_eq!(ingest.inquiries()[0].outcome, InquiryOutcome::Answered);
}

pub fn scripted(answer: ScriptedAnswer) -> ConfigurationFaults {
    ConfigurationFaults {
        servers: Some(answer.clone()),
        answer: Some(answer),
        ..ConfigurationFaults::default()
    }
}

#[tokio::test]
async fn numbers_nonsense_and_halves_on_demand() {
    let (ingest, _) = start_with(config(None)).await;
    let body = request().to_string();
    for (method, path) in [("POST", CONFIGURATION), ("GET", FIND_INGEST)] {
        let body = if method == "POST" { body.as_bytes() } else { b"" };
        for status in [400, 429, 500, 503] {
            ingest.set_configuration_faults(scripted(ScriptedAnswer::HttpStatus(status)));
            let answer = ask(&ingest, method, path, body).await;
            assert_eq!((answer.status, answer.body.len()), (status, 0));
        }
        ingest.set_configuration_faults(scripted(ScriptedAnswer::Body(b"<html>".to_vec())));
        let answer = ask(&ingest, method, path, body).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, b"<html>".as_slice()));
        ingest.set_configuration_faults(scripted(ScriptedAnswer::CutShort));
        let answer = ask(&ingest, method, path, body).await;
        let promised = answer.promised_bytes().unwrap();
        assert!(answer.status == 200 && promised > 100 && answer.body.len() < promised, "{}", answer.head);
    }
    assert!(ingest.inquiries().iter().all(|inquiry| inquiry.outcome == InquiryOutcome::Fault));
}

#[tokio::test]
async fn a_wrong_type_is_answered_with_400_and_told_in_the_log() {
    let (ingest, _) = start_with(config(None)).await;
    let mut wrong = request();
    wrong["capabilities"]["system"]["revision"] = json!(4317);
    let answer = configure(&ingest, &wrong).await;
    assert_eq!((answer.status, answer.body.len()), (400, 0));
    let inquiry = ingest.inquiries().remove(0);
    assert_eq!(inquiry.outcome, InquiryOutcome::Malformed);
}

#[tokio::test]
async fn a_hanging_answer_ends_with_the_ingest() {
    let (ingest, _) = start_with(config(None)).await;
    ingest.set_configuration_faults(scripted(ScriptedAnswer::Hang));
    let mut socket = connect(&ingest).await;
    send(&mut socket, head("GET", FIND_INGEST, 0).as_bytes()).await;
    let hanging = tokio::spawn(async move { receive(&mut socket).await.is_none() });
    ingest.stop().await;
    assert!(hanging.await.unwrap());
}
