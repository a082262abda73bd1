//! The channel that a rehearsal pretends to be, and that a check judges for.

use ivs::{ChannelType, Rules};

use crate::cli::ChannelArgs;
use crate::outcome::Failure;

/// # Errors
/// A channel type the service does not have.
pub(crate) fn rules(args: &ChannelArgs) -> Result<Rules, Failure> {
    let channel_type = args.channel.parse::<ChannelType>().map_err(|_| {
        let known: Vec<_> =
            ChannelType::ALL.iter().map(|kind| kind.name().to_lowercase().replace('_', "-")).collect();
        Failure::usage(
            "channel.unknown",
            format!("“{}” is not a channel type.", args.channel),
            format!("Choose one of {}.", known.join(", ")),
        )
    })?;
    Ok(Rules { channel_type, insecure_ingest: !args.secure_only, ..Rules::default() })
}
