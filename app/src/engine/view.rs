//! What the engine shows of itself: the View several times a second, the report at the end.

use std::sync::atomic::Ordering;

use control::{
    AlignmentView, AudioMeterView, EncoderView, GrantedRendition, LadderView, ProgramView, RecordingState,
    RecordingView, RenditionView, SceneView, SettingView, SourceEntry, SourceView, View,
};
use encoder::{Alignment, TrackReport};
use units::{Clock, Kbps, Span, Track};

use super::Core;
use super::approach::Approach;
use super::encoding::EncodingFigures;
use super::recording::{Recording, Status};
use crate::report::{
    CanvasFigures, LadderFigures, ProcessFigures, RecordingFigures, RenditionFigures, Report, SettingFigures,
    SoundFigures,
};

impl Core {
    pub(super) fn make_view(&self) -> View {
        let collection = self.history.present();
        let scenes = collection.scenes.iter().map(|scene| SceneView {
            id: scene.id,
            name: scene.name.clone(),
            is_program: scene.id == self.program,
        });
        let figures = self.encoding_figures();
        View {
            collection: collection.name.clone(),
            is_rehearsal: self.machine.is_rehearsal,
            program: self.program_view(),
            scenes: scenes.collect(),
            items: self.item_views(),
            sources: self.source_entries(),
            devices: self.devices.view(),
            meters: self.meter_views(),
            renditions: self.rendition_views(&figures),
            alignment: AlignmentView {
                idrs: figures.alignment.idrs,
                misaligned: figures.alignment.misaligned,
                healed: figures.alignment.healed,
            },
            ladder: self.ladder_view(&figures),
            preferences: self.preferences_view(),
            servers: self.servers_view(),
            go_live_sheet: self.asks_service() || self.missing_destination().is_some(),
            question: self.approach.as_ref().and_then(Approach::question).cloned(),
            destinations: self.destination_views(),
            pairing: self.pairing_view(),
            network_check: self.network_check_view(),
            machine: self.machine_view(),
            recording: self.recording_view(),
            desktop: self.desktop_view(),
            problems: self.problems.iter().cloned().collect(),
            cpu_cores: self.cpu_cores,
            can_undo: self.history.can_undo(),
            can_redo: self.history.can_redo(),
        }
    }

    fn program_view(&self) -> ProgramView {
        let gpu = self.machine.gpu.load();
        let info = gpu.info();
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

    fn source_entries(&self) -> Vec<SourceEntry> {
        let entry = |source: &scene::Source| SourceEntry {
            source: source.id,
            name: source.name.clone(),
            settings: source.kind.clone(),
        };
        self.history.present().sources.iter().map(entry).collect()
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

    /// The encoders at work, else nothing but the ladder that would be.
    fn encoding_figures(&self) -> EncodingFigures {
        if let Some(encoding) = &self.encoding {
            return encoding.figures();
        }
        let prepared = self.prepared.as_ref().map(|prepared| &prepared.plan);
        let ladder = prepared.map_or(&self.settings.ladder, |plan| &plan.ladder).clone();
        EncodingFigures {
            targets: ladder.rungs.iter().map(|rung| rung.rendition.bitrate).collect(),
            ladder,
            stats: Vec::new(),
            reports: prepared.map(|plan| plan.reports.clone()).unwrap_or_default(),
            alignment: Alignment::default(),
        }
    }

    fn rendition_views(&self, figures: &EncodingFigures) -> Vec<RenditionView> {
        let dropped = self
            .main()
            .and_then(|main| main.present.as_ref())
            .map(|present| present.stats().dropped)
            .unwrap_or_default();
        let rungs = figures.ladder.rungs.iter().zip(&figures.targets);
        rungs
            .map(|(rung, target)| {
                let rendition = &rung.rendition;
                let track = rendition.track;
                let stats = figures.stats.iter().find(|stats| stats.track == track);
                let report = figures.reports.iter().find(|report| report.track == track);
                let (measured, measured_fps) =
                    if stats.is_some() { self.measured.of(track) } else { (Kbps(0), 0.0) };
                let dropped = dropped.iter().find(|(of, _)| *of == Track::Video(track));
                RenditionView {
                    track,
                    size: rendition.size,
                    rate: rendition.rate,
                    codec: rendition.codec,
                    nominal: rendition.bitrate,
                    target: *target,
                    measured,
                    measured_fps,
                    skipped_frames: stats.map_or(0, |stats| stats.skipped),
                    dropped_frames: dropped.map_or(0, |(_, dropped)| dropped.units),
                    queue: stats.map_or(0, |stats| stats.queue),
                    queue_limit: stats.map_or(0, |stats| stats.queue_limit),
                    restarts: stats.map_or(0, |stats| stats.restarts),
                    idrs: stats.map_or(0, |stats| stats.idrs),
                    idr_slips: stats.map_or(0, |stats| stats.slips),
                    encoder: report.map_or_else(EncoderView::default, |report| EncoderView {
                        name: report.applied.element.clone(),
                        reason: report.reason.clone(),
                    }),
                }
            })
            .collect()
    }

    fn ladder_view(&self, figures: &EncodingFigures) -> LadderView {
        let ladder = &figures.ladder;
        let step = self.approach.as_ref().map(|approach| approach.ladder_step(self.machine.clock.now()));
        let granted = ladder.rungs.iter().map(|rung| {
            let rendition = &rung.rendition;
            let report = figures.reports.iter().find(|report| report.track == rendition.track);
            GrantedRendition {
                track: rendition.track,
                size: rendition.size,
                rate: rendition.rate,
                codec: rendition.codec,
                bitrate: rendition.bitrate,
                encoder: report.map_or_else(String::new, |report| report.applied.element.clone()),
                settings: report.map(setting_views).unwrap_or_default(),
            }
        });
        let is_known = self.main().is_some() || self.prepared.is_some() || !self.asks_service();
        LadderView {
            requested: self.requested(),
            step: step.unwrap_or(self.ladder_step),
            source: ladder.origin.words().to_owned(),
            config_id: ladder.config_id().unwrap_or_default().to_owned(),
            granted: if is_known { granted.collect() } else { Vec::new() },
            total: if is_known { ladder.total() } else { Kbps(0) },
            notes: self.ladder_reason.iter().chain(&ladder.notes).cloned().collect(),
        }
    }

    fn recording_view(&self) -> RecordingView {
        let status = match (&self.recording, &self.last_recording) {
            (Some(recording), _) => Recording::status(recording),
            (None, Some(last)) => last.clone(),
            (None, None) => Status::default(),
        };
        let room = self.room_bytes;
        let ladder = self.encoding.as_ref().map_or(&self.settings.ladder, |encoding| &encoding.ladder);
        let primary = ladder.rungs.first().map_or(Kbps(0), |rung| rung.rendition.bitrate);
        let bits = (primary + ladder.audio_bitrate).bits_per_sec();
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
        let figures = match (&self.encoding, &self.rested) {
            (Some(encoding), _) => encoding.figures(),
            (None, Some(rested)) => rested.clone(),
            (None, None) => self.encoding_figures(),
        };
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
            ladder: LadderFigures {
                origin: figures.ladder.origin.words().to_owned(),
                config_id: figures.ladder.config_id().map(str::to_owned),
                requested: self.requested(),
                total_kbps: figures.ladder.total().0,
                aligned_idrs: figures.alignment.idrs - figures.alignment.misaligned,
                misaligned_idrs: figures.alignment.misaligned,
                bitrate_changes: self.bitrate_changes,
                notes: figures.ladder.notes.clone(),
            },
            renditions: self.rendition_figures(&figures),
            sound: SoundFigures { encoder: audio.0, kbps: figures.ladder.audio_bitrate.0, units: audio.1 },
            destination: self.last_destination.clone(),
            further: self.last_further.clone(),
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

    fn rendition_figures(&self, figures: &EncodingFigures) -> Vec<RenditionFigures> {
        let views = self.rendition_views(figures);
        let figures_of = |view: RenditionView| {
            let stats = figures.stats.iter().find(|stats| stats.track == view.track);
            let report = figures.reports.iter().find(|report| report.track == view.track);
            RenditionFigures {
                track: view.track.0,
                size: view.size.to_string(),
                fps: view.rate.to_string(),
                codec: view.codec.to_string(),
                target_kbps: view.target.0,
                nominal_kbps: view.nominal.0,
                measured_kbps: view.measured.0,
                encoder: view.encoder.name,
                encoder_reason: view.encoder.reason,
                output_frames: stats.map_or(0, |stats| stats.output),
                skipped_frames: view.skipped_frames,
                dropped_frames: view.dropped_frames,
                restarts: view.restarts,
                idrs: view.idrs,
                idr_slips: view.idr_slips,
                settings: report.map(setting_figures).unwrap_or_default(),
            }
        };
        views.into_iter().map(figures_of).collect()
    }
}

fn setting_views(report: &TrackReport) -> Vec<SettingView> {
    let view = |setting: &encoder::SettingReport| SettingView {
        key: setting.key.clone(),
        value: setting.value.clone(),
        became: became(setting),
        honoured: setting.reason.is_none(),
    };
    report.settings.iter().map(view).collect()
}

fn setting_figures(report: &TrackReport) -> Vec<SettingFigures> {
    let figures = |setting: &encoder::SettingReport| SettingFigures {
        key: setting.key.clone(),
        value: setting.value.clone(),
        became: became(setting),
        honoured: setting.reason.is_none(),
    };
    report.settings.iter().map(figures).collect()
}

/// “key-int-max = 60”, or why nothing.
fn became(setting: &encoder::SettingReport) -> String {
    match (&setting.property, &setting.applied, &setting.reason) {
        (_, _, Some(reason)) => reason.clone(),
        (Some(property), Some(value), None) => format!("{property} = {value}"),
        (Some(property), None, None) => property.clone(),
        (None, Some(value), None) => value.clone(),
        (None, None, None) => String::new(),
    }
}
