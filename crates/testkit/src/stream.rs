//! Access units that look real from the outside: aligned, at their bitrate, with parseable headers, and no picture
//! inside.

use std::sync::Arc;

use units::{
    AccessUnit, AudioCodec, AudioConfig, Dts, EncodeStamps, FrameCounts, FrameRate, Kbps, Pts,
    SAMPLE_RATE_HZ, Size, Span, StreamConfig, Track, TrackId, VideoCodec, VideoConfig, VideoProfile,
    span_from_samples,
};

use crate::bit_writer::BitWriter;
use crate::parameter_sets::{audio_specific_config, avc_decoder_configuration, nal_unit};

/// Samples in an AAC-LC frame (ISO/IEC 14496-3, 4.5.2.1.1).
const SAMPLES_PER_FRAME: u64 = 1_024;

/// One rung of a synthetic ladder.
#[derive(Clone, Copy, Debug)]
pub struct Rendition {
    /// Picture size.
    pub size: Size,
    /// The canvas' rate, or a whole fraction of it.
    pub rate: FrameRate,
    /// Mean bitrate that the units add up to.
    pub bitrate: Kbps,
}

/// An endless series of access units of some renditions and one mix of sound, in decode order.
pub struct SyntheticStream {
    config: StreamConfig,
    canvas: FrameRate,
    idr_every: u32,
    frame: u64,
    /// Renditions of the present frame that are still to be given out.
    track: usize,
    sound: u64,
    noise: u64,
}

impl SyntheticStream {
    /// Renditions in the order of their track ids, the first at the canvas' own rate; an IDR every `idr_every` canvas
    /// frames; AAC-LC at 160 kbps, 48 kHz, stereo.
    ///
    /// # Panics
    /// When a rendition's rate does not divide that of the first, which is a mistake in the test.
    pub fn new(renditions: &[Rendition], idr_every: u32) -> Self {
        let canvas = renditions.first().map_or(FrameRate::FPS_30, |first| first.rate);
        let video = (0u8..)
            .zip(renditions)
            .map(|(id, rendition)| {
                assert!(
                    canvas.divisor_to(rendition.rate).is_some(),
                    "{} does not divide {canvas}",
                    rendition.rate
                );
                Arc::new(VideoConfig {
                    track: TrackId(id),
                    codec: VideoCodec::Avc,
                    profile: VideoProfile::High,
                    size: rendition.size,
                    rate: rendition.rate,
                    bitrate: rendition.bitrate,
                    decoder_config: avc_decoder_configuration(rendition.size, rendition.rate).into(),
                })
            })
            .collect();
        let audio = vec![Arc::new(AudioConfig {
            track: TrackId::PRIMARY,
            codec: AudioCodec::AacLc,
            sample_rate_hz: SAMPLE_RATE_HZ,
            channels: 2,
            bitrate: Kbps(160),
            decoder_config: audio_specific_config().into(),
        })];
        let config = StreamConfig { video, audio };
        Self {
            config,
            canvas,
            idr_every: idr_every.max(1),
            frame: 0,
            track: 0,
            sound: 0,
            noise: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// One rendition of 1280x720 at 30 frames per second and 2500 kbps, an IDR every two seconds.
    pub fn single() -> Self {
        Self::ladder(1)
    }

    /// The upper `renditions` of 1080p, 720p, 480p and 360p at 30 frames per second, an IDR every two seconds. More
    /// than four are 360p as well. A ladder of one is 720p.
    pub fn ladder(renditions: usize) -> Self {
        let rungs = [(1920, 1080, 4_500), (1280, 720, 2_500), (852, 480, 1_200), (640, 360, 600)];
        let skip = usize::from(renditions == 1);
        let last = rungs.len() - 1;
        let renditions: Vec<Rendition> = (skip..skip + renditions)
            .filter_map(|at| rungs.get(at.min(last)))
            .filter_map(|(width, height, kbps)| {
                let size = Size::new(*width, *height).ok()?;
                Some(Rendition { size, rate: FrameRate::FPS_30, bitrate: Kbps(*kbps) })
            })
            .collect();
        Self::new(&renditions, 60)
    }

    /// Decoder configuration of all tracks.
    pub fn config(&self) -> StreamConfig {
        self.config.clone()
    }

    /// The units of the next `span` of media time.
    pub fn take_span(&mut self, span: Span) -> Vec<Arc<AccessUnit>> {
        let end = self.next_dts() + span;
        let mut units = Vec::new();
        while self.next_dts() < end {
            units.extend(self.next());
        }
        units
    }

    fn next_dts(&self) -> Dts {
        let picture = self.canvas.pts_of(self.frame).as_nanos();
        Dts::from_nanos(picture.min(span_from_samples(self.sound * SAMPLES_PER_FRAME).as_nanos()))
    }

    fn noise(&mut self, bytes: usize) -> impl Iterator<Item = u8> + '_ {
        (0..bytes).map(|_| {
            self.noise =
                self.noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Never below 16, so that no start code can arise by chance.
            let [byte, ..] = (self.noise >> 40).to_le_bytes();
            byte | 16
        })
    }

    fn picture(&mut self, config: &VideoConfig) -> AccessUnit {
        let is_idr = self.frame.is_multiple_of(u64::from(self.idr_every));
        let divisor = u64::from(self.canvas.divisor_to(config.rate).unwrap_or(1));
        let mean = config.bitrate.bits_per_sec() / 8 * u64::from(config.rate.denominator())
            / u64::from(config.rate.numerator());
        let pictures = (u64::from(self.idr_every) / divisor).max(1);
        // An IDR is four times the mean; the others share the rest.
        let bytes = if is_idr && pictures > 4 {
            mean * 4
        } else if pictures > 4 {
            mean * (pictures - 4) / (pictures - 1)
        } else {
            mean
        };
        let mut slice = BitWriter::default();
        slice.ue(0); // first_mb_in_slice
        slice.ue(if is_idr { 7 } else { 5 }); // slice_type: all I, all P
        slice.ue(0); // pic_parameter_set_id
        let in_gop = self.frame % u64::from(self.idr_every) / divisor;
        slice.bits(u32::try_from(in_gop % 256).unwrap_or(0), 8); // frame_num
        if is_idr {
            slice.ue(u32::try_from(self.frame / u64::from(self.idr_every) % 2).unwrap_or(0)); // idr_pic_id
        }
        let mut payload = slice.pad_with_ones();
        payload.extend(self.noise(usize::try_from(bytes).unwrap_or(0).max(16)));
        let nal = nal_unit(if is_idr { 0x65 } else { 0x41 }, payload);
        let mut data = u32::try_from(nal.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
        data.extend(nal);
        let pts = self.canvas.pts_of(self.frame);
        let made = self.frame / u64::from(self.canvas.divisor_to(config.rate).unwrap_or(1)) + 1;
        AccessUnit {
            track: Track::Video(config.track),
            pts,
            dts: Dts::from_nanos(pts.as_nanos()),
            span: config.rate.frame_span(),
            is_idr,
            is_disposable: false,
            index: self.frame,
            stamps: EncodeStamps {
                composed_at: pts.at(),
                encode_requested_at: pts.at() + Span::from_millis(2),
                encode_completed_at: pts.at() + Span::from_millis(8),
                counts: FrameCounts {
                    rendered: self.frame + 1,
                    lagged: 0,
                    input: made,
                    skipped: 0,
                    output: made,
                },
            },
            data: data.into(),
        }
    }

    fn sound(&mut self, config: &AudioConfig) -> AccessUnit {
        let first_sample = self.sound * SAMPLES_PER_FRAME;
        let bytes = config.bitrate.bits_per_sec() / 8 * SAMPLES_PER_FRAME / u64::from(config.sample_rate_hz);
        // A channel pair element (ISO/IEC 14496-3, table 4.4).
        let mut data = vec![0x21];
        data.extend(self.noise(usize::try_from(bytes).unwrap_or(0)));
        let pts = Pts::from_nanos(span_from_samples(first_sample).as_nanos());
        let span = span_from_samples(SAMPLES_PER_FRAME);
        let done = pts.at() + span;
        self.sound += 1;
        AccessUnit {
            track: Track::Audio(config.track),
            pts,
            dts: Dts::from_nanos(pts.as_nanos()),
            span,
            is_idr: true,
            is_disposable: false,
            index: first_sample,
            stamps: EncodeStamps {
                composed_at: done,
                encode_requested_at: done,
                encode_completed_at: done,
                ..EncodeStamps::default()
            },
            data: data.into(),
        }
    }
}

impl Iterator for SyntheticStream {
    type Item = Arc<AccessUnit>;

    fn next(&mut self) -> Option<Self::Item> {
        let sound_at = span_from_samples(self.sound * SAMPLES_PER_FRAME).as_nanos();
        let picture_at = self.canvas.pts_of(self.frame).as_nanos();
        if !self.config.video.is_empty() && picture_at <= sound_at {
            while let Some(config) = self.config.video.get(self.track).cloned() {
                self.track += 1;
                let divisor = u64::from(self.canvas.divisor_to(config.rate).unwrap_or(1));
                if self.frame.is_multiple_of(divisor) {
                    let unit = self.picture(&config);
                    self.step_over_absent();
                    return Some(Arc::new(unit));
                }
            }
        }
        let config = self.config.audio.first()?.clone();
        Some(Arc::new(self.sound(&config)))
    }
}

impl SyntheticStream {
    /// Goes on to the next frame when no rendition of this one is left.
    fn step_over_absent(&mut self) {
        let rest = self.config.video.get(self.track..).unwrap_or_default();
        let left = rest.iter().any(|config| {
            let divisor = u64::from(self.canvas.divisor_to(config.rate).unwrap_or(1));
            self.frame.is_multiple_of(divisor)
        });
        if !left {
            self.track = 0;
            self.frame += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_come_in_decode_order_with_aligned_idrs() {
        let mut stream = SyntheticStream::ladder(3);
        let units = stream.take_span(Span::from_secs(5));
        assert!(units.is_sorted_by_key(|unit| unit.dts));
        for track in 0..3 {
            let idrs: Vec<i64> = units
                .iter()
                .filter(|unit| unit.track == Track::Video(TrackId(track)) && unit.is_idr)
                .map(|unit| unit.pts.as_millis())
                .collect();
            assert_eq!(idrs, [0, 2_000, 4_000]);
        }
        let sound = units.iter().filter(|unit| !unit.is_video()).count();
        assert_eq!(sound, 235);
    }

    #[test]
    fn bytes_add_up_to_the_bitrate() {
        let mut stream = SyntheticStream::single();
        let units = stream.take_span(Span::from_secs(4));
        let bytes: usize = units.iter().filter(|unit| unit.is_video()).map(|unit| unit.data.len()).sum();
        let kbps = bytes * 8 / 4_000;
        assert!((2_450..2_560).contains(&kbps), "{kbps}");
    }

    #[test]
    fn half_rate_renditions_take_every_second_frame() {
        let size = Size::new(640, 360).unwrap();
        let full = Rendition { size, rate: FrameRate::FPS_60, bitrate: Kbps(1_000) };
        let half = Rendition { size, rate: FrameRate::FPS_30, bitrate: Kbps(500) };
        let mut stream = SyntheticStream::new(&[full, half], 120);
        let units = stream.take_span(Span::from_secs(1));
        let count = |id| units.iter().filter(|unit| unit.track == Track::Video(TrackId(id))).count();
        assert_eq!((count(0), count(1)), (60, 30));
    }
}
