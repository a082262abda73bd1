//! The encoders at work: started for a ladder, changed for another without a gap, put to rest.

use std::sync::Arc;

use compositor::Delivery;
use control::{Problem, Severity};
use encoder::{Alignment, AudioEncoderConfig, EncoderGroup, TrackReport, TrackStats};
use units::{Clock, Kbps, TrackId};

use super::Core;
use super::canvas::{self, Feeding};
use super::fan_out::Order;
use super::load::{Bottleneck, Counted, Strain};
use crate::fast_path;
use crate::ladder::Ladder;

/// Encoders at work.
pub(super) struct Encoding {
    pub(super) group: Arc<EncoderGroup>,
    pub(super) ladder: Ladder,
    /// What the encoders are asked for now; below the ladder's bitrates while the upload is slow.
    targets: Vec<Kbps>,
    /// Where the pictures of each rung go.
    deliveries: Vec<Delivery>,
}

/// What encoders did.
#[derive(Clone, Debug)]
pub(super) struct EncodingFigures {
    pub(super) ladder: Ladder,
    /// One of each per rung.
    pub(super) targets: Vec<Kbps>,
    pub(super) stats: Vec<TrackStats>,
    pub(super) reports: Vec<TrackReport>,
    pub(super) alignment: Alignment,
}

impl Encoding {
    pub(super) fn figures(&self) -> EncodingFigures {
        EncodingFigures {
            ladder: self.ladder.clone(),
            targets: self.targets.clone(),
            stats: self.group.stats(),
            reports: self.group.reports().to_vec(),
            alignment: self.group.alignment(),
        }
    }
}

impl Core {
    /// Has the encoders of `ladder` at work. Others that run give back what they hold first, so that a recording goes
    /// on without a gap.
    pub(super) fn encode(&mut self, ladder: &Ladder) -> Result<(), Problem> {
        if let Some(encoding) =
            self.encoding.as_mut().filter(|at_work| at_work.ladder.has_same_encoders(ladder))
        {
            // The same under another name of the service's.
            encoding.ladder = ladder.clone();
            return Ok(());
        }
        let clock: Arc<dyn Clock> = self.machine.clock.clone();
        // Before the encoders start: a driver opens only so many sessions, and the self-test needs one of them.
        let paths =
            fast_path::choose_all(&self.machine.gpu.load(), self.settings.canvas, &ladder.renditions());
        for (track, path) in ladder.tracks().iter().zip(&paths) {
            tracing::info!(%track, delivery = ?path.delivery, why = %path.why, "how pictures reach the encoder");
        }
        let deliveries: Vec<_> = paths.into_iter().map(|path| path.delivery).collect();
        let (group, video) = EncoderGroup::start(self.settings.rate, ladder.renditions(), clock.clone())
            .map_err(|error| not_started(&error.to_string(), "see which encoders work here"))?;
        let same_sound = self
            .encoding
            .as_ref()
            .is_some_and(|encoding| encoding.ladder.audio_bitrate == ladder.audio_bitrate);
        let audio = if same_sound {
            None
        } else {
            let config = AudioEncoderConfig { track: units::TrackId::PRIMARY, bitrate: ladder.audio_bitrate };
            let audio = self.sound.encode(config, clock);
            Some(audio.map_err(|error| not_started(&error, "see what is missing"))?)
        };
        let group = Arc::new(group);
        self.fan_out.order(Order::Encode { video, audio, tracks: ladder.rungs.len() });
        self.canvas.order(canvas::Order::Encode(Some(Feeding {
            encoders: group.clone(),
            outputs: ladder.outputs(&deliveries),
            tracks: ladder.tracks(),
        })));
        let targets = ladder.rungs.iter().map(|rung| rung.rendition.bitrate).collect();
        self.encoding = Some(Encoding { group, ladder: ladder.clone(), targets, deliveries });
        self.load.forget();
        Ok(())
    }

    /// Stops the encoders when neither stream nor recording wants them.
    pub(super) fn rest_if_unwanted(&mut self) {
        let now = self.machine.clock.now();
        let is_sent = self.outlets.iter().any(|outlet| outlet.needs_encoders(now));
        if is_sent || self.recording.is_some() || self.approach.is_some() {
            return;
        }
        if let Some(encoding) = self.encoding.take() {
            self.rested = Some(encoding.figures());
            self.canvas.order(canvas::Order::Encode(None));
            self.sound.rest();
            self.fan_out.order(Order::Rest);
        }
    }

    /// Ends encoders that get no more pictures, beside everything else: they may take their time.
    pub(super) fn release_encoders(group: Arc<EncoderGroup>) {
        let ended = std::thread::Builder::new().name("encoders-end".into()).spawn(move || {
            if !group.finish() {
                tracing::warn!("an encoder did not give everything back");
            }
        });
        if let Err(error) = ended {
            tracing::warn!(%error, "encoders are ended on the engine's thread");
        }
    }

    /// After the encoder of `track` broke: where its pictures went to it in the adapter's memory, those after its restart
    /// go through system memory. Says whether that was so.
    pub(super) fn fall_back_to_memory(&mut self, track: TrackId, reason: &str) -> bool {
        let Some(encoding) = &mut self.encoding else { return false };
        let place = encoding.ladder.tracks().iter().position(|of| *of == track);
        let delivery = place.and_then(|place| encoding.deliveries.get_mut(place));
        let Some(delivery) = delivery.filter(|delivery| **delivery == Delivery::Texture) else {
            return false;
        };
        *delivery = Delivery::Memory;
        self.canvas.order(canvas::Order::Deliver(encoding.ladder.outputs(&encoding.deliveries)));
        let kind = encoding.group.reports().iter().find(|report| report.track == track);
        let rung = place.and_then(|place| encoding.ladder.rungs.get(place));
        if let Some((report, rung)) = kind.zip(rung) {
            let (gpu, canvas) = (self.machine.gpu.load(), self.settings.canvas);
            fast_path::give_up(&gpu, canvas, report.backend, &rung.rendition, reason);
        }
        true
    }

    /// Judges whether the machine carries the ladder, and acts when it does not.
    pub(super) fn watch_load(&mut self) {
        if self.adapter_is_lost {
            return;
        }
        let Some(encoding) = &self.encoding else { return };
        let stats = encoding.group.stats();
        let counted = Counted {
            rendered: self.canvas.counters.rendered.load(std::sync::atomic::Ordering::Relaxed),
            lagged: self.canvas.counters.lagged.load(std::sync::atomic::Ordering::Relaxed),
            input: stats.iter().map(|stats| stats.input).sum(),
            skipped: stats.iter().map(|stats| stats.skipped).sum(),
        };
        match self.load.judge(counted, self.machine.clock.now()) {
            Some(Strain::Begun(what)) => self.tell(Problem {
                severity: Severity::Warning,
                code: "machine.overloaded",
                happened: format!("This computer can not keep up: {}.", words(what)),
                done: "Frames are left out; sound, keyframes and recording are not touched.".into(),
                advice: "Close what you do not need, or choose fewer renditions or a lower frame rate."
                    .into(),
            }),
            Some(Strain::Lasting(what)) => {
                self.shrink_ladder(
                    &format!("This computer can not keep up: {}", words(what)),
                    "machine.ladder_too_large",
                );
            }
            Some(Strain::Over) => self.tell(Problem {
                severity: Severity::Notice,
                code: "machine.keeps_up",
                happened: "This computer keeps up again.".into(),
                done: String::new(),
                advice: String::new(),
            }),
            None => {}
        }
    }

    /// Applies bitrates that the upload can carry.
    pub(super) fn set_bitrates(&mut self, bitrates: &[(units::TrackId, Kbps)]) {
        let Some(encoding) = &mut self.encoding else { return };
        let mut refused = None;
        for (track, bitrate) in bitrates {
            let Some(place) = encoding.ladder.tracks().iter().position(|of| of == track) else { continue };
            match encoding.group.set_bitrate(*track, *bitrate) {
                Ok(()) => {
                    if let Some(target) = encoding.targets.get_mut(place) {
                        *target = *bitrate;
                    }
                }
                Err(error) => refused = Some(error.to_string()),
            }
        }
        self.bitrate_changes += 1;
        if let Some(refused) = refused {
            tracing::warn!(refused, "an encoder keeps its bitrate");
        }
    }
}

/// The bottleneck as the rest of a sentence.
fn words(what: Bottleneck) -> &'static str {
    match what {
        Bottleneck::Composing => "pictures are composed too late",
        Bottleneck::Encoding => "the encoders are too slow for this ladder",
    }
}

fn not_started(what: &str, to: &str) -> Problem {
    Problem {
        severity: Severity::Error,
        code: "encoder.start",
        happened: format!("The encoders could not be started: {what}."),
        done: "Nothing is sent or recorded with them.".into(),
        advice: format!("Run `genlock doctor` to {to}."),
    }
}
