//! `genlock ingest`: only the rehearsal ingest, for other programs and other machines' tests.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ingest::{Farewell, IngestConfig, SrtDoor, StreamKey};
use serde_json::json;
use units::{Clock, Secret, Span};

use crate::channel;
use crate::cli::{ChannelArgs, ServiceArgs};
use crate::key;
use crate::outcome::{Exit, Failure};
use crate::show::Stagehands;

/// Name of the file that a key made for the run is written to.
const KEY_FILE: &str = "ingest-key";

/// Name of the file that a passphrase of SRT made for the run is written to.
const PASSPHRASE_FILE: &str = "ingest-srt-passphrase";

/// Ports asked for; 0 takes a free one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) rtmp: u16,
    pub(crate) rtmps: u16,
    pub(crate) https: u16,
}

/// Runs until its time is over or a signal comes. Prints one JSON line when it is ready: the addresses, the file with
/// the certificate to trust and the files with what was made for the run: the key when none was given, the passphrase of
/// SRT when callers need one and none was given.
///
/// # Errors
/// Ports in use, folders that can not be written to, a key that is none, two faults for the same sessions.
pub(crate) fn run(
    ports: Ports,
    out: Option<PathBuf>,
    run_for: Option<Duration>,
    key_file: Option<&Path>,
    channel: &ChannelArgs,
    service: &ServiceArgs,
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
    let expires = service.key_expires.map(|after| hands.clock.now() + span(after));
    let config = IngestConfig {
        rtmp_port: ports.rtmp,
        rtmps_port: ports.rtmps,
        https_port: ports.https,
        rules,
        keys: given.clone().into_iter().map(|key| StreamKey { key, expires }).collect(),
        key_expires: expires,
        out_dir: Some(folder.clone()),
        ..behaviour(service)?
    };
    hands.runtime.block_on(async {
        let ingest =
            ingest::start(config, hands.clock.clone()).await.map_err(|error| failed(error.to_string()))?;
        let mut line = json!(ingest.addresses());
        let made_key = given.is_none().then(|| ingest.stream_key());
        let made_passphrase = ingest.srt_passphrase().filter(|_| service.srt_passphrase_file.is_none());
        let made =
            [("key_file", KEY_FILE, made_key), ("srt_passphrase_file", PASSPHRASE_FILE, made_passphrase)];
        for (name, file, secret) in made {
            let (Some(secret), Some(line)) = (secret, line.as_object_mut()) else { continue };
            let path = folder.join(file);
            write_private(&path, secret.expose())
                .map_err(|error| failed(format!("{} can not be written: {error}", path.display())))?;
            line.insert(name.into(), json!(path));
        }
        print_line(&line.to_string());
        wait(run_for).await;
        for session in ingest.stop().await {
            print_line(&json!({ "session": session }).to_string());
        }
        Ok(Exit::Done)
    })
}

/// What the ingest does as a service.
///
/// # Errors
/// Two faults for the same sessions, a passphrase that can not be read.
fn behaviour(args: &ServiceArgs) -> Result<IngestConfig, Failure> {
    let mut config = IngestConfig { farewell: farewell(args), ..IngestConfig::default() };
    if let Some(ip) = args.bind {
        config.bind_ip = ip;
    }
    config.certificate_names.extend(args.names.iter().cloned());
    config.hold = args.hold.map_or(config.hold, span);
    // The service's own limit is the longest.
    config.max_stream =
        args.max_stream.map_or(config.max_stream, |longest| span(longest).min(config.max_stream));
    config.srt = srt_door(args)?;
    config.max_takeovers = args.max_takeovers.unwrap_or(config.max_takeovers);
    config.configuration.key_validity = args.key_validity.map(span);
    let mut usual = None;
    for spec in &args.faults {
        let before = match spec.session {
            Some(session) => config.session_faults.insert(session, spec.faults.clone()),
            None => usual.replace(spec.faults.clone()),
        };
        if before.is_some() {
            return Err(Failure::usage(
                "ingest.fault-twice",
                "Two --fault are for the same sessions.",
                "Write the faults of one session behind one --fault, with commas between them.",
            ));
        }
    }
    config.faults = usual.unwrap_or_default();
    Ok(config)
}

fn srt_door(args: &ServiceArgs) -> Result<Option<SrtDoor>, Failure> {
    let Some(port) = args.srt_port else { return Ok(None) };
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let what = format!("{} can not be read: {error}.", path.display());
            Failure::usage("ingest.srt-passphrase", what, "Name a file with the passphrase as its only line.")
        })?;
        Ok(Secret::new(text.trim()))
    };
    let passphrase = args.srt_passphrase_file.as_ref().map(read).transpose()?;
    Ok(Some(SrtDoor { port, passphrase, ..SrtDoor::default() }))
}

const fn farewell(args: &ServiceArgs) -> Farewell {
    if args.say_taken_over { Farewell::Status } else { Farewell::Silence }
}

fn span(time: Duration) -> Span {
    // The command line takes no more than two weeks.
    Span::from_nanos(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
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
    std::future::pending::<()>().await;
}

/// Writes a file that only its owner may read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_the_service_is_what_it_does() {
        let fault = |text: &str| text.parse::<ingest::FaultSpec>().unwrap();
        let args = ServiceArgs {
            bind: Some(std::net::IpAddr::from([0, 0, 0, 0])),
            names: vec![String::from("studio.local")],
            faults: vec![fault("delay=50ms"), fault("close=5s,session=2")],
            hold: Some(Duration::from_secs(3)),
            max_stream: Some(Duration::from_secs(100 * 3600)),
            key_validity: Some(Duration::from_secs(60)),
            max_takeovers: Some(2),
            say_taken_over: true,
            ..ServiceArgs::default()
        };
        let config = behaviour(&args).unwrap();
        assert!(config.bind_ip.is_unspecified() && config.certificate_names.contains(&args.names[0]));
        assert_eq!((config.hold, config.max_takeovers), (Span::from_secs(3), 2));
        assert_eq!(config.max_stream, Span::from_secs(48 * 3600), "never longer than the service's");
        assert_eq!(config.configuration.key_validity, Some(Span::from_secs(60)));
        assert_eq!(config.faults.delay, Span::from_millis(50));
        assert_eq!(config.session_faults[&2].close_after, Some(Span::from_secs(5)));
        assert_eq!(config.farewell, Farewell::Status);
        assert_eq!(config.srt, None);
        let args = ServiceArgs { srt_port: Some(9000), ..ServiceArgs::default() };
        assert_eq!(behaviour(&args).unwrap().srt, Some(SrtDoor { port: 9000, ..SrtDoor::default() }));
        let missing = Some(PathBuf::from("/nowhere/passphrase"));
        assert!(behaviour(&ServiceArgs { srt_passphrase_file: missing, ..args }).is_err());
        for twice in [["delay=1s", "rate=100"], ["rate=1,session=1", "stall=1s,session=1"]] {
            let args = ServiceArgs { faults: twice.map(fault).to_vec(), ..ServiceArgs::default() };
            assert!(behaviour(&args).is_err(), "{twice:?}");
        }
    }
}
