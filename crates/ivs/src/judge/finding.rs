//! What the judge has to say: how bad, under which code, in one sentence.

use serde::{Serialize, Serializer};
use units::MediaTime;

use crate::event::LimitBreach;

/// What the service would do about it, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The documents say that the service does not take such a stream.
    Refused,
    /// The documents say that the service ends such a stream.
    Disconnected,
    /// Viewers are likely to notice.
    Warning,
    /// Advice of the documents is not followed, or something worth knowing.
    Note,
}

impl Severity {
    /// Whether the stream is over.
    pub const fn ends_stream(self) -> bool {
        matches!(self, Self::Refused | Self::Disconnected)
    }
}

/// Whose name a code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NamedBy {
    /// The service's documents use this very code, event name or limit name.
    Service,
    /// The service names none; ours, in kebab-case.
    Genlock,
}

/// A stable code to look a finding up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Code {
    /// The code.
    #[serde(rename = "code")]
    pub name: &'static str,
    /// Whose it is.
    pub named_by: NamedBy,
}

impl Code {
    const fn service(name: &'static str) -> Self {
        Self { name, named_by: NamedBy::Service }
    }

    const fn genlock(name: &'static str) -> Self {
        Self { name, named_by: NamedBy::Genlock }
    }
}

/// All codes. The service's are those of "Using Amazon EventBridge with IVS Low-Latency Streaming", and of the field
/// `code` of `StreamEvent` in the IVS API reference.
pub mod code {
    use super::Code;

    /// Limit breach: too many bits per second.
    pub const INGEST_BITRATE: Code = Code::service("Ingest Bitrate");
    /// Limit breach: too many pixels.
    pub const INGEST_RESOLUTION: Code = Code::service("Ingest Resolution");
    /// Several tracks for a channel that takes one.
    pub const MULTITRACK_NOT_ALLOWED: Code = Code::service("MultitrackInputNotAllowed");
    /// One track for a channel that requires several.
    pub const MULTITRACK_REQUIRED: Code = Code::service("MultitrackInputRequired");
    /// The key of a GetClientConfiguration answer is wrong, expired or damaged.
    pub const CONFIGURED_KEY_INVALID: Code = Code::service("InvalidGetClientConfigurationStreamKey");
    /// Several tracks, and the key is none of a GetClientConfiguration answer.
    pub const CONFIGURED_KEY_REQUIRED: Code = Code::service("GetClientConfigurationStreamKeyRequired");
    /// Other tracks than were promised.
    pub const TRACK_COUNT: Code = Code::service("InvalidMultitrackInputTrackCount");
    /// A track's code, size, rate or bitrate is not the promised one.
    pub const MEDIA_PROPERTIES: Code = Code::service("InvalidMultitrackInputVideoTrackMediaProperties");
    /// Too little data comes.
    pub const STARVATION: Code = Code::service("Starvation Start");

    /// A takeover with other media than those of the stream on air.
    pub const TAKEOVER_MEDIA_MISMATCH: Code = Code::service("StreamTakeoverMediaMismatch");
    /// A takeover with a priority that is no greater than that of the stream on air, or out of range.
    pub const TAKEOVER_INVALID_PRIORITY: Code = Code::service("StreamTakeoverInvalidPriority");
    /// A takeover of a stream that was taken over as often as it may be.
    pub const TAKEOVER_LIMIT_BREACHED: Code = Code::service("StreamTakeoverLimitBreached");

    /// Another publisher took the stream over.
    pub const TAKEN_OVER: Code = Code::genlock("taken-over");
    /// The channel's owner ended the stream.
    pub const STREAM_STOPPED: Code = Code::genlock("stream-stopped");

    /// IDR pictures of the tracks have different timestamps.
    pub const IDRS_MISALIGNED: Code = Code::genlock("idrs-misaligned");
    /// An IDR picture without the three messages of broadcast performance metrics.
    pub const METRICS_MISSING: Code = Code::genlock("metrics-missing");
    /// Broadcast performance metrics behind the picture they belong in front of.
    pub const METRICS_LATE: Code = Code::genlock("metrics-behind-picture");
    /// Broadcast performance metrics in another form than the guide's.
    pub const METRICS_FORM: Code = Code::genlock("metrics-form");
    /// Frame counters that are not zero in the first segment.
    pub const METRICS_NOT_ZERO: Code = Code::genlock("metrics-not-zero-at-first");
    /// Fewer frames than were promised, but not so few that it is another rate.
    pub const FRAMES_MISSING: Code = Code::genlock("frames-missing");
    /// Nobody knows what was promised to this stream.
    pub const PROMISE_UNKNOWN: Code = Code::genlock("promise-unknown");
    /// The primary track is not packaged as single-track Enhanced RTMP.
    pub const PRIMARY_PACKAGING: Code = Code::genlock("primary-track-packaging");
    /// Several tracks in one message.
    pub const MANY_TRACKS_PACKAGING: Code = Code::genlock("many-tracks-packaging");
    /// A sequence header of one track behind media of others.
    pub const SEQUENCE_HEADER_LATE: Code = Code::genlock("sequence-header-late");
    /// A track that was not ended by its own message.
    pub const SEQUENCE_END_MISSING: Code = Code::genlock("sequence-end-missing");
    /// More sound than was granted.
    pub const AUDIO_TRACKS: Code = Code::genlock("audio-tracks");

    /// RTMP without TLS for a channel that does not allow it.
    pub const INSECURE_INGEST: Code = Code::genlock("insecure-ingest-not-allowed");
    /// Another RTMP application than `app`.
    pub const APP_UNKNOWN: Code = Code::genlock("app-unknown");
    /// No channel has this stream key.
    pub const KEY_UNKNOWN: Code = Code::genlock("stream-key-unknown");
    /// The stream key is no longer valid.
    pub const KEY_EXPIRED: Code = Code::genlock("stream-key-expired");
    /// A stream with this key is on air.
    pub const KEY_IN_USE: Code = Code::genlock("stream-key-in-use");
    /// Refused because the rehearsal was told to.
    pub const REHEARSED_FAULT: Code = Code::genlock("rehearsed-fault");
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: Code = Code::genlock("protocol-error");
    /// No data for 30 seconds.
    pub const SILENCE: Code = Code::genlock("no-data");
    /// On air for 48 hours.
    pub const MAXIMUM_DURATION: Code = Code::genlock("maximum-duration");
    /// Nothing was ever sent.
    pub const NO_MEDIA: Code = Code::genlock("no-media");
    /// Sound without picture.
    pub const AUDIO_ONLY: Code = Code::genlock("audio-only");
    /// Picture without sound.
    pub const VIDEO_ONLY: Code = Code::genlock("video-only");
    /// Not H.264.
    pub const VIDEO_CODEC: Code = Code::genlock("video-codec");
    /// Not AAC-LC.
    pub const AUDIO_CODEC: Code = Code::genlock("audio-codec");
    /// Neither 44.1 nor 48 kHz.
    pub const AUDIO_SAMPLE_RATE: Code = Code::genlock("audio-sample-rate");
    /// More than two channels.
    pub const AUDIO_CHANNELS: Code = Code::genlock("audio-channels");
    /// Outside of 96 to 320 kbps.
    pub const AUDIO_BITRATE: Code = Code::genlock("audio-bitrate");
    /// The picture alone stays below the limit, but with its sound it does not.
    pub const BITRATE_WITH_SOUND: Code = Code::genlock("bitrate-with-sound");
    /// More than 60 frames per second.
    pub const FRAME_RATE: Code = Code::genlock("frame-rate");
    /// No keyframe for more than 5 seconds.
    pub const KEYFRAME_LATE: Code = Code::genlock("keyframe-interval-too-long");
    /// Keyframes neither 1 nor 2 seconds apart.
    pub const KEYFRAME_INTERVAL: Code = Code::genlock("keyframe-interval");
    /// Keyframes at irregular times, as scene detection makes them.
    pub const KEYFRAME_IRREGULAR: Code = Code::genlock("keyframes-irregular");
    /// No keyframe at all.
    pub const KEYFRAME_MISSING: Code = Code::genlock("keyframe-missing");
    /// A frame flagged as keyframe that is no IDR, or the reverse.
    pub const KEYFRAME_FLAG: Code = Code::genlock("keyframe-flag");
    /// Not the recommended profile.
    pub const PROFILE: Code = Code::genlock("profile");
    /// Not 4:2:0 with 8 bits.
    pub const SAMPLING: Code = Code::genlock("chroma-sampling");
    /// Interlaced.
    pub const INTERLACED: Code = Code::genlock("interlaced");
    /// Not BT.709 in limited range.
    pub const COLOUR: Code = Code::genlock("colour");
    /// The picture size changed on air.
    pub const RESOLUTION_CHANGED: Code = Code::genlock("resolution-changed");
    /// Announced and sent media differ.
    pub const ANNOUNCED_DIFFERS: Code = Code::genlock("announced-differs");
    /// Media before its decoder configuration.
    pub const CONFIG_MISSING: Code = Code::genlock("decoder-configuration-missing");
    /// Bytes that do not follow their standard.
    pub const MALFORMED: Code = Code::genlock("malformed-media");
    /// Packets of a transport stream are missing.
    pub const PACKETS_MISSING: Code = Code::genlock("packets-missing");
    /// An SRT caller without the channel's passphrase, or with another one.
    pub const SRT_PASSPHRASE: Code = Code::genlock("srt-passphrase");
    /// Timestamps went backwards.
    pub const TIMESTAMP_BACKWARDS: Code = Code::genlock("timestamps-backwards");
    /// Timestamps jumped ahead.
    pub const TIMESTAMP_GAP: Code = Code::genlock("timestamp-gap");
    /// Sound and picture arrive far apart.
    pub const INTERLEAVING: Code = Code::genlock("sound-and-picture-apart");
}

/// A limit and how it was exceeded; the same figures as in the event.
pub type Breach = LimitBreach;

/// One thing the judge noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What the service would do.
    pub severity: Severity,
    /// Code, and whose it is.
    #[serde(flatten)]
    pub code: Code,
    /// When it was noticed, in milliseconds of media time in JSON.
    #[serde(rename = "at_ms", serialize_with = "millis")]
    pub at: MediaTime,
    /// For a person; never holds a stream key.
    pub sentence: String,
    /// Document and section that the rule was read in; empty when it is common sense.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub source: &'static str,
    /// Figures of a limit breach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breach: Option<Breach>,
}

impl Finding {
    /// A finding without breach figures.
    pub fn new(
        severity: Severity,
        code: Code,
        at: MediaTime,
        sentence: impl Into<String>,
        source: &'static str,
    ) -> Self {
        Self { severity, code, at, sentence: sentence.into(), source, breach: None }
    }
}

/// A finding and how often it was made. The sentence is that of the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CountedFinding {
    /// The first of its code.
    #[serde(flatten)]
    pub finding: Finding,
    /// Times it was made, at least 1.
    pub count: u64,
}

fn millis<S: Serializer>(at: &MediaTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(at.as_millis())
}

/// Collects findings: the first of each code is told, the rest are counted. So memory stays bounded by the number of
/// codes, whatever a peer sends.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    findings: Vec<CountedFinding>,
    untold: std::collections::VecDeque<Finding>,
}

impl Ledger {
    pub(super) fn report(&mut self, finding: Finding) {
        let known = self
            .findings
            .iter_mut()
            .find(|known| known.finding.code == finding.code && known.finding.severity <= finding.severity);
        if let Some(known) = known {
            known.count += 1;
            return;
        }
        // A worse one of the same code is told anew, and both stand in the report.
        self.untold.push_back(finding.clone());
        self.findings.push(CountedFinding { finding, count: 1 });
    }

    pub(super) fn take_untold(&mut self) -> Option<Finding> {
        self.untold.pop_front()
    }

    pub(super) fn has(&self, code: Code) -> bool {
        self.findings.iter().any(|known| known.finding.code == code)
    }

    /// Whether a finding so far ends the stream.
    pub(super) fn ends_stream(&self) -> bool {
        self.findings.iter().any(|known| known.finding.severity.ends_stream())
    }

    /// Findings so far, the worst first, then in the order they were made.
    pub(super) fn counted(&self) -> Vec<CountedFinding> {
        let mut findings = self.findings.clone();
        findings.sort_by_key(|counted| counted.finding.severity);
        findings
    }
}
