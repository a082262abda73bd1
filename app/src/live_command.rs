//! `genlock live --to URL`: go live to an address.

use ivs::{IngestAddress, Protocol};
use units::Secret;

use crate::cli::ShowArgs;
use crate::key;
use crate::outcome::{Exit, Failure};
use crate::settings::Settings;
use crate::show::{self, Plan, Stagehands};

/// # Errors
/// What kept the show from starting.
pub(crate) fn run(to: &str, args: &ShowArgs) -> Result<Exit, Failure> {
    let destination = destination(to, args)?;
    let plan = Plan {
        settings: Settings::of(args)?,
        destination: Some(destination),
        is_rehearsal: false,
        go_live: true,
    };
    let report = show::run(plan, args, &Stagehands::new()?)?;
    show::tell(&report, args)?;
    Ok(Exit::from_code(report.exit))
}

fn destination(to: &str, args: &ShowArgs) -> Result<net::Destination, Failure> {
    let advice = "Write it like rtmps://HOST/app, as the channel's page shows it.";
    let address: IngestAddress = to.parse().map_err(|error: ivs::Error| {
        Failure::usage(
            "address.unreadable",
            format!("The address after --to can not be used: {error}."),
            advice,
        )
    })?;
    if address.protocol() == Protocol::Srt {
        return Err(Failure::could_not_start(
            "address.srt",
            "This version of Genlock does not send SRT.",
            "Use the channel's rtmps:// address.",
        ));
    }
    let key = key::find(args.key_file.as_deref())?;
    if key.is_none() && address.key().is_none() {
        return Err(Failure::usage(
            "key.missing",
            "There is no stream key.",
            format!(
                "Put it into the environment variable {} or into a file named with --key-file.",
                key::VARIABLE
            ),
        ));
    }
    let mut destination = net::Destination::new(address, key.unwrap_or_else(|| Secret::new("")));
    destination.priority = args.priority;
    destination.ca.clone_from(&args.ca);
    Ok(destination)
}
