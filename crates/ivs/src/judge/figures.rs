//! From the state of the judge to what is shown of it.

use units::{MediaTime, Span};

use super::picture::{Keyframes, PictureTrack};
use super::{AlignmentFigures, Figures, Judge, KeyframeFigures, TrackFigures};

impl Judge {
    pub(super) fn figures(&self, now: MediaTime) -> Figures {
        let several = self.has_several();
        let (sound, sound_config) = (&self.sound, self.sound.config);
        let mut figures = Figures {
            duration_ms: sound.span().as_millis(),
            audio_frames: sound.frames,
            audio_bytes: sound.throughput.bytes,
            audio_kbps: sound.throughput.mean_over(sound.span()).0,
            audio_sample_rate_hz: sound_config.map(|config| config.sample_rate_hz),
            audio_channels: sound_config.and_then(|config| config.channels),
            backward_timestamps: sound.backwards
                + self.pictures.iter().map(|track| track.backwards).sum::<u64>(),
            starvations: self.arrival.starvations,
            starved_ms: self.arrival.starved(now).as_millis(),
            tracks: if several {
                self.pictures.iter().map(|track| self.track(track)).collect()
            } else {
                vec![]
            },
            alignment: several.then_some(AlignmentFigures {
                idrs: self.alignment.idrs,
                misaligned: self.alignment.misaligned,
            }),
            metrics: (several && self.metrics.are_expected).then(|| self.metrics.figures()),
            ..Figures::default()
        };
        if let Some(picture) = self.pictures.first() {
            figures.duration_ms = picture.span().max(sound.span()).as_millis();
            figures.video_frames = picture.frames;
            figures.video_bytes = picture.throughput.bytes;
            figures.video_kbps = picture.throughput.mean_over(picture.span()).0;
            figures.video_peak_kbps = picture.throughput.peak().0;
            figures.video_size_px = size_px(picture);
            figures.video_profile = profile(picture);
            figures.frame_rate = thousandths(picture.mean_frame_rate());
            figures.reordered = picture.reordered;
            figures.keyframes = keyframes(&picture.keyframes);
        }
        figures
    }

    fn track(&self, track: &PictureTrack) -> TrackFigures {
        let coding = track.coding();
        TrackFigures {
            track: track.track.0,
            codec: coding.map(|coding| coding.codec.to_string()),
            size_px: size_px(track),
            profile: profile(track),
            frames: track.frames,
            bytes: track.throughput.bytes,
            kbps: track.throughput.mean_over(track.span()).0,
            peak_kbps: track.throughput.peak().0,
            frame_rate: thousandths(track.mean_frame_rate()),
            signalled_frame_rate: coding.and_then(|coding| coding.set.signalled_rate).map(thousandths),
            keyframes: keyframes(&track.keyframes),
            metrics_missing: track.metrics_missing,
            ended: self.packaging.has_ended(track.track),
        }
    }
}

fn size_px(track: &PictureTrack) -> Option<[u32; 2]> {
    track.size().map(|size| [size.width_px(), size.height_px()])
}

fn profile(track: &PictureTrack) -> Option<String> {
    track.coding().map(|coding| format!("{} {}", coding.set.profile, coding.set.level))
}

fn keyframes(keyframes: &Keyframes) -> KeyframeFigures {
    KeyframeFigures {
        count: keyframes.count,
        shortest_ms: keyframes.shortest.map(Span::as_millis),
        mean_ms: keyframes.mean().map(Span::as_millis),
        longest_ms: keyframes.longest.map(Span::as_millis),
        irregular: keyframes.irregular,
    }
}

fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
