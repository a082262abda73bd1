//! `genlock ingest`: only the rehearsal ingest, for other programs and other machines' tests.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ingest::{IngestConfig, StreamKey};
use serde_json::json;

use crate::channel;
use crate::cli::ChannelArgs;
use crate::key;
use crate::outcome::{Exit, Failure};
use crate::show::Stagehands;

/// Name of the file that a key made for the run is written to.
const KEY_FILE: &str = "ingest-key";

/// Ports asked for; 0 takes a free one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) rtmp: u16,
    pub(crate) rtmps: u16,
    pub(crate) https: u16,
}

/// Runs until its time is over or a signal comes. Prints one JSON line when it is ready: the addresses, the file with
/// the certificate to trust and, when no key was given, the file with the key made for the run.
///
/// # Errors
/// Ports in use, folders that can not be written to, a key that is none.
pub(crate) fn run(
    ports: Ports,
    out: Option<PathBuf>,
    run_for: Option<Duration>,
    key_file: Option<&Path>,
    channel: &ChannelArgs,
) -> Result<Exit, Failure> {
    let rules = channel::rules(channel)?;
    let given = key::find(key_file)?;
    let failed = |what: String| {
        Failure::could_not_start(
            "ingest.start",
            format!("The rehearsal ingest could not be started: {what}."),
            "",
        )
    };
    let scratch = tempfile::Builder::new()
        .prefix("genlock-ingest")
        .tempdir()
        .map_err(|error| failed(format!("no temporary folder: {error}")))?;
    let folder = out.unwrap_or_else(|| scratch.path().to_owned());
    let hands = Stagehands::new()?;
    let config = IngestConfig {
        rtmp_port: ports.rtmp,
        rtmps_port: ports.rtmps,
        https_port: ports.https,
        rules,
        keys: given.clone().into_iter().map(StreamKey::lasting).collect(),
        out_dir: Some(folder.clone()),
        ..IngestConfig::default()
    };
    hands.runtime.block_on(async {
        let ingest =
            ingest::start(config, hands.clock.clone()).await.map_err(|error| failed(error.to_string()))?;
        let mut line = json!(ingest.addresses());
        if given.is_none() {
            let path = folder.join(KEY_FILE);
            write_private(&path, ingest.stream_key().expose())
                .map_err(|error| failed(format!("{} can not be written: {error}", path.display())))?;
            if let Some(line) = line.as_object_mut() {
                line.insert("key_file".into(), json!(path));
            }
        }
        print_line(&line.to_string());
        wait(run_for).await;
        for session in ingest.stop().await {
            print_line(&json!({ "session": session }).to_string());
        }
        Ok(Exit::Done)
    })
}

fn print_line(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

async fn wait(run_for: Option<Duration>) {
    let time = async {
        match run_for {
            Some(length) => tokio::time::sleep(length).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = time => {}
        _ = tokio::signal::ctrl_c() => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

/// Writes a file that only its owner may read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
