//! The numbers and policies of the service as data, each with the section of the guide it was read in.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use units::{Kbps, Size, Span};

use crate::Error;
use crate::address::Protocol;

/// A value of the service's documents and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule<T> {
    /// The value.
    pub value: T,
    /// Document and section.
    pub source: &'static str,
}

const fn rule<T: Copy>(value: T, source: &'static str) -> Rule<T> {
    Rule { value, source }
}

/// Longest stream; then the service ends it.
pub const MAX_STREAM_DURATION: Rule<Span> =
    rule(Span::from_secs(48 * 3600), "IVS user guide, Step 5: Set Up Streaming Software, notes");
/// How long the service waits for data before it disconnects.
pub const MAX_SILENCE: Rule<Span> =
    rule(Span::from_secs(30), "IVS user guide, Step 5: Set Up Streaming Software, notes");
/// Recommended keyframe interval.
pub const KEYFRAME_INTERVAL: Rule<Span> =
    rule(Span::from_secs(2), "IVS user guide, Streaming Configuration, Reducing Latency");
/// Recommended keyframe interval for the lowest latency.
pub const KEYFRAME_INTERVAL_LOWEST_LATENCY: Rule<Span> =
    rule(Span::from_secs(1), "IVS user guide, Streaming Configuration, Reducing Latency");
/// Keyframe interval above which segments may not begin with a keyframe.
pub const MAX_KEYFRAME_INTERVAL: Rule<Span> =
    rule(Span::from_secs(5), "IVS user guide, Streaming Configuration, Reducing Latency");
/// How far ahead of its bitrate a stream may run: the encoder's buffer holds at most one second at the average
/// bitrate.
pub const MAX_RATE_BUFFER: Rule<Span> =
    rule(Span::from_secs(1), "IVS user guide, Streaming Configuration, Reducing Latency");
/// Highest frame rate in frames per second.
pub const MAX_FRAME_RATE: Rule<u32> =
    rule(60, "IVS user guide, Streaming Configuration, Resolution/Bitrate/FPS");
/// Lowest bitrate of sound.
pub const MIN_AUDIO_BITRATE: Rule<Kbps> =
    rule(Kbps(96), "IVS user guide, Streaming Configuration, Audio Settings");
/// Highest bitrate of sound.
pub const MAX_AUDIO_BITRATE: Rule<Kbps> =
    rule(Kbps(320), "IVS user guide, Streaming Configuration, Audio Settings");
/// Sample rates of sound in Hz.
pub const AUDIO_SAMPLE_RATES_HZ: Rule<[u32; 2]> =
    rule([44_100, 48_000], "IVS user guide, Streaming Configuration, Audio Settings");
/// Most channels of sound.
pub const MAX_AUDIO_CHANNELS: Rule<u8> = rule(2, "IVS user guide, Streaming Configuration, Audio Settings");
/// Keys per channel, and so publishers at a time unless one takes over.
pub const STREAM_KEYS_PER_CHANNEL: Rule<u8> =
    rule(1, "IVS user guide, Service Quotas, Other Quotas: Stream key");
/// Highest priority of a stream takeover; the lowest is 1.
pub const MAX_PRIORITY: Rule<u32> =
    rule(2_147_483_647, "IVS user guide, Streaming Configuration, Stream Takeover");
/// The one RTMP application of the service.
pub const RTMP_APP: Rule<&str> =
    rule("app", "IVS user guide, Streaming Configuration, Stream Ingest: Codecs and Ingest Protocols");

/// What a channel was created as. It decides the allowed bitrate (the guide, "Channel Types").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChannelType {
    /// Transmuxed; one rendition.
    Basic,
    /// Transcoded up to 1080p; the default.
    #[default]
    Standard,
    /// Transcoded up to 480p.
    AdvancedSd,
    /// Transcoded up to 720p.
    AdvancedHd,
}

impl ChannelType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Basic, Self::Standard, Self::AdvancedSd, Self::AdvancedHd];

    /// Highest ingest bitrate of a single-track stream whose picture is `size`.
    pub fn max_bitrate(self, size: Size) -> Rule<Kbps> {
        match self {
            Self::Basic if is_480p_or_less(size) => {
                rule(Kbps(1500), "IVS user guide, Service Quotas, Ingest bitrate (BASIC)")
            }
            Self::Basic => rule(Kbps(3500), "IVS user guide, Service Quotas, Ingest bitrate (BASIC)"),
            Self::Standard => rule(Kbps(8500), "IVS user guide, Service Quotas, Ingest bitrate (STANDARD)"),
            Self::AdvancedSd => {
                rule(Kbps(8500), "IVS user guide, Service Quotas, Ingest bitrate (ADVANCED_SD)")
            }
            Self::AdvancedHd => {
                rule(Kbps(8500), "IVS user guide, Service Quotas, Ingest bitrate (ADVANCED_HD)")
            }
        }
    }

    /// Largest single-track picture in pixels altogether. The guide rounds to 2.1M; the figures it rounds elsewhere
    /// (0.4M with 864 pixels per edge, 0.9M with 1280) are the products of the edges, so this is 1920 x 1080.
    pub const fn max_total_pixels(self) -> Rule<u64> {
        rule(1920 * 1080, "IVS user guide, Service Quotas, Ingest resolution (single-track input)")
    }

    /// Longest edge of a single-track picture in pixels.
    pub const fn max_pixels_per_edge(self) -> Rule<u32> {
        rule(1920, "IVS user guide, Service Quotas, Ingest resolution (single-track input)")
    }

    /// The service's own spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "BASIC",
            Self::Standard => "STANDARD",
            Self::AdvancedSd => "ADVANCED_SD",
            Self::AdvancedHd => "ADVANCED_HD",
        }
    }
}

/// 480p is 0.4M pixels with 864 per edge (the guide, "Service Quotas", Ingest resolution with multitrack input, SD).
fn is_480p_or_less(size: Size) -> bool {
    size.pixels() <= 864 * 480 && size.longest_px() <= 864
}

impl fmt::Display for ChannelType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ChannelType {
    type Err = Error;
    /// Reads the service's spelling, in any case and with `-` for `_`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let spelled = text.trim().to_ascii_uppercase().replace('-', "_");
        Self::ALL.into_iter().find(|kind| kind.name() == spelled).ok_or(Error::ChannelTypeUnknown)
    }
}

/// Whether a channel takes several video tracks (its `multitrackInputConfiguration`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MultitrackInput {
    /// Not configured: a stream with more than one track is ended with `MultitrackInputNotAllowed`.
    #[default]
    NotAllowed,
}

/// How the channel is configured that a stream is judged for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// The channel's type.
    pub channel_type: ChannelType,
    /// The channel's `insecureIngest`: RTMP without TLS is taken (the guide, "Stream Ingest: Codecs and Ingest
    /// Protocols").
    pub insecure_ingest: bool,
    /// The channel's policy for several tracks.
    pub multitrack: MultitrackInput,
}

impl Rules {
    /// Whether the channel takes a stream over `protocol`. SRT is held to its passphrase elsewhere.
    pub const fn allows(&self, protocol: Protocol) -> bool {
        self.insecure_ingest || !matches!(protocol, Protocol::Rtmp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitrates_by_channel_and_resolution() {
        let size = |w, h| Size::new(w, h).unwrap();
        for sd in [size(852, 480), size(480, 854), size(864, 480), size(640, 360)] {
            assert_eq!(ChannelType::Basic.max_bitrate(sd).value, Kbps(1500), "{sd}");
        }
        for above in [size(960, 540), size(1280, 720), size(1080, 1920), size(1280, 240)] {
            assert_eq!(ChannelType::Basic.max_bitrate(above).value, Kbps(3500), "{above}");
        }
        for kind in [ChannelType::Standard, ChannelType::AdvancedSd, ChannelType::AdvancedHd] {
            assert_eq!(kind.max_bitrate(size(640, 360)).value, Kbps(8500));
        }
    }

    #[test]
    fn channel_types_read_back() {
        for kind in ChannelType::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!("advanced-hd".parse(), Ok(ChannelType::AdvancedHd));
        assert!("PREMIUM".parse::<ChannelType>().is_err());
    }

    #[test]
    fn rtmp_without_tls_needs_permission() {
        let strict = Rules::default();
        assert!(
            !strict.allows(Protocol::Rtmp) && strict.allows(Protocol::Rtmps) && strict.allows(Protocol::Srt)
        );
        assert!(Rules { insecure_ingest: true, ..strict }.allows(Protocol::Rtmp));
    }
}
