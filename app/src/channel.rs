//! The channel that a rehearsal pretends to be, and that a check judges for.

use ivs::{ChannelType, MultitrackInput, ResolutionClass, Rules};

use crate::cli::ChannelArgs;
use crate::outcome::Failure;

/// # Errors
/// A channel type, a policy or a class of resolutions that the service does not have; several tracks on a channel that
/// takes one.
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
    let multitrack = multitrack(args, channel_type)?;
    Ok(Rules { channel_type, insecure_ingest: !args.secure_only, multitrack })
}

/// Only channels of type STANDARD can be configured for several tracks (the guide, "Service Quotas", Ingest bitrate with
/// multitrack input).
fn multitrack(args: &ChannelArgs, channel_type: ChannelType) -> Result<MultitrackInput, Failure> {
    let maximum_resolution = args.max_resolution.parse::<ResolutionClass>().map_err(|_| {
        Failure::usage(
            "channel.resolution-unknown",
            format!("“{}” is not a class of resolutions.", args.max_resolution),
            "Choose one of sd, hd and full-hd.",
        )
    })?;
    let takes_several = channel_type == ChannelType::Standard;
    let policy = match args.multitrack.as_deref() {
        None if takes_several => MultitrackInput::Allow { maximum_resolution },
        None | Some("off") => MultitrackInput::NotAllowed,
        Some("allow") => MultitrackInput::Allow { maximum_resolution },
        Some("require") => MultitrackInput::Require { maximum_resolution },
        Some(other) => {
            return Err(Failure::usage(
                "channel.multitrack-unknown",
                format!("“{other}” is no policy for several tracks."),
                "Choose one of off, allow and require.",
            ));
        }
    };
    if policy != MultitrackInput::NotAllowed && !takes_several {
        return Err(Failure::usage(
            "channel.multitrack-impossible",
            format!("A channel of type {channel_type} takes one track."),
            "Choose --channel standard, or --multitrack off.",
        ));
    }
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(channel: &str, multitrack: Option<&str>, max_resolution: &str) -> ChannelArgs {
        ChannelArgs {
            channel: String::from(channel),
            secure_only: false,
            multitrack: multitrack.map(String::from),
            max_resolution: String::from(max_resolution),
        }
    }

    #[test]
    fn several_tracks_are_a_matter_of_the_channel() {
        use MultitrackInput::{Allow, NotAllowed, Require};
        let full = ResolutionClass::FullHd;
        let cases = [
            ("standard", None, "full-hd", Some(Allow { maximum_resolution: full })),
            ("standard", Some("off"), "full-hd", Some(NotAllowed)),
            ("standard", Some("require"), "sd", Some(Require { maximum_resolution: ResolutionClass::Sd })),
            ("basic", None, "full-hd", Some(NotAllowed)),
            ("advanced-hd", Some("off"), "hd", Some(NotAllowed)),
            ("basic", Some("allow"), "full-hd", None),
            ("standard", Some("maybe"), "full-hd", None),
            ("standard", None, "4k", None),
            ("premium", None, "full-hd", None),
        ];
        for (channel, policy, class, expected) in cases {
            let rules = rules(&args(channel, policy, class));
            assert_eq!(rules.ok().map(|rules| rules.multitrack), expected, "{channel} {policy:?} {class}");
        }
    }
}
