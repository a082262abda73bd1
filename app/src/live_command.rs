//! `genlock live --to URL`: go live to an address.

use control::ServerChoice;
use ivs::{IngestAddress, find_ingest};
use units::Secret;

use crate::cli::ShowArgs;
use crate::outcome::{Exit, Failure};
use crate::settings::Settings;
use crate::show::{self, Plan, Stagehands};
use crate::{key, preferences, secrets};

/// # Errors
/// What kept the show from starting.
pub(crate) fn run(to: &str, args: &ShowArgs) -> Result<Exit, Failure> {
    let (server, key) = target(to, args)?;
    let mut settings = Settings::of(args)?;
    if matches!(server, ServerChoice::Auto { .. }) {
        let service = &mut settings.service.find_ingest_url;
        service.get_or_insert_with(|| find_ingest::SERVICE_URL.value.to_owned());
    }
    (settings.target.server, settings.target.key, settings.target.is_fixed) = (server, key, true);
    let plan = Plan { settings, is_rehearsal: false, go_live: true, first: None };
    let report = show::run(plan, args, &Stagehands::new()?)?;
    show::tell(&report, args)?;
    Ok(Exit::from_code(report.exit))
}

/// The key that the studio remembers, where the person had it remembered.
fn remembered_key() -> Option<Secret> {
    let (_, _, personal) = preferences::load(&preferences::default_file()?, true);
    if !personal.remembers_key {
        return None;
    }
    secrets::stream_key(&secrets::store()?)
}

/// The server that `to` means, and the key to go with it.
fn target(to: &str, args: &ShowArgs) -> Result<(ServerChoice, Option<Secret>), Failure> {
    let key = key::find(args.key_file.as_deref())?;
    let key = key.or_else(remembered_key);
    let (server, has_key) = match to {
        "auto" => (ServerChoice::Auto { secure: true }, false),
        "auto-rtmp" => (ServerChoice::Auto { secure: false }, false),
        address => {
            let address = read_address(address)?;
            (ServerChoice::Custom(Secret::new(to)), address.key().is_some())
        }
    };
    if key.is_none() && !has_key && args.ladder.is_none() {
        return Err(Failure::usage(
            "key.missing",
            "There is no stream key.",
            format!(
                "Put it into the environment variable {}, into a file named with --key-file, or have the studio remember it.",
                key::VARIABLE
            ),
        ));
    }
    Ok((server, key))
}

fn read_address(text: &str) -> Result<IngestAddress, Failure> {
    text.parse().map_err(|error: ivs::Error| {
        Failure::usage(
            "address.unreadable",
            format!("The address after --to can not be used: {error}."),
            "Write it like rtmps://HOST/app or srt://HOST:9000, as the channel's page shows it.",
        )
    })
}
