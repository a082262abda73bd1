//! Judging the pictures of one track: code, size, rate, keyframes.

mod coding;
mod keyframes;

use core::fmt;

use units::{Dts, Kbps, MediaTime, Size, Span, TrackId, VideoCodec};

use super::Picture;
use super::bitrate::{RateBuffer, Throughput};
use super::finding::{Finding, Ledger, Severity, code};
use super::promised::{self, PromiseWatch};
use crate::event::LimitBreach;
use crate::ladder::PromisedTrack;
use crate::limits::{ChannelType, MAX_FRAME_RATE, ResolutionClass, Rule};

pub(super) use coding::{Coding, PictureSet, for_each_nal_unit};
pub(super) use keyframes::{GroupOfPictures, Keyframes};

const VIDEO_SETTINGS: &str = "IVS user guide, Streaming Configuration, Video Settings";

/// Timestamps further apart than this are a gap.
const GAP: Span = Span::from_secs(2);

/// What the pictures of a track are held to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions {
    pub(super) channel: ChannelType,
    /// The track is one of several; else limits of single-track streams apply.
    pub(super) several: bool,
    /// Largest picture of any of several tracks.
    pub(super) maximum: ResolutionClass,
    /// What the stream's key promises of it.
    pub(super) promised: Option<PromisedTrack>,
}

/// How a sentence calls a track.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject {
    /// The only one.
    Only,
    /// One of several.
    Track(TrackId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Only => f.write_str("The picture"),
            Self::Track(track) => write!(f, "Track {track}"),
        }
    }
}

/// One video track.
#[derive(Clone, Debug)]
pub(super) struct PictureTrack {
    pub(super) track: TrackId,
    coding: Option<Coding>,
    pub(super) throughput: Throughput,
    rate_buffer: RateBuffer,
    promise: PromiseWatch,
    pub(super) keyframes: Keyframes,
    pub(super) frames: u64,
    pub(super) newest: Option<Dts>,
    first: Option<Dts>,
    pub(super) backwards: u64,
    pub(super) reordered: bool,
    /// The highest frame rate measured between two keyframes, in frames per second.
    pub(super) peak_frame_rate: f64,
    /// It has sent nothing while others went on, and that was told.
    pub(super) is_silent: bool,
    /// IDR pictures that lack some of the three messages of metrics.
    pub(super) metrics_missing: u64,
}

impl PictureTrack {
    pub(super) fn new(track: TrackId) -> Self {
        Self {
            track,
            coding: None,
            throughput: Throughput::default(),
            rate_buffer: RateBuffer::default(),
            promise: PromiseWatch::default(),
            keyframes: Keyframes::default(),
            frames: 0,
            newest: None,
            first: None,
            backwards: 0,
            reordered: false,
            peak_frame_rate: 0.0,
            is_silent: false,
            metrics_missing: 0,
        }
    }

    pub(super) const fn coding(&self) -> Option<&Coding> {
        self.coding.as_ref()
    }

    pub(super) fn size(&self) -> Option<Size> {
        self.coding.as_ref().map(|coding| coding.set.size)
    }

    const fn subject(&self, conditions: &Conditions) -> Subject {
        if conditions.several { Subject::Track(self.track) } else { Subject::Only }
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

    /// Takes the decoder configuration record of `codec`.
    pub(super) fn configure(
        &mut self,
        codec: VideoCodec,
        record: &[u8],
        conditions: &Conditions,
        now: MediaTime,
        ledger: &mut Ledger,
    ) {
        match Coding::parse(codec, record) {
            Ok(coding) => {
                if let Some(before) = self.size() {
                    note_new_size(self.subject(conditions), before, coding.set.size, now, ledger);
                }
                self.judge_set(&coding.set, conditions, now, ledger);
                self.coding = Some(coding);
            }
            Err(error) => {
                let subject = self.subject(conditions);
                let sentence = format!("{subject}'s decoder configuration can not be read: {error}.");
                ledger.report(Finding::new(Severity::Refused, code::MALFORMED, now, sentence, ""));
            }
        }
    }

    /// Judges the size again: the track turned out to be one of several.
    pub(super) fn judge_size_again(&self, conditions: &Conditions, now: MediaTime, ledger: &mut Ledger) {
        if let Some(size) = self.size() {
            self.judge_size(size, conditions, now, ledger);
        }
    }

    /// Takes a picture; gives whether it is an IDR picture.
    pub(super) fn picture(
        &mut self,
        picture: &Picture<'_>,
        conditions: &Conditions,
        now: MediaTime,
        ledger: &mut Ledger,
    ) -> bool {
        self.frames += 1;
        self.is_silent = false;
        self.first.get_or_insert(picture.dts);
        self.throughput.add(picture.dts.as_nanos(), picture.data.len());
        self.watch_time(picture, conditions, now, ledger);
        let newest = self.newest.map_or(picture.dts, |newest| newest.max(picture.dts));
        self.newest = Some(newest);
        self.reordered |= picture.pts.as_nanos() != picture.dts.as_nanos();
        let subject = self.subject(conditions);
        let Some(coding) = &self.coding else {
            let sentence = match subject {
                Subject::Only => {
                    "Pictures came before their decoder configuration; no player can show them.".into()
                }
                Subject::Track(track) => format!(
                    "Pictures of track {track} came before their decoder configuration; no player can show them."
                ),
            };
            ledger.report(Finding::new(Severity::Warning, code::CONFIG_MISSING, now, sentence, ""));
            return false;
        };
        let scan = coding.scan(picture.data);
        if !scan.whole {
            let sentence = match subject {
                Subject::Only => {
                    "A picture's NAL units do not fill it exactly; decoders will stumble.".into()
                }
                Subject::Track(track) => format!(
                    "NAL units of a picture of track {track} do not fill it exactly; decoders will stumble."
                ),
            };
            ledger.report(Finding::new(Severity::Warning, code::MALFORMED, now, sentence, ""));
        }
        self.judge_flag(picture.keyframe, scan.has_idr, conditions, now, ledger);
        if let Some(group) = self.keyframes.picture(newest, scan.has_idr, now, ledger) {
            self.judge_frame_rate(group, conditions, now, ledger);
        }
        if let Some(set) = scan.new_set
            && let Some(before) = self.size()
            && set.size != before
        {
            note_new_size(subject, before, set.size, now, ledger);
            self.judge_set(&set, conditions, now, ledger);
            if let Some(coding) = &mut self.coding {
                coding.set = set;
            }
        }
        self.judge_bitrate(picture, conditions, now, ledger);
        scan.has_idr
    }

    fn judge_flag(
        &self,
        flagged: bool,
        has_idr: bool,
        conditions: &Conditions,
        now: MediaTime,
        ledger: &mut Ledger,
    ) {
        if flagged == has_idr {
            return;
        }
        let place = match self.subject(conditions) {
            Subject::Only => String::new(),
            Subject::Track(track) => format!(" of track {track}"),
        };
        let (severity, sentence) = if flagged {
            (
                Severity::Warning,
                format!(
                    "A picture{place} is flagged as keyframe but holds no IDR; players can not start there."
                ),
            )
        } else {
            (Severity::Note, format!("An IDR picture{place} is not flagged as keyframe."))
        };
        ledger.report(Finding::new(severity, code::KEYFRAME_FLAG, now, sentence, ""));
    }

    fn judge_frame_rate(
        &mut self,
        group: GroupOfPictures,
        conditions: &Conditions,
        now: MediaTime,
        ledger: &mut Ledger,
    ) {
        let rate = group.rate();
        self.peak_frame_rate = self.peak_frame_rate.max(rate);
        if let Some(promised) = &conditions.promised {
            self.promise.group(self.track, group, promised, now, ledger);
            return;
        }
        // Millisecond timestamps make a whole second of 60 pictures look up to 0.1 faster.
        if rate > f64::from(MAX_FRAME_RATE.value) + 0.5 {
            let sentence = format!(
                "{} runs at {rate:.1} frames per second; the service supports up to {}.",
                self.subject(conditions),
                MAX_FRAME_RATE.value
            );
            let source = MAX_FRAME_RATE.source;
            ledger.report(Finding::new(Severity::Refused, code::FRAME_RATE, now, sentence, source));
        }
    }

    fn judge_bitrate(
        &mut self,
        picture: &Picture<'_>,
        conditions: &Conditions,
        now: MediaTime,
        ledger: &mut Ledger,
    ) {
        if let Some(promised) = &conditions.promised {
            self.promise.picture(picture, promised, now, ledger);
        }
        let Some(size) = self.size() else { return };
        if conditions.several {
            return;
        }
        let channel = conditions.channel;
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

    fn watch_time(
        &mut self,
        picture: &Picture<'_>,
        conditions: &Conditions,
        now: MediaTime,
        ledger: &mut Ledger,
    ) {
        let Some(newest) = self.newest else { return };
        let subject = self.subject(conditions);
        let step = picture.dts - newest;
        if step <= Span::ZERO {
            self.backwards += 1;
            let whose = match subject {
                Subject::Only => String::from("A picture's timestamp"),
                Subject::Track(track) => format!("A timestamp of track {track}"),
            };
            let sentence = format!(
                "{whose} does not follow the one before ({} ms); players may freeze or skip.",
                step.as_millis()
            );
            ledger.report(Finding::new(Severity::Warning, code::TIMESTAMP_BACKWARDS, now, sentence, ""));
        } else if step > GAP {
            let sentence = format!(
                "{subject}'s timestamps jump ahead by {} ms; viewers see it stand still.",
                step.as_millis()
            );
            ledger.report(Finding::new(Severity::Warning, code::TIMESTAMP_GAP, now, sentence, ""));
        }
    }
}

fn note_new_size(subject: Subject, before: Size, after: Size, now: MediaTime, ledger: &mut Ledger) {
    if before != after {
        let sentence =
            format!("{subject} changed from {before} to {after} on air; not every player follows.");
        ledger.report(Finding::new(Severity::Warning, code::RESOLUTION_CHANGED, now, sentence, ""));
    }
}

impl PictureTrack {
    fn judge_set(&self, set: &PictureSet, conditions: &Conditions, now: MediaTime, ledger: &mut Ledger) {
        let subject = self.subject(conditions);
        self.judge_size(set.size, conditions, now, ledger);
        if set.chroma_format_idc != 1 || set.bit_depth_luma != 8 {
            let sentence = format!(
                "{subject} has {} bits and chroma format {}; the guide asks for 8-bit 4:2:0 (YUV420P).",
                set.bit_depth_luma, set.chroma_format_idc
            );
            ledger.report(Finding::new(Severity::Warning, code::SAMPLING, now, sentence, VIDEO_SETTINGS));
        }
        if !set.progressive {
            let source = "IVS user guide, Streaming Configuration, Use Progressive Signals";
            let sentence = format!("{subject} may be interlaced; the guide asks for progressive signals.");
            ledger.report(Finding::new(Severity::Warning, code::INTERLACED, now, sentence, source));
        }
        if !set.is_usual_profile && conditions.promised.is_none() {
            let sentence = format!("{subject} is {}; the guide recommends Main.", set.profile);
            ledger.report(Finding::new(Severity::Note, code::PROFILE, now, sentence, VIDEO_SETTINGS));
        }
        match set.colour {
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

    fn judge_size(&self, size: Size, conditions: &Conditions, now: MediaTime, ledger: &mut Ledger) {
        let subject = self.subject(conditions);
        match &conditions.promised {
            Some(promised) if promised.size != size => {
                promised::wrong_size(self.track, promised, size, now, ledger);
            }
            _ if conditions.several => judge_class(subject, size, conditions.maximum, now, ledger),
            _ => judge_resolution(subject, size, conditions.channel, now, ledger),
        }
    }
}

/// Judges the size of the picture of a single-track stream.
pub(super) fn judge_resolution(
    subject: Subject,
    size: Size,
    channel: ChannelType,
    now: MediaTime,
    ledger: &mut Ledger,
) {
    let (edge, total) = (channel.max_pixels_per_edge(), channel.max_total_pixels());
    judge_pixels(subject, size, edge, total, now, ledger);
}

/// Judges the size of one of several tracks.
fn judge_class(subject: Subject, size: Size, maximum: ResolutionClass, now: MediaTime, ledger: &mut Ledger) {
    judge_pixels(subject, size, maximum.max_pixels_per_edge(), maximum.max_total_pixels(), now, ledger);
}

fn judge_pixels(
    subject: Subject,
    size: Size,
    edge: Rule<u32>,
    total: Rule<u64>,
    now: MediaTime,
    ledger: &mut Ledger,
) {
    let (limit_value, value, limit_unit, source) = if size.longest_px() > edge.value {
        (u64::from(edge.value), u64::from(size.longest_px()), "pixels per edge", edge.source)
    } else if size.pixels() > total.value {
        (total.value, size.pixels(), "total pixels", total.source)
    } else {
        return;
    };
    let exceeded_by = value - limit_value;
    let sentence = format!(
        "{subject} is {size}: {value} {limit_unit}, and the service takes {limit_value}. It probably disconnects at \
         once."
    );
    let mut finding = Finding::new(Severity::Refused, code::INGEST_RESOLUTION, now, sentence, source);
    let limit_name = code::INGEST_RESOLUTION.name;
    finding.breach = Some(LimitBreach { limit_name, limit_value, exceeded_by, limit_unit });
    ledger.report(finding);
}
