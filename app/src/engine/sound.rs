//! The sound thread: mixes what sources deliver, block by block on the media clock, and feeds the sound encoder.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use arc_swap::{ArcSwap, ArcSwapOption};
use control::{MeterLevels, Problem, Severity};
use crossbeam_channel::{Receiver, Sender, bounded};
use encoder::{AacEncoder, AudioEncoderConfig, EncoderOutput};
use mixer::{Clocking, Mixer, SourceMix};
use scene::{Collection, SourceId, SourceKind};
use units::{AudioBlock, Clock, MediaTime, SAMPLE_RATE_HZ, Span, span_from_samples};

use super::canvas::Gains;
use crate::clock::SystemClock;
use crate::outcome::Failure;

/// Samples per channel in one block: 10 ms. Smaller than an AAC frame, so that a frame leaves as soon as it is full.
const BLOCK: usize = SAMPLE_RATE_HZ as usize / 100;
/// Blocks of sound that may wait: about two seconds of ten sources.
const WAITING_BLOCKS: usize = 2048;
/// How long after its instant a block is mixed when only exact sources are heard. They deliver 50 ms ahead, so it can
/// be mixed ahead: an AAC encoder holds back two frames (43 ms), and the picture waits for its sound before it leaves.
const LAG_EXACT: Span = Span::from_millis(-25);
/// Blocks between two readings of the meters: 50 ms.
const METER_BLOCKS: u64 = 5;
/// After a longer pause (a suspended computer) what was missed is left out.
const GIVE_UP: Span = Span::from_secs(1);

/// One strip's reading.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Strip {
    pub(super) levels: MeterLevels,
    pub(super) drift_ppm: f32,
}

/// All meters at one instant.
#[derive(Clone, Debug, Default)]
pub(super) struct Levels {
    pub(super) sources: HashMap<SourceId, Strip>,
    pub(super) master: MeterLevels,
    pub(super) limiter_db: f32,
}

/// The running sound.
pub(super) struct Sound {
    blocks: Sender<(SourceId, AudioBlock)>,
    encoder: Arc<ArcSwapOption<AacEncoder>>,
    levels: Arc<ArcSwap<Levels>>,
    problems: Receiver<Problem>,
    lost_blocks: Arc<AtomicU64>,
    last: Option<(String, u64)>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sound {
    pub(super) fn start(
        clock: Arc<SystemClock>,
        gains: Arc<Gains>,
        collection: Arc<ArcSwap<Collection>>,
    ) -> Result<Self, Failure> {
        let (blocks, blocks_in) = bounded(WAITING_BLOCKS);
        let (problems_out, problems) = bounded(32);
        let (stop, stopped) = bounded(1);
        let encoder: Arc<ArcSwapOption<AacEncoder>> = Arc::default();
        let levels: Arc<ArcSwap<Levels>> = Arc::default();
        let worker = Worker {
            clock,
            gains,
            collection,
            blocks: blocks_in,
            problems: problems_out,
            encoder: encoder.clone(),
            levels: levels.clone(),
            mixer: Mixer::new(),
            known: HashMap::new(),
            followed: None,
        };
        let thread = std::thread::Builder::new()
            .name("sound".into())
            .spawn(move || worker.run(&stopped))
            .map_err(|error| Failure::could_not_start("engine.thread", format!("No thread: {error}."), ""))?;
        Ok(Self {
            blocks,
            encoder,
            levels,
            problems,
            lost_blocks: Arc::default(),
            last: None,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where sources put their sound; called from their threads, never waits.
    pub(super) fn input(&self) -> capture::SoundOutput {
        let (blocks, lost) = (self.blocks.clone(), self.lost_blocks.clone());
        Arc::new(move |source, block| {
            if blocks.try_send((source, block)).is_err() {
                lost.fetch_add(1, Ordering::Relaxed);
            }
        })
    }

    /// Starts the sound encoder and feeds it from the next block on.
    pub(super) fn encode(
        &mut self,
        config: AudioEncoderConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Receiver<EncoderOutput>, String> {
        let (encoder, outputs) = AacEncoder::start(config, clock).map_err(|error| error.to_string())?;
        self.encoder.store(Some(Arc::new(encoder)));
        Ok(outputs)
    }

    /// Stops the sound encoder.
    pub(super) fn rest(&mut self) {
        if let Some(encoder) = self.encoder.swap(None) {
            self.last = Some((encoder.element().to_owned(), encoder.stats().output));
        }
    }

    /// Element of the sound encoder and how many frames it made, the present one's or the last one's.
    pub(super) fn encoder_figures(&self) -> (String, u64) {
        match &*self.encoder.load() {
            Some(encoder) => (encoder.element().to_owned(), encoder.stats().output),
            None => self.last.clone().unwrap_or_default(),
        }
    }

    pub(super) fn levels(&self) -> Arc<Levels> {
        self.levels.load_full()
    }

    pub(super) fn poll_problem(&self) -> Option<Problem> {
        self.problems.try_recv().ok()
    }

    pub(super) fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// How a source is mixed at present.
#[derive(Clone, Copy, PartialEq)]
struct Known {
    mix: SourceMix,
    is_device: bool,
}

struct Worker {
    clock: Arc<SystemClock>,
    gains: Arc<Gains>,
    collection: Arc<ArcSwap<Collection>>,
    blocks: Receiver<(SourceId, AudioBlock)>,
    problems: Sender<Problem>,
    encoder: Arc<ArcSwapOption<AacEncoder>>,
    levels: Arc<ArcSwap<Levels>>,
    mixer: Mixer<SourceId>,
    known: HashMap<SourceId, Known>,
    /// The collection that the mixer was last set up from.
    followed: Option<Arc<Collection>>,
}

impl Worker {
    fn run(mut self, stopped: &Receiver<()>) {
        let mut mixed = vec![0.0; BLOCK * 2];
        let mut first_sample = units::samples_from_span(self.clock.now() - MediaTime::ZERO);
        let mut count = 0u64;
        loop {
            let end = MediaTime::ZERO + span_from_samples(first_sample + BLOCK as u64);
            self.clock.sleep_until(end + self.lag());
            if stopped.try_recv() == Err(crossbeam_channel::TryRecvError::Disconnected) {
                return;
            }
            let late = self.clock.now() - end;
            if late > GIVE_UP {
                first_sample += units::samples_from_span(late);
                self.tell_pause(late);
            }
            self.follow_collection();
            while let Ok((source, block)) = self.blocks.try_recv() {
                if self.known.contains_key(&source) {
                    note(self.mixer.push(source, &block));
                }
            }
            let gains = self.gains.load_full();
            for source in self.known.keys() {
                let gain = gains.iter().find(|(id, _)| id == source).map_or(0.0, |(_, gain)| *gain);
                note(self.mixer.set_scene_gain(*source, gain));
            }
            note(self.mixer.render(first_sample, &mut mixed));
            if let Some(encoder) = &*self.encoder.load() {
                encoder.push(first_sample, &mixed, self.clock.now());
            }
            first_sample += BLOCK as u64;
            count += 1;
            if count.is_multiple_of(METER_BLOCKS) {
                self.read_meters();
            }
        }
    }

    /// How long after its instant a block is mixed. Devices are waited for only while one can be heard.
    fn lag(&self) -> Span {
        let gains = self.gains.load();
        let hears_device =
            gains.iter().any(|(id, _)| self.known.get(id).is_some_and(|known| known.is_device));
        if hears_device { mixer::RENDER_LAG } else { LAG_EXACT }
    }

    /// Gives the mixer the sources, gains, mutes and delays of the document.
    fn follow_collection(&mut self) {
        let collection = self.collection.load_full();
        if self.followed.as_ref().is_some_and(|followed| Arc::ptr_eq(followed, &collection)) {
            return;
        }
        let sounding: HashMap<SourceId, Known> = collection
            .sources
            .iter()
            .filter(|source| source.kind.has_sound())
            .map(|source| {
                let mix = SourceMix { gain: source.gain, muted: source.muted, delay_ms: source.delay_ms };
                let is_device =
                    matches!(source.kind, SourceKind::AudioInput { .. } | SourceKind::DesktopAudio { .. });
                (source.id, Known { mix, is_device })
            })
            .collect();
        for id in self.known.keys().filter(|id| !sounding.contains_key(id)) {
            self.mixer.remove_source(*id);
        }
        for (id, new) in &sounding {
            match self.known.get(id) {
                None => {
                    let clocking = if new.is_device { Clocking::Device } else { Clocking::Media };
                    note(self.mixer.add_source(*id, clocking, new.mix));
                }
                Some(old) if old != new => note(self.mixer.set_mix(*id, new.mix)),
                Some(_) => {}
            }
        }
        self.known = sounding;
        self.followed = Some(collection);
    }

    fn read_meters(&mut self) {
        let meters = self.mixer.meters();
        let sources = meters
            .sources
            .iter()
            .map(|(id, levels)| {
                let stats = self.mixer.source_stats(*id);
                let drift_ppm = stats.map_or(0.0, |stats| stats.drift_ppm as f32);
                (*id, Strip { levels: shown(levels), drift_ppm })
            })
            .collect();
        let (master, limiter_db) = (shown(&meters.master), meters.limiter_reduction_db);
        self.levels.store(Arc::new(Levels { sources, master, limiter_db }));
    }

    fn tell_pause(&self, late: Span) {
        let _ = self.problems.try_send(Problem {
            severity: Severity::Warning,
            code: "sound.pause",
            happened: format!("The computer stood still for {:.1} s.", late.as_secs_f64()),
            done: "The sound of that time is missing; picture and sound go on together.".into(),
            advice: "Close programs that take the processor, and keep the computer from sleeping.".into(),
        });
    }
}

/// What the mixer calls its lowest level is silence to a person.
fn shown(levels: &mixer::Levels) -> MeterLevels {
    let db = |level: f32| if level <= mixer::SILENCE_DB { f32::NEG_INFINITY } else { level };
    MeterLevels {
        peak_db: levels.peak_db.map(db),
        peak_hold_db: levels.hold_db.map(db),
        rms_db: levels.rms_db.map(db),
        lufs_short: db(levels.short_term_lufs),
    }
}

/// A block that the mixer can not use is left out; it counts what is missing itself.
fn note(result: Result<(), mixer::Error>) {
    if let Err(error) = result {
        tracing::debug!(%error, "the mixer left something out");
    }
}
