//! Synthetic streams of several tracks, sent as messages or kept as a file.

use std::sync::Arc;

use ertmp::MediaKind;
use ertmp::flv::{
    Form, FourCc, TagKind, coded_frame, file_header, file_tag, sequence_end, sequence_start,
    sequence_start_video,
};
use testkit::{Rendition, SyntheticStream};
use units::{FrameRate, Kbps, Size, StreamConfig, VideoConfig};

use crate::judge::*;
use crate::ladder::PromisedTrack;
use crate::limits::{ChannelType, ResolutionClass};
use crate::metrics::{
    RenditionCounters, SessionCounters, Timestamps, UtcMillis, insert_before_first_slice, rendition_message,
    sei_nal, session_message, timestamp_message,
};

/// 1280x720 H.265 Main as x265 wrote it.
pub(super) const HEVC_720P: &str = "0101600000009000000000005df000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003005d959809a10001002e42010101600000030090000003000003005da00280802d165959a4932bc05a808080820000030002000003003c10a2000100074401c172b46240";

pub(super) fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks_exact(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

pub(super) fn rendition(width: u32, height: u32, kbps: u32) -> Rendition {
    Rendition { size: Size::new(width, height).unwrap(), rate: FrameRate::FPS_30, bitrate: Kbps(kbps) }
}

/// A stream of several tracks, and what was promised of it. The default is as it should be.
#[derive(Clone)]
pub(super) struct Show {
    pub(super) multitrack: MultitrackInput,
    pub(super) channel: ChannelType,
    /// `None`: a plain key.
    pub(super) promised: Option<Vec<Rendition>>,
    pub(super) promised_codec: VideoCodec,
    pub(super) sent: Vec<Rendition>,
    /// Video tracks whose messages are left out altogether, headers and all.
    pub(super) dropped: &'static [u8],
    pub(super) seconds: i64,
    /// Changes units before metrics are put in; those it takes away are not sent.
    pub(super) units: fn(&mut Vec<AccessUnit>),
    /// The messages in front of the IDR picture with this number of this track.
    pub(super) metrics: fn(u8, u64) -> Vec<Vec<u8>>,
    pub(super) form: Form,
    pub(super) ends: bool,
    pub(super) hevc: bool,
}

impl Default for Show {
    fn default() -> Self {
        let ladder = vec![rendition(1280, 720, 2500), rendition(852, 480, 1200), rendition(640, 360, 600)];
        Self {
            multitrack: MultitrackInput::Allow { maximum_resolution: ResolutionClass::FullHd },
            channel: ChannelType::Standard,
            promised: Some(ladder.clone()),
            promised_codec: VideoCodec::Avc,
            sent: ladder,
            dropped: &[],
            seconds: 12,
            units: |_| {},
            metrics: three_messages,
            form: Form::Enhanced,
            ends: true,
            hevc: false,
        }
    }
}

pub(super) fn three_messages(_track: u8, idr: u64) -> Vec<Vec<u8>> {
    let now = UtcMillis(1_700_000_000_000 + i64::try_from(idr).unwrap() * 2000);
    let frames = if idr == 0 { 0 } else { 60 };
    vec![
        timestamp_message(&Timestamps { cts: now, fer: now, ferc: now, pir: now }),
        session_message(now, SessionCounters { rendered: frames, output: 3 * frames, ..Default::default() }),
        rendition_message(now, RenditionCounters { input: frames, skipped: 0, output: frames }),
    ]
}

/// The same pictures as H.265: its NAL unit types and its decoder configuration.
pub(super) fn as_hevc(config: &mut VideoConfig, units: &mut [AccessUnit]) {
    config.codec = VideoCodec::Hevc;
    config.decoder_config = bytes(HEVC_720P).into();
    for unit in units.iter_mut().filter(|unit| unit.track == Track::Video(config.track)) {
        let payload = unit.data.get(5..).unwrap().to_vec();
        let mut data = u32::try_from(payload.len() + 2).unwrap().to_be_bytes().to_vec();
        data.extend(if unit.is_idr { [19 << 1, 1] } else { [1 << 1, 1] });
        data.extend(payload);
        unit.data = data.into();
    }
}

impl Show {
    /// Configuration and units as they are sent, metrics and all.
    pub(super) fn make(&self) -> (StreamConfig, Vec<AccessUnit>) {
        let mut stream = SyntheticStream::new(&self.sent, 60);
        let mut config = stream.config();
        let mut units: Vec<AccessUnit> = stream
            .take_span(Span::from_secs(self.seconds))
            .iter()
            .map(|unit| unit.as_ref().clone())
            .collect();
        if self.hevc {
            for video in &mut config.video {
                let mut changed = video.as_ref().clone();
                as_hevc(&mut changed, &mut units);
                *video = Arc::new(changed);
            }
        }
        let is_dropped =
            |track| matches!(track, Track::Video(TrackId(track)) if self.dropped.contains(&track));
        config.video.retain(|video| !is_dropped(Track::Video(video.track)));
        units.retain(|unit| !is_dropped(unit.track));
        (self.units)(&mut units);
        let mut idrs = [0u64; 8];
        for unit in &mut units {
            let Track::Video(track) = unit.track else { continue };
            if unit.is_idr {
                let count = &mut idrs[usize::from(track.0)];
                let codec = if self.hevc { VideoCodec::Hevc } else { VideoCodec::Avc };
                let nals: Vec<Vec<u8>> =
                    (self.metrics)(track.0, *count).iter().map(|payload| sei_nal(codec, payload)).collect();
                unit.data = insert_before_first_slice(codec, &unit.data, &nals).unwrap().into();
                *count += 1;
            }
        }
        (config, units)
    }

    pub(super) fn rules(&self) -> Rules {
        Rules { multitrack: self.multitrack, channel_type: self.channel, ..Rules::default() }
    }

    pub(super) fn promise(&self) -> Option<Promise> {
        let tracks = self.promised.as_ref()?.iter().map(|rendition| PromisedTrack {
            codec: self.promised_codec,
            size: rendition.size,
            rate: rendition.rate,
            bitrate: rendition.bitrate,
        });
        Some(Promise { tracks: tracks.collect(), audio: vec![Kbps(160)] })
    }

    /// Every message in its order: kind, timestamp in milliseconds, body.
    pub(super) fn messages(&self) -> Vec<(MediaKind, u32, Vec<u8>)> {
        let (config, units) = self.make();
        let mut messages = Vec::new();
        for audio in &config.audio {
            let start = sequence_start(&TrackConfig::Audio(audio.as_ref().clone()), self.form).unwrap();
            messages.push((MediaKind::Audio, 0, start));
        }
        for video in &config.video {
            messages.push((MediaKind::Video, 0, sequence_start_video(video, self.form).unwrap()));
        }
        let video_code = FourCc::from(if self.hevc { VideoCodec::Hevc } else { VideoCodec::Avc });
        let mut end_ms = 0;
        for unit in &units {
            let (kind, code) = match unit.track {
                Track::Video(_) => (MediaKind::Video, video_code),
                Track::Audio(_) => (MediaKind::Audio, FourCc::AAC),
            };
            end_ms = u32::try_from(unit.dts.as_millis()).unwrap();
            messages.push((kind, end_ms, coded_frame(unit, code, self.form).unwrap()));
        }
        for video in config.video.iter().filter(|_| self.ends) {
            let end = sequence_end(Track::Video(video.track), video_code, self.form).unwrap();
            messages.extend(end.map(|end| (MediaKind::Video, end_ms, end)));
        }
        messages
    }

    pub(super) fn judge(&self) -> Verdict {
        let mut judge = Judge::new(self.rules());
        if let Some(promise) = self.promise() {
            judge.promise(promise);
        }
        judge.connected(Protocol::Rtmps, MediaTime::ZERO);
        judge.published(MediaTime::ZERO);
        let mut now = MediaTime::ZERO;
        for (kind, at_ms, body) in self.messages() {
            now = MediaTime::from_millis(i64::from(at_ms));
            judge.flv_tag(kind, at_ms, &body, now);
            judge.tick(now);
        }
        judge.finish(now)
    }

    /// Codes of all findings, the worst first.
    pub(super) fn codes(&self) -> Vec<&'static str> {
        self.judge().findings.iter().map(|counted| counted.finding.code.name).collect()
    }

    pub(super) fn said(&self) -> String {
        let verdict = self.judge();
        let mut said = String::from(if verdict.accepted { "accepted" } else { "refused" });
        for counted in &verdict.findings {
            let finding = &counted.finding;
            said.push_str(&format!(
                "\n{:?} {} at {} ms: {}",
                finding.severity,
                finding.code.name,
                finding.at.as_millis(),
                finding.sentence
            ));
        }
        said
    }
}

pub(super) fn configure(judge: &mut Judge, config: &StreamConfig) {
    for video in &config.video {
        judge.track_config(&TrackConfig::Video(video.as_ref().clone()), MediaTime::ZERO);
    }
    for audio in &config.audio {
        judge.track_config(&TrackConfig::Audio(audio.as_ref().clone()), MediaTime::ZERO);
    }
}

pub(super) fn is_video(unit: &AccessUnit, track: u8) -> bool {
    unit.track == Track::Video(TrackId(track))
}

/// The messages as a file, in pieces of an odd size.
pub(super) fn judge_file(show: &Show, promise: Option<Promise>) -> Verdict {
    let mut file = file_header(true, true).to_vec();
    for (kind, at_ms, body) in show.messages() {
        let kind = match kind {
            MediaKind::Audio => TagKind::Audio,
            MediaKind::Video => TagKind::Video,
        };
        file.extend(file_tag(kind, at_ms, &body).unwrap());
    }
    let mut judge = FlvFileJudge::new(show.rules());
    if let Some(promise) = promise {
        judge.promise(promise);
    }
    file.chunks(70_001).try_for_each(|piece| judge.push(piece)).unwrap();
    judge.finish()
}
