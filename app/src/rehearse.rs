//! `genlock rehearse`: the same show, against an ingest in the same process that behaves as the service's documents
//! say.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use control::ServerChoice;
use ingest::{IngestConfig, SessionReport, StreamKey};
use units::Secret;

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
    let mut settings = Settings::of(args)?;
    if args.config_url.is_some() {
        return Err(Failure::usage(
            "rehearse.config_url",
            "A rehearsal asks its own service for the ladder.",
            "Leave out --config-url, or go live with `genlock live`.",
        ));
    }
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
    aim(&mut settings, &ingest, &folder, args)?;
    let plan = Plan { settings, is_rehearsal: true, go_live: true, first: None };
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

/// Has the show ask the rehearsal's service and go live to its ingest.
///
/// # Errors
/// A ladder that no ingest could promise.
fn aim(
    settings: &mut Settings,
    ingest: &ingest::Ingest,
    folder: &Path,
    args: &ShowArgs,
) -> Result<(), Failure> {
    let addresses = ingest.addresses();
    let ca = addresses.ca_file.clone().unwrap_or_else(|| folder.join("ingest-ca.pem"));
    settings.target.server = ServerChoice::Custom(Secret::new(addresses.rtmps.clone()));
    settings.target.key = Some(ingest.stream_key());
    settings.target.is_fixed = true;
    settings.target.ca = Some(ca.clone());
    settings.service.configuration_url = Some(addresses.configuration_url.clone());
    // The light says live when viewers could see it, as with a channel whose playback address is known.
    settings.preferences.playback_url.get_or_insert_with(|| addresses.playback_url.clone());
    settings.service.ca = Some(ca);
    settings.preferences.multitrack = args.tracks.is_some_and(|tracks| tracks > 1);
    // A ladder that was given is one that this service has granted.
    if let Some(answer) = &settings.answer {
        let granted = ingest.grant(answer).map_err(|error| {
            Failure::could_not_start(
                "ladder.impossible",
                format!("The rehearsal can not grant this ladder: {error}."),
                "Use the answer of GetClientConfiguration as it came.",
            )
        })?;
        // The service's name for its answer is that of this rehearsal now.
        settings.ladder.config_id.clone_from(&granted.config_id);
        settings.answer = Some(Arc::new(granted));
    }
    Ok(())
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
