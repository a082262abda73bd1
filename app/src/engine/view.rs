//! What the engine shows of itself: the View several times a second, the report at the end.

use std::sync::atomic::Ordering;

use control::{
    AlignmentView, AudioMeterView, DestinationView, LadderView, LiveState, OutputQueueView, PreferencesView,
    ProgramView, RecordingState, RecordingView, RenditionView, SceneView, ServersView, SourceView, View,
};
use units::{Kbps, Span, VideoCodec};

use super::Core;
use super::recording::{Recording, Status};
use crate::report::{
    CanvasFigures, ProcessFigures, RecordingFigures, RenditionFigures, Report, SoundFigures,
};

impl Core {
    pub(super) fn make_view(&self) -> View {
        let collection = self.history.present();
        let scenes = collection.scenes.iter().map(|scene| SceneView {
            id: scene.id,
            name: scene.name.clone(),
            is_program: scene.id == self.program,
        });
        View {
            collection: collection.name.clone(),
            is_rehearsal: self.machine.is_rehearsal,
            program: self.program_view(),
            scenes: scenes.collect(),
            items: self.item_views(),
            meters: self.meter_views(),
            renditions: self.rendition_views(),
            alignment: AlignmentView::default(),
            ladder: LadderView::default(),
            preferences: PreferencesView::default(),
            servers: ServersView::default(),
            go_live_sheet: false,
            question: None,
            destination: self.machine.destination.as_ref().map(|_| self.destination_view()),
            recording: self.recording_view(),
            problems: self.problems.iter().cloned().collect(),
            cpu_cores: self.cpu_cores,
            can_undo: self.history.can_undo(),
            can_redo: self.history.can_redo(),
        }
    }

    fn program_view(&self) -> ProgramView {
        let info = self.machine.gpu.info();
        let how = if info.is_software { "software" } else { "hardware" };
        ProgramView {
            size: self.settings.canvas,
            rate: self.settings.rate,
            adapter: format!("{} ({}, {how})", info.name, info.backend),
            rendered_frames: self.canvas.counters.rendered.load(Ordering::Relaxed),
            lagged_frames: self.canvas.counters.lagged.load(Ordering::Relaxed),
            transition: self.transition.0,
            transition_ms: self.transition.1,
        }
    }

    /// The items of the programme scene, the frontmost first.
    fn item_views(&self) -> Vec<SourceView> {
        let collection = self.history.present();
        let Some(scene) = collection.scene(self.program) else { return Vec::new() };
        let mut items: Vec<_> = scene.items.iter().collect();
        items.sort_by(|a, b| a.slot.z_index.total_cmp(&b.slot.z_index));
        let view = |item: &&scene::Item| {
            let source = collection.source(item.source)?;
            let (state, via) = self.sources.state(source.id);
            Some(SourceView {
                item: item.id,
                source: source.id,
                name: source.name.clone(),
                kind: source.kind.noun(),
                visible: item.visible,
                state,
                via,
            })
        };
        items.iter().rev().filter_map(view).collect()
    }

    fn meter_views(&self) -> Vec<AudioMeterView> {
        let levels = self.sound.levels();
        let collection = self.history.present();
        let mut strips: Vec<AudioMeterView> = collection
            .sources
            .iter()
            .filter(|source| source.kind.has_sound())
            .map(|source| {
                let strip = levels.sources.get(&source.id).copied().unwrap_or_default();
                AudioMeterView {
                    source: Some(source.id),
                    name: source.name.clone(),
                    muted: source.muted,
                    gain: source.gain,
                    delay_ms: source.delay_ms,
                    levels: strip.levels,
                    limiter_db: 0.0,
                    drift_ppm: strip.drift_ppm,
                    state: self.sources.state(source.id).0,
                }
            })
            .collect();
        strips.push(AudioMeterView {
            source: None,
            name: "Master".into(),
            muted: false,
            gain: 1.0,
            delay_ms: 0,
            levels: levels.master,
            limiter_db: levels.limiter_db,
            drift_ppm: 0.0,
            state: control::DeviceState::Running,
        });
        strips
    }

    fn rendition_views(&self) -> Vec<RenditionView> {
        let rendition = &self.settings.rendition;
        let stats = self.encoding.as_ref().and_then(|encoding| encoding.group.stats().into_iter().next());
        let encoder = self.encoding.as_ref().and_then(|encoding| encoding.encoders.first().cloned());
        let (measured, measured_fps) = self.measured.of(rendition.track);
        let idle = stats.is_none();
        vec![RenditionView {
            track: rendition.track,
            size: rendition.size,
            rate: rendition.rate,
            codec: VideoCodec::Avc,
            nominal: rendition.bitrate,
            target: rendition.bitrate,
            measured: if idle { Kbps(0) } else { measured },
            measured_fps: if idle { 0.0 } else { measured_fps },
            skipped_frames: stats.as_ref().map_or(0, |stats| stats.skipped),
            dropped_frames: 0,
            queue: 0,
            queue_limit: 0,
            restarts: 0,
            idrs: stats.as_ref().map_or(0, |stats| stats.idrs),
            idr_slips: stats.as_ref().map_or(0, |stats| stats.slips),
            encoder: encoder.unwrap_or_default(),
        }]
    }

    fn destination_view(&self) -> DestinationView {
        let needed = self.settings.rendition.bitrate + self.settings.audio_bitrate;
        let Some(live) = &self.live else {
            return DestinationView {
                address: self.address(),
                state: self.after_live,
                needed,
                ..DestinationView::default()
            };
        };
        let stats = live.output.stats();
        DestinationView {
            address: self.address(),
            state: live.state(),
            step: if live.state() == LiveState::Degraded {
                stats.health.words().to_owned()
            } else {
                stats.step.words().to_owned()
            },
            on_air: self.on_air(),
            upload: stats.upload,
            needed: live.needed,
            sent_bytes: stats.sent_bytes,
            acknowledged_bytes: stats.acknowledged_bytes.unwrap_or(0),
            composition_to_wire_ms: (stats.latency_recent.median.as_secs_f64() * 1000.0) as f32,
            queue: OutputQueueView {
                name: "stream".into(),
                waiting: stats.queue.waiting,
                bound: publish::QueueLimits::default().waiting,
                dropped_frames: stats.queue.dropped.units,
            },
        }
    }

    fn recording_view(&self) -> RecordingView {
        let status = match (&self.recording, &self.last_recording) {
            (Some(recording), _) => Recording::status(recording),
            (None, Some(last)) => last.clone(),
            (None, None) => Status::default(),
        };
        let room = self.room_bytes;
        let bits = (self.settings.rendition.bitrate + self.settings.audio_bitrate).bits_per_sec();
        RecordingView {
            state: status.state,
            folder: self.settings.record_into.as_deref().map(|f| f.display().to_string()).unwrap_or_default(),
            path: status.path.map(|path| path.display().to_string()).unwrap_or_default(),
            length: status.stats.duration,
            bytes: status.stats.bytes,
            room_left: room.map(|bytes| {
                Span::from_secs(i64::try_from(bytes.saturating_mul(8) / bits.max(1)).unwrap_or(i64::MAX))
            }),
        }
    }

    pub(super) fn make_report(&self) -> Report {
        let seconds = self.started.elapsed().as_secs_f64();
        let program = self.program_view();
        let renditions = self.rendition_views();
        let audio = self.sound.encoder_figures();
        let recording = self.last_recording.clone().unwrap_or_default();
        let cpu_seconds = self.process.cpu_ms() as f64 / 1000.0;
        Report {
            genlock: env!("CARGO_PKG_VERSION"),
            exit: 0,
            seconds,
            canvas: CanvasFigures {
                size: program.size.to_string(),
                fps: program.rate.to_string(),
                adapter: program.adapter,
                rendered_frames: program.rendered_frames,
                lagged_frames: program.lagged_frames,
                compose_ms: self.canvas.counters.compose.percentiles(),
            },
            renditions: renditions
                .into_iter()
                .map(|rendition| {
                    let stats = self.encoding.as_ref().and_then(|e| e.group.stats().into_iter().next());
                    RenditionFigures {
                        track: rendition.track.0,
                        size: rendition.size.to_string(),
                        fps: rendition.rate.to_string(),
                        target_kbps: rendition.target.0,
                        measured_kbps: rendition.measured.0,
                        encoder: rendition.encoder.name,
                        encoder_reason: rendition.encoder.reason,
                        output_frames: stats.map_or(0, |stats| stats.output),
                        skipped_frames: rendition.skipped_frames,
                        idrs: rendition.idrs,
                        idr_slips: rendition.idr_slips,
                    }
                })
                .collect(),
            sound: SoundFigures { encoder: audio.0, kbps: self.settings.audio_bitrate.0, units: audio.1 },
            destination: self.last_destination.clone(),
            recording: recording.path.as_ref().map(|path| RecordingFigures {
                path: path.display().to_string(),
                bytes: recording.stats.bytes,
                seconds: recording.stats.duration.as_secs_f64(),
                complete: recording.complete && recording.state == RecordingState::Off,
            }),
            process: ProcessFigures {
                cpu_seconds,
                cpu_cores: cpu_seconds / seconds.max(0.001),
                peak_memory_mb: self.process.peak_memory_bytes() as f64 / 1e6,
            },
            ingest: None,
            problems: self.all_problems.clone(),
        }
    }
}
