//! A stream of several renditions as a key promises them, and with one thing wrong.

use ertmp::MediaKind;
use ertmp::flv::{
    Form, FourCc, Timeline, coded_frame, sequence_end, sequence_start_audio, sequence_start_video,
};
use ingest::Ingest;
use ivs::client_configuration::{ClientConfiguration, EncoderConfiguration};
use ivs::metrics::{
    RenditionCounters, SessionCounters, Timestamps, UtcMillis, insert_before_first_slice, rendition_message,
    sei_nal, session_message, timestamp_message,
};
use serde_json::{Value, json};
use testkit::{Rendition, SyntheticStream};
use units::{AccessUnit, Dts, FrameRate, Kbps, Size, Span, Track, TrackId, VideoCodec};

use crate::publisher::*;

/// The three renditions of a 720p canvas at 30 frames per second: width, height, kbps.
pub const RUNGS: [(u32, u32, u32); 3] = [(1280, 720, 2500), (852, 480, 1000), (640, 360, 500)];

/// An answer that grants [`RUNGS`], in the form of obs-multitrack.md 1.12.
pub fn answer() -> Value {
    let renditions = RUNGS.map(|(width, height, kbps)| {
        json!({
            "type": "obs_x264", "width": width, "height": height,
            "framerate": { "numerator": 30, "denominator": 1 },
            "settings": { "rate_control": "CBR", "bitrate": kbps, "keyint_sec": 2, "profile": "main" },
        })
    });
    json!({
        "meta": { "service": "IVS", "schema_version": "2025-01-25", "config_id": "made elsewhere" },
        "encoder_configurations": renditions,
        "audio_configurations": {
            "live": [{ "codec": "aac", "track_id": 0, "channels": 2, "settings": { "bitrate": 160 } }],
        },
    })
}

/// Registers `answer`, and gives the stream name to publish with.
pub fn grant(ingest: &Ingest, answer: &Value) -> String {
    let answer = ClientConfiguration::parse(answer.to_string().as_bytes()).unwrap();
    stream_name(&ingest.grant(&answer).unwrap())
}

pub fn stream_name(granted: &ClientConfiguration) -> String {
    let key = granted.ingest_endpoints[0].authentication.as_ref().unwrap();
    format!("{}?clientConfigId={}", key.expose(), granted.config_id)
}

/// A show to publish, everything as [`answer`] promises unless it was changed.
pub struct Show {
    pub renditions: Vec<Rendition>,
    /// What the messages of the second track call its code.
    pub second_codec: FourCc,
    /// A track that has an IDR every second while the others have one every two.
    pub hasty_track: Option<TrackId>,
    /// A track whose IDRs have no metrics.
    pub silent_track: Option<TrackId>,
    pub seconds: i64,
}

impl Default for Show {
    fn default() -> Self {
        Self {
            renditions: RUNGS.map(|(width, height, kbps)| rendition(width, height, kbps)).to_vec(),
            second_codec: FourCc::AVC,
            hasty_track: None,
            silent_track: None,
            seconds: 7,
        }
    }
}

pub fn rendition(width: u32, height: u32, kbps: u32) -> Rendition {
    let size = Size::new(width, height).unwrap();
    Rendition { size, rate: FrameRate::FPS_30, bitrate: Kbps(kbps) }
}

impl Show {
    /// What a granted answer asks for.
    pub fn of(granted: &ClientConfiguration) -> Self {
        let rendition = |granted: &EncoderConfiguration| Rendition {
            size: granted.size,
            rate: granted.rate.unwrap(),
            bitrate: granted.bitrate().unwrap(),
        };
        Self { renditions: granted.encoder_configurations.iter().map(rendition).collect(), ..Self::default() }
    }

    /// Publishes to the end, or as far as the ingest lets it.
    pub async fn publish(&self, ingest: &Ingest, stream_name: &str) -> Publisher {
        let mut publisher = Publisher::dial(ingest, &ingest.addresses().rtmp, stream_name).await;
        publisher.expect_published().await;
        self.send(&mut publisher).await;
        publisher
    }

    pub async fn send(&self, publisher: &mut Publisher) {
        let mut stream = SyntheticStream::new(&self.renditions, 60);
        let config = stream.config();
        for video in &config.video {
            let mut body = sequence_start_video(video, Form::Enhanced).unwrap();
            self.rename(video.track, &mut body);
            publisher.send(MediaKind::Video, 0, body).await;
        }
        let sound = sequence_start_audio(&config.audio[0], Form::Legacy).unwrap();
        publisher.send(MediaKind::Audio, 0, sound).await;
        let units = stream.take_span(Span::from_secs(self.seconds));
        let mut hasty = SyntheticStream::new(&self.renditions, 30);
        let hasty = hasty.take_span(Span::from_secs(self.seconds));
        let timeline = Timeline::new(Dts::ZERO);
        for (unit, hasty) in units.iter().zip(&hasty) {
            let is_hasty = self.hasty_track.is_some_and(|track| unit.track == Track::Video(track));
            let unit = if is_hasty { hasty } else { unit };
            let at = timeline.timestamp_ms(unit.dts);
            match unit.track {
                Track::Audio(_) => {
                    let body = coded_frame(unit, FourCc::AAC, Form::Legacy).unwrap();
                    publisher.send(MediaKind::Audio, at, body).await;
                }
                Track::Video(track) => {
                    let with_metrics = unit.is_idr && self.silent_track != Some(track);
                    let unit = if with_metrics { with_metrics_before(unit) } else { AccessUnit::clone(unit) };
                    let mut body = coded_frame(&unit, FourCc::AVC, Form::Enhanced).unwrap();
                    self.rename(track, &mut body);
                    publisher.send(MediaKind::Video, at, body).await;
                }
            }
        }
    }

    /// Ends every track and says goodbye.
    pub async fn end(&self, publisher: &mut Publisher) {
        for id in (0u8..).take(self.renditions.len()) {
            let end = sequence_end(Track::Video(TrackId(id)), FourCc::AVC, Form::Enhanced).unwrap();
            publisher.send(MediaKind::Video, 1000 * u32::try_from(self.seconds).unwrap(), end.unwrap()).await;
        }
        publisher.say_goodbye().await;
    }

    /// Puts another code into a message of the second track: one byte of header, one that says OneTrack, then the code.
    fn rename(&self, track: TrackId, body: &mut [u8]) {
        if track == TrackId(1) {
            assert_eq!(&body[2..6], b"avc1");
            body[2..6].copy_from_slice(&self.second_codec.0);
        }
    }
}

/// The unit with the three messages of the guide in front of its picture, all counters zero in the first segment.
fn with_metrics_before(unit: &AccessUnit) -> AccessUnit {
    let now = UtcMillis(1_764_000_000_000 + unit.dts.as_millis());
    let frames = if unit.dts.as_millis() == 0 { 0 } else { 60 };
    let times = Timestamps { cts: now, fer: now, ferc: now, pir: now };
    let session = SessionCounters { rendered: frames, lagged: 0, dropped: 0, output: frames * 3 };
    let rendition = RenditionCounters { input: frames, skipped: 0, output: frames };
    let nals = [timestamp_message(&times), session_message(now, session), rendition_message(now, rendition)]
        .map(|payload| sei_nal(VideoCodec::Avc, &payload));
    let data = insert_before_first_slice(VideoCodec::Avc, &unit.data, &nals).unwrap();
    AccessUnit { data: data.into(), ..unit.clone() }
}
