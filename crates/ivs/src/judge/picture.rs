//! Judging the picture: code, size, rate, keyframes.

mod keyframes;

use units::{Dts, Kbps, MediaTime, Size, Span};

use super::Picture;
use super::bitrate::{RateBuffer, Throughput};
use super::finding::{Finding, Ledger, Severity, code};
use crate::event::LimitBreach;
use crate::limits::{ChannelType, MAX_FRAME_RATE, Rules};
use crate::parameter_set::{AvcDecoderConfig, NAL_SPS, SequenceParameterSet};

pub(super) use keyframes::Keyframes;

const VIDEO_SETTINGS: &str = "IVS user guide, Streaming Configuration, Video Settings";
const CHANNEL_TYPES: &str = "IVS user guide, Streaming Configuration, Channel Types";

/// `nal_unit_type` of a slice of an IDR picture (H.264, table 7-1).
const NAL_IDR: u8 = 5;

/// Timestamps further apart than this are a gap.
const GAP: Span = Span::from_secs(2);

/// The one video track of a single-track stream.
#[derive(Clone, Debug, Default)]
pub(super) struct PictureTrack {
    config: Option<AvcDecoderConfig>,
    pub(super) throughput: Throughput,
    rate_buffer: RateBuffer,
    pub(super) keyframes: Keyframes,
    pub(super) frames: u64,
    pub(super) newest: Option<Dts>,
    first: Option<Dts>,
    pub(super) backwards: u64,
    pub(super) reordered: bool,
    /// The highest frame rate measured between two keyframes, in frames per second.
    pub(super) peak_frame_rate: f64,
}

impl PictureTrack {
    pub(super) fn sps(&self) -> Option<&SequenceParameterSet> {
        self.config.as_ref().map(|config| &config.sps)
    }

    pub(super) fn size(&self) -> Option<Size> {
        self.sps().map(|sps| sps.size)
    }

    /// From the first picture to the end of the newest.
    pub(super) fn span(&self) -> Span {
        let (Some(first), Some(newest)) = (self.first, self.newest) else {
            return Span::ZERO;
        };
        let between = newest - first;
        let intervals = i64::try_from(self.frames.saturating_sub(1)).unwrap_or(i64::MAX);
        if intervals == 0 { between } else { between + Span::from_nanos(between.as_nanos() / intervals) }
    }

    /// Pictures per second over the whole stream.
    pub(super) fn mean_frame_rate(&self) -> f64 {
        let seconds = self.span().as_secs_f64();
        if seconds > 0.0 { self.frames as f64 / seconds } else { 0.0 }
    }

    pub(super) fn configure(&mut self, record: &[u8], rules: &Rules, now: MediaTime, ledger: &mut Ledger) {
        match AvcDecoderConfig::parse(record) {
            Ok(config) => {
                if let Some(before) = self.size() {
                    note_new_size(before, config.sps.size, now, ledger);
                }
                judge_set(&config.sps, rules.channel_type, now, ledger);
                self.config = Some(config);
            }
            Err(error) => {
                let sentence = format!("The picture's decoder configuration can not be read: {error}.");
                ledger.report(Finding::new(Severity::Refused, code::MALFORMED, now, sentence, ""));
            }
        }
    }

    pub(super) fn picture(
        &mut self,
        picture: &Picture<'_>,
        rules: &Rules,
        now: MediaTime,
        ledger: &mut Ledger,
    ) {
        self.frames += 1;
        self.first.get_or_insert(picture.dts);
        self.throughput.add(picture.dts.as_nanos(), picture.data.len());
        self.watch_time(picture, now, ledger);
        let newest = self.newest.map_or(picture.dts, |newest| newest.max(picture.dts));
        self.newest = Some(newest);
        self.reordered |= picture.pts.as_nanos() != picture.dts.as_nanos();
        let Some(config) = &self.config else {
            let sentence = "Pictures came before their decoder configuration; no player can show them.";
            ledger.report(Finding::new(Severity::Warning, code::CONFIG_MISSING, now, sentence, ""));
            return;
        };
        let mut has_idr = false;
        let mut new_set = None;
        let whole = for_each_nal_unit(picture.data, config.length_size, |nal_unit| {
            match nal_unit.first().map(|header| header & 0b1_1111) {
                Some(NAL_IDR) => has_idr = true,
                Some(NAL_SPS) => new_set = SequenceParameterSet::parse(nal_unit).ok(),
                _ => {}
            }
        });
        if !whole {
            let sentence = "A picture's NAL units do not fill it exactly; decoders will stumble.";
            ledger.report(Finding::new(Severity::Warning, code::MALFORMED, now, sentence, ""));
        }
        self.judge_flag(picture.keyframe, has_idr, now, ledger);
        if let Some(rate) = self.keyframes.picture(newest, has_idr, now, ledger) {
            self.judge_frame_rate(rate, now, ledger);
        }
        if let (Some(set), Some(config)) = (new_set, &mut self.config)
            && set.size != config.sps.size
        {
            note_new_size(config.sps.size, set.size, now, ledger);
            judge_set(&set, rules.channel_type, now, ledger);
            config.sps = set;
        }
        self.judge_bitrate(picture, rules.channel_type, now, ledger);
    }

    fn judge_flag(&self, flagged: bool, has_idr: bool, now: MediaTime, ledger: &mut Ledger) {
        if flagged == has_idr {
            return;
        }
        let (severity, sentence) = if flagged {
            (
                Severity::Warning,
                "A picture is flagged as keyframe but holds no IDR; players can not start there.",
            )
        } else {
            (Severity::Note, "An IDR picture is not flagged as keyframe.")
        };
        ledger.report(Finding::new(severity, code::KEYFRAME_FLAG, now, sentence, ""));
    }

    fn judge_frame_rate(&mut self, rate: f64, now: MediaTime, ledger: &mut Ledger) {
        self.peak_frame_rate = self.peak_frame_rate.max(rate);
        // Millisecond timestamps make a whole second of 60 pictures look up to 0.1 faster.
        if rate > f64::from(MAX_FRAME_RATE.value) + 0.5 {
            let sentence = format!(
                "The picture runs at {rate:.1} frames per second; the service supports up to {}.",
                MAX_FRAME_RATE.value
            );
            let source = MAX_FRAME_RATE.source;
            ledger.report(Finding::new(Severity::Refused, code::FRAME_RATE, now, sentence, source));
        }
    }

    fn judge_bitrate(
        &mut self,
        picture: &Picture<'_>,
        channel: ChannelType,
        now: MediaTime,
        ledger: &mut Ledger,
    ) {
        let Some(size) = self.size() else { return };
        let limit = channel.max_bitrate(size);
        let Some(above) = self.rate_buffer.add(limit.value, picture.dts.as_nanos(), picture.data.len())
        else {
            return;
        };
        let measured = Kbps::from_bits_per_sec(limit.value.bits_per_sec().saturating_add(above));
        let mut finding = Finding::new(
            Severity::Disconnected,
            code::INGEST_BITRATE,
            now,
            format!(
                "The picture's bitrate reached {measured}; a {channel} channel takes {} at {size}. The service \
                 probably disconnects at once.",
                limit.value
            ),
            limit.source,
        );
        finding.breach = Some(LimitBreach {
            limit_name: code::INGEST_BITRATE.name,
            limit_value: limit.value.bits_per_sec(),
            exceeded_by: above,
            limit_unit: "bits per second",
        });
        ledger.report(finding);
    }

    fn watch_time(&mut self, picture: &Picture<'_>, now: MediaTime, ledger: &mut Ledger) {
        let Some(newest) = self.newest else { return };
        let step = picture.dts - newest;
        if step <= Span::ZERO {
            self.backwards += 1;
            let sentence = format!(
                "A picture's timestamp does not follow the one before ({} ms); players may freeze or skip.",
                step.as_millis()
            );
            ledger.report(Finding::new(Severity::Warning, code::TIMESTAMP_BACKWARDS, now, sentence, ""));
        } else if step > GAP {
            let sentence = format!(
                "The picture's timestamps jump ahead by {} ms; viewers see it stand still.",
                step.as_millis()
            );
            ledger.report(Finding::new(Severity::Warning, code::TIMESTAMP_GAP, now, sentence, ""));
        }
    }
}

fn note_new_size(before: Size, after: Size, now: MediaTime, ledger: &mut Ledger) {
    if before != after {
        let sentence =
            format!("The picture changed from {before} to {after} on air; not every player follows.");
        ledger.report(Finding::new(Severity::Warning, code::RESOLUTION_CHANGED, now, sentence, ""));
    }
}

fn judge_set(sps: &SequenceParameterSet, channel: ChannelType, now: MediaTime, ledger: &mut Ledger) {
    judge_resolution(sps.size, channel, now, ledger);
    if sps.chroma_format_idc != 1 || sps.bit_depth_luma != 8 {
        let sentence = format!(
            "The picture has {} bits and chroma format {}; the guide asks for 8-bit 4:2:0 (YUV420P).",
            sps.bit_depth_luma, sps.chroma_format_idc
        );
        ledger.report(Finding::new(Severity::Warning, code::SAMPLING, now, sentence, VIDEO_SETTINGS));
    }
    if !sps.progressive {
        let source = "IVS user guide, Streaming Configuration, Use Progressive Signals";
        let sentence = "The picture may be interlaced; the guide asks for progressive signals.";
        ledger.report(Finding::new(Severity::Warning, code::INTERLACED, now, sentence, source));
    }
    if !matches!(sps.profile_idc, 77 | 100) {
        let sentence = format!("The picture is {}; the guide recommends Main.", sps.profile_name());
        ledger.report(Finding::new(Severity::Note, code::PROFILE, now, sentence, VIDEO_SETTINGS));
    }
    match sps.colour {
        Some(colour) if colour.is_bt709_limited() => {}
        Some(colour) => {
            let range = if colour.full_range { "full" } else { "limited" };
            let sentence = format!(
                "The colours are signalled as primaries {}, transfer {}, matrix {} in {range} range; the guide \
                 recommends BT.709, and its examples have limited range.",
                colour.primaries, colour.transfer, colour.matrix
            );
            ledger.report(Finding::new(Severity::Note, code::COLOUR, now, sentence, VIDEO_SETTINGS));
        }
        None => {
            let sentence = "The colours are not signalled; the guide recommends BT.709.";
            ledger.report(Finding::new(Severity::Note, code::COLOUR, now, sentence, VIDEO_SETTINGS));
        }
    }
}

pub(super) fn judge_resolution(size: Size, channel: ChannelType, now: MediaTime, ledger: &mut Ledger) {
    let (edge, total) = (channel.max_pixels_per_edge(), channel.max_total_pixels());
    let (limit_value, value, limit_unit, source) = if size.longest_px() > edge.value {
        (u64::from(edge.value), u64::from(size.longest_px()), "pixels per edge", edge.source)
    } else if size.pixels() > total.value {
        (total.value, size.pixels(), "total pixels", total.source)
    } else {
        return;
    };
    let exceeded_by = value - limit_value;
    let sentence = format!(
        "The picture is {size}: {value} {limit_unit}, and the service takes {limit_value}. It probably disconnects at \
         once."
    );
    let mut finding = Finding::new(Severity::Refused, code::INGEST_RESOLUTION, now, sentence, source);
    let limit_name = code::INGEST_RESOLUTION.name;
    finding.breach = Some(LimitBreach { limit_name, limit_value, exceeded_by, limit_unit });
    ledger.report(finding);
}

/// Sound and picture together against the channel's limit. The quota is on "bits per second that can be streamed to a
/// channel", while "Resolution/Bitrate/FPS" recommends up to the very same figure for the picture alone: so this is a
/// warning, and the picture alone above the limit is a breach.
#[derive(Clone, Debug, Default)]
pub(super) struct WholeStream(RateBuffer);

impl WholeStream {
    pub(super) fn add(
        &mut self,
        (channel, size): (ChannelType, Size),
        at_nanos: i64,
        bytes: usize,
        now: MediaTime,
        ledger: &mut Ledger,
    ) {
        let limit = channel.max_bitrate(size).value;
        let Some(above) = self.0.add(limit, at_nanos, bytes) else {
            return;
        };
        if ledger.has(code::INGEST_BITRATE) {
            return;
        }
        let sentence = format!(
            "Picture and sound together are {} above the {limit} that a {channel} channel takes at {size}; lower the \
             picture's bitrate by that much to be safe.",
            Kbps::from_bits_per_sec(above.max(1000))
        );
        ledger.report(Finding::new(
            Severity::Warning,
            code::BITRATE_WITH_SOUND,
            now,
            sentence,
            CHANNEL_TYPES,
        ));
    }
}

/// Calls `each` with every NAL unit behind its length of `length_size` bytes. `false` when the lengths do not fill
/// `data` exactly.
fn for_each_nal_unit(data: &[u8], length_size: u8, mut each: impl FnMut(&[u8])) -> bool {
    let mut rest = data;
    while !rest.is_empty() {
        let Some((length, after)) = rest.split_at_checked(usize::from(length_size)) else {
            return false;
        };
        let length = length.iter().fold(0usize, |length, byte| length << 8 | usize::from(*byte));
        let Some((nal_unit, after)) = after.split_at_checked(length) else {
            return false;
        };
        each(nal_unit);
        rest = after;
    }
    true
}
