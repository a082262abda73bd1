//! `genlock`: the studio window.

use desktop::{Claim, First, Folders};
use ivs::{client_configuration, find_ingest};

use crate::cli::ShowArgs;
use crate::outcome::{Exit, Failure};
use crate::settings::Settings;
use crate::show::{self, Plan, Stagehands};
use crate::{crash_report, key, preferences, secrets};

/// # Errors
/// What kept the window from opening.
pub(crate) fn run(args: &ShowArgs) -> Result<Exit, Failure> {
    let first = if args.headless { None } else { only_studio()? };
    let mut settings = Settings::of(args)?;
    if let Some(folders) = Folders::find().filter(|_| !args.headless) {
        settings.notices.extend(crash_report::unread(&folders.logs));
    }
    let service = &mut settings.service;
    service.configuration_url.get_or_insert_with(|| client_configuration::SERVICE_URL.value.to_owned());
    service.find_ingest_url.get_or_insert_with(|| find_ingest::SERVICE_URL.value.to_owned());
    settings.target.key = key::find(args.key_file.as_deref())?;
    settings.preferences_file = preferences::default_file();
    if let Some(file) = &settings.preferences_file {
        let (kept, server, personal) = preferences::load(file, true);
        let given = &settings.preferences;
        settings.preferences = control::Preferences {
            multitrack: kept.multitrack && args.ladder.is_none(),
            output: given.output.or(kept.output),
            rate: given.rate.or(kept.rate),
            max_tracks: given.max_tracks.or(kept.max_tracks),
            max_bitrate: given.max_bitrate.or(kept.max_bitrate),
            reconnect: kept.reconnect && given.reconnect,
            renewal: if args.hold.renew_after.is_some() { given.renewal } else { kept.renewal },
            playback_url: given.playback_url.clone().or(kept.playback_url),
            srt_latency_ms: given.srt_latency_ms.or(kept.srt_latency_ms),
        };
        settings.target.server = server;
        settings.take_up(personal, secrets::store(), args);
    }
    let plan = Plan { settings, is_rehearsal: false, go_live: false, first };
    let report = show::run(plan, args, &Stagehands::new()?)?;
    show::tell(&report, args)?;
    Ok(Exit::from_code(report.exit))
}

/// Takes the place of the only studio; `None` where it can not be known whether there is another.
///
/// # Errors
/// There is another one, and it was told to come to the front.
fn only_studio() -> Result<Option<First>, Failure> {
    let Some(folders) = Folders::find() else { return Ok(None) };
    // A portable copy beside an installed one is a studio of its own.
    let name = if folders.is_portable { "GenlockPortable" } else { "GenlockStudio" };
    match desktop::single_instance::claim(name, &folders.cache) {
        Ok(Claim::First(first)) => Ok(Some(first)),
        Ok(Claim::Second) => Err(Failure::could_not_start(
            "studio.runs",
            "Genlock's studio is running already.",
            "Its window was brought to the front; use that one.",
        )),
        Err(error) => {
            tracing::warn!(%error, "whether another studio runs is not known");
            Ok(None)
        }
    }
}
