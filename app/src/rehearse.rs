//! `genlock rehearse`: the same show, against an ingest in the same process that behaves as the service's documents
//! say.

use std::io::Write;
use std::path::{Path, PathBuf};

use ingest::{IngestConfig, SessionReport, StreamKey};

use crate::channel;
use crate::check;
use crate::cli::{ChannelArgs, ShowArgs};
use crate::key;
use crate::outcome::{Exit, Failure};
use crate::settings::Settings;
use crate::show::{self, Plan, Stagehands};

/// # Errors
/// What kept the ingest or the show from starting.
pub(crate) fn run(args: &ShowArgs, out: Option<PathBuf>, channel: &ChannelArgs) -> Result<Exit, Failure> {
    let settings = Settings::of(args)?;
    let hands = Stagehands::new()?;
    let given_key = key::find(args.key_file.as_deref())?;
    // Without a folder of the person's what is received is looked at and thrown away.
    let scratch = tempfile::Builder::new().prefix("genlock-rehearsal").tempdir().map_err(|error| {
        Failure::could_not_start(
            "rehearse.folder",
            format!("No temporary folder: {error}."),
            "Make room on the disk.",
        )
    })?;
    let folder = out.unwrap_or_else(|| scratch.path().to_owned());
    let config = IngestConfig {
        rules: channel::rules(channel)?,
        keys: given_key.into_iter().map(StreamKey::lasting).collect(),
        out_dir: Some(folder.clone()),
        ..IngestConfig::default()
    };
    let ingest = hands.runtime.block_on(ingest::start(config, hands.clock.clone())).map_err(|error| {
        Failure::could_not_start(
            "rehearse.ingest",
            format!("The rehearsal ingest could not be started: {error}."),
            "Choose another folder with --ingest-out.",
        )
    })?;
    let destination = destination(&ingest, &folder, args)?;
    let plan = Plan { settings, destination: Some(destination), is_rehearsal: true, go_live: true };
    let shown = show::run(plan, args, &hands);
    let sessions = hands.runtime.block_on(ingest.stop());
    let mut report = shown?;
    let accepted = judge(&sessions);
    report.ingest = Some(serde_json::json!({ "accepted": accepted, "sessions": &sessions }));
    let mut exit = Exit::from_code(report.exit);
    if exit == Exit::Done && !accepted {
        exit = Exit::Refused;
    }
    report.exit = exit.code();
    show::tell(&report, args)?;
    if !args.json {
        tell(&sessions);
    }
    Ok(exit)
}

fn destination(ingest: &ingest::Ingest, folder: &Path, args: &ShowArgs) -> Result<net::Destination, Failure> {
    let addresses = ingest.addresses();
    let address = addresses.rtmps.parse().map_err(|error: ivs::Error| {
        Failure::could_not_start("rehearse.address", format!("The rehearsal has no address: {error}."), "")
    })?;
    let mut destination = net::Destination::new(address, ingest.stream_key());
    destination.priority = args.priority;
    destination.ca = Some(addresses.ca_file.clone().unwrap_or_else(|| folder.join("ingest-ca.pem")));
    Ok(destination)
}

/// Whether the service would have taken every session, and there was one.
fn judge(sessions: &[SessionReport]) -> bool {
    sessions.iter().any(|session| session.stream_id.is_some())
        && sessions.iter().all(|session| session.verdict.accepted)
}

fn tell(sessions: &[SessionReport]) {
    let mut out = std::io::stdout().lock();
    for session in sessions {
        let _ = write!(out, "The service: {}", check::sentences(&session.verdict));
    }
}
