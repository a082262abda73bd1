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
/// Takeovers of one stream, unless the account's quota was changed.
pub const MAX_TAKEOVERS: Rule<u32> = rule(100, "IVS user guide, Streaming Configuration, Stream Takeover");
/// Highest bitrate of all tracks of a multitrack stream together; only channels of type STANDARD take one.
pub const MAX_MULTITRACK_BITRATE: Rule<Kbps> =
    rule(Kbps(15_000), "IVS user guide, Service Quotas, Ingest bitrate (STANDARD, multitrack input)");
/// How long a stream key of a GetClientConfiguration answer is valid.
pub const CONFIGURED_KEY_VALIDITY: Rule<Span> = rule(
    Span::from_secs(48 * 3600),
    "IVS user guide, Multitrack Video Broadcast Software Integration Guide, Automatically Reconnecting",
);
/// Most attempts to connect again after a stream broke.
pub const MAX_RECONNECT_ATTEMPTS: Rule<u32> = rule(
    25,
    "IVS user guide, Multitrack Video Broadcast Software Integration Guide, Automatically Reconnecting",
);
/// Longest pause between two such attempts, of the software that the guide gives as its example.
pub const MAX_RECONNECT_PAUSE: Rule<Span> = rule(
    Span::from_secs(15 * 60),
    "IVS user guide, Multitrack Video Broadcast Software Integration Guide, Automatically Reconnecting",
);
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

/// Classes of picture sizes that limits of multitrack input are given in (the guide, "Resolutions for IVS").
///
/// The guide says "480 resolution" and means what people call 480p: the shorter edge, whatever the orientation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResolutionClass {
    /// Standard definition: up to 480.
    Sd,
    /// High definition: above 480, up to 720.
    Hd,
    /// Full high definition: above 720, up to 1080.
    #[default]
    FullHd,
}

impl ResolutionClass {
    /// All of them, the smallest first.
    pub const ALL: [Self; 3] = [Self::Sd, Self::Hd, Self::FullHd];

    /// The class that a picture of `size` belongs to; `None` when it is larger than all of them.
    pub fn of(size: Size) -> Option<Self> {
        Self::ALL.into_iter().find(|class| size.shortest_px() <= class.max_shorter_edge().value)
    }

    /// Longest shorter edge of a picture in pixels.
    pub const fn max_shorter_edge(self) -> Rule<u32> {
        const SOURCE: &str = "IVS user guide, Amazon IVS Multitrack Video, Resolutions for IVS";
        match self {
            Self::Sd => rule(480, SOURCE),
            Self::Hd => rule(720, SOURCE),
            Self::FullHd => rule(1080, SOURCE),
        }
    }

    /// Longest edge of one track's picture in pixels.
    pub const fn max_pixels_per_edge(self) -> Rule<u32> {
        match self {
            Self::Sd => rule(864, MULTITRACK_RESOLUTION),
            Self::Hd => rule(1280, MULTITRACK_RESOLUTION),
            Self::FullHd => rule(1920, MULTITRACK_RESOLUTION),
        }
    }

    /// Largest picture of one track in pixels altogether. The guide rounds (0.4M, 0.9M, 2.1M); these are the products
    /// of the edges it names.
    pub const fn max_total_pixels(self) -> Rule<u64> {
        match self {
            Self::Sd => rule(864 * 480, MULTITRACK_RESOLUTION),
            Self::Hd => rule(1280 * 720, MULTITRACK_RESOLUTION),
            Self::FullHd => rule(1920 * 1080, MULTITRACK_RESOLUTION),
        }
    }

    /// Whether a track of `size` is taken by a channel whose maximum is this class.
    pub fn takes(self, size: Size) -> bool {
        size.longest_px() <= self.max_pixels_per_edge().value
            && size.pixels() <= self.max_total_pixels().value
            && size.shortest_px() <= self.max_shorter_edge().value
    }

    /// The service's own spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sd => "SD",
            Self::Hd => "HD",
            Self::FullHd => "FULL_HD",
        }
    }
}

const MULTITRACK_RESOLUTION: &str = "IVS user guide, Service Quotas, Ingest resolution (multitrack input)";

impl fmt::Display for ResolutionClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ResolutionClass {
    type Err = Error;
    /// Reads the service's spelling, in any case and with `-` for `_`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let spelled = text.trim().to_ascii_uppercase().replace('-', "_");
        Self::ALL.into_iter().find(|class| class.name() == spelled).ok_or(Error::ResolutionClassUnknown)
    }
}

/// Whether a channel takes several video tracks (its `multitrackInputConfiguration`, with the values of the IVS API
/// reference: policy `ALLOW` or `REQUIRE`, and a maximum resolution).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MultitrackInput {
    /// Not configured: a stream with more than one track is ended with `MultitrackInputNotAllowed`.
    #[default]
    NotAllowed,
    /// Several tracks may come, and so may one.
    Allow {
        /// Largest picture of any track.
        maximum_resolution: ResolutionClass,
    },
    /// A stream with a plain key is ended: with `MultitrackInputRequired` when it has one track.
    Require {
        /// Largest picture of any track.
        maximum_resolution: ResolutionClass,
    },
}

impl MultitrackInput {
    /// Largest picture of any track; `None` when several tracks are not taken.
    pub const fn maximum_resolution(self) -> Option<ResolutionClass> {
        match self {
            Self::NotAllowed => None,
            Self::Allow { maximum_resolution } | Self::Require { maximum_resolution } => {
                Some(maximum_resolution)
            }
        }
    }

    /// Whether one track with a plain key is refused.
    pub const fn is_required(self) -> bool {
        matches!(self, Self::Require { .. })
    }
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
    fn resolutions_are_classed_by_the_shorter_edge() {
        use ResolutionClass::{FullHd, Hd, Sd};
        let size = |w, h| Size::new(w, h).unwrap();
        let cases = [
            (size(640, 360), Some(Sd)),
            (size(852, 480), Some(Sd)),
            (size(480, 854), Some(Sd)),
            (size(960, 540), Some(Hd)),
            (size(1280, 720), Some(Hd)),
            (size(720, 1280), Some(Hd)),
            (size(1280, 722), Some(FullHd)),
            (size(1080, 1920), Some(FullHd)),
            (size(1920, 1082), None),
        ];
        for (size, class) in cases {
            assert_eq!(ResolutionClass::of(size), class, "{size}");
            for maximum in ResolutionClass::ALL {
                assert_eq!(maximum.takes(size), class.is_some_and(|class| class <= maximum), "{size}");
            }
        }
        assert!(!Sd.takes(size(1280, 480)), "too wide for 480p");
        for class in ResolutionClass::ALL {
            assert_eq!(class.name().to_lowercase().replace('_', "-").parse(), Ok(class));
            assert_eq!(serde_json::to_value(class).unwrap(), class.name());
        }
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
