//! What a network check sends, and `genlock network`, which makes one without a show.

use std::io::Write;
use std::sync::Arc;

use encoder::RenditionConfig;
use ivs::IngestAddress;
use net::{CheckConfig, CheckFailure};
use publish::{CheckClip, Recommendation};
use serde_json::json;
use units::{Clock, FrameRate, Kbps, Secret, Size, Span, TrackId};

use crate::cli::NetworkArgs;
use crate::key;
use crate::outcome::{Exit, Failure};
use crate::show::Stagehands;

/// How long a check takes.
pub(crate) const LASTING: Span = Span::from_secs(12);
/// Bitrate of the clip itself; filling makes up the rest.
const CLIP: Kbps = Kbps(300);
/// The least to try: what a ladder of the service may need in all (IVS user guide, "Channel Types": 8.5 Mbps of input
/// on a standard channel).
const CEILING: Kbps = Kbps(8_500);

/// Encodes what is sent.
///
/// # Errors
/// Why nothing can be encoded here, as a sentence without its full stop.
pub(crate) fn clip(clock: &Arc<dyn Clock>) -> Result<CheckClip, String> {
    let size = Size::new(640, 360).map_err(|error| error.to_string())?;
    let rendition = RenditionConfig::new(TrackId::PRIMARY, size, FrameRate::FPS_30, CLIP);
    let (config, units) =
        encoder::still_clip(FrameRate::FPS_30, &rendition, clock).map_err(|error| error.to_string())?;
    Ok(CheckClip { config, units })
}

/// The check of `destination` for a stream that needs `total`. The headroom is looked for too.
pub(crate) fn config(
    destination: net::Destination,
    test_argument: bool,
    total: Kbps,
    clip: CheckClip,
) -> CheckConfig {
    let wanted = Kbps(total.0.saturating_mul(100 + publish::HEADROOM_PERCENT) / 100);
    CheckConfig {
        destination,
        test_argument,
        ceiling: CEILING.min(wanted.max(Kbps(1_000))),
        lasting: LASTING,
        clip,
    }
}

/// # Errors
/// What kept the check from starting.
pub(crate) fn run(args: &NetworkArgs) -> Result<Exit, Failure> {
    let address: IngestAddress = args.to.parse().map_err(|error: ivs::Error| {
        Failure::usage(
            "address.unreadable",
            format!("The address after --to can not be used: {error}."),
            "Write it like rtmps://HOST/app, as the channel's page shows it.",
        )
    })?;
    let key = key::find(args.key_file.as_deref())?;
    if key.is_none() && address.key().is_none() {
        return Err(Failure::usage(
            "key.missing",
            "There is no stream key.",
            format!("Put it into {} or into a file named with --key-file.", key::VARIABLE),
        ));
    }
    let hands = Stagehands::new()?;
    let clock: Arc<dyn Clock> = hands.clock.clone();
    let clip = clip(&clock).map_err(|why| {
        Failure::could_not_start(
            "network_check.clip",
            format!("Nothing to send could be encoded: {why}."),
            "Run `genlock doctor` to see which encoders work here.",
        )
    })?;
    let shown = address.to_string();
    let mut destination = net::Destination::new(address, key.unwrap_or_else(|| Secret::new("")));
    destination.ca.clone_from(&args.ca);
    let ceiling = args.max_bitrate.map_or(CEILING, Kbps);
    let config = CheckConfig { ceiling, ..config(destination, args.bandwidth_test, ceiling, clip) };
    let started = net::check_network(hands.runtime.handle(), config, clock).map_err(|error| {
        Failure::could_not_start(
            "network_check.start",
            format!("The check could not be started: {error}."),
            "",
        )
    })?;
    match hands.runtime.block_on(started.wait()) {
        Some(Ok(found)) => {
            tell(&shown, &found, args.json);
            Ok(Exit::Done)
        }
        Some(Err(CheckFailure::Connection(failure))) => {
            let exit = if failure.is_refusal() { Exit::Refused } else { Exit::CouldNotStart };
            Err(Failure::new(
                exit,
                failure.code(),
                failure.happened(),
                "Nothing was found out.",
                failure.advice(),
            ))
        }
        Some(Err(CheckFailure::Cancelled)) | None => Ok(Exit::Failed),
    }
}

fn tell(target: &str, found: &Recommendation, as_json: bool) {
    let text = if as_json {
        json!({
            "target": target,
            "carries_kbps": found.carries.0,
            "is_at_least": found.is_at_least,
            "jitter_ms": found.jitter.as_secs_f64() * 1000.0,
            "loss_percent": found.loss_percent,
            "recommended_kbps": found.recommended_total.0,
            "sentences": found.sentences,
        })
        .to_string()
    } else {
        found.sentences.join("\n")
    };
    // Nobody reads: not a failure of the check.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
