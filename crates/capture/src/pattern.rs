//! The test pattern: colour bars, a grey ramp, a moving bar, a clock of media time, and a square that flashes while a
//! tone beeps.
//!
//! Picture and sound are pure functions of media time, so a receiver can measure lip-sync: the square (see
//! [`flash_square`]) is white in exactly the frames whose pts lies less than [`FLASH_SPAN`] after a whole second, and
//! the tone sounds in exactly the samples within [`BEEP_SPAN`] after a whole second. At rates that have a frame on
//! every whole second (all whole numbers of frames per second) both begin at the same instant; at rates such as
//! 30000/1001 the first white frame follows the beep by less than one frame.

mod drawing;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use scene::SourceId;
use units::{
    AudioBlock, Clock, ColorSpace, FrameRate, MediaTime, PixelFormat, Pts, SAMPLE_RATE_HZ, Span, VideoFrame,
    span_from_samples,
};

pub use drawing::{FlashSquare, flash_square};

use crate::slot::Stop;
use crate::source::SoundOutput;
use crate::{CaptureContext, Error, LiveSource, SourceState};
use drawing::Drawing;

/// How long the square is white after each whole second.
pub const FLASH_SPAN: Span = Span::from_millis(100);
/// How long the tone sounds after each whole second.
pub const BEEP_SPAN: Span = Span::from_millis(100);
/// Pitch of the tone. 100 whole waves fit into [`BEEP_SPAN`], so it begins and ends at zero without a click.
pub const BEEP_HZ: u32 = 1000;
/// Peak of the tone as a share of full scale: -12 dBFS.
pub const BEEP_PEAK: f32 = 0.25;

const BEEP_FRAMES: u64 = SAMPLE_RATE_HZ as u64 / 10;
/// Samples per channel in one block: 10 ms.
const BLOCK_FRAMES: u64 = SAMPLE_RATE_HZ as u64 / 100;
/// How much earlier than it is due sound is handed on.
const LEAD: Span = Span::from_millis(50);
/// After a longer pause (a suspended computer) the missed blocks are left out.
const GIVE_UP: Span = Span::from_secs(1);

/// Interleaved stereo sound of the pattern: `frames` samples per channel from sample `first_sample` of media time at
/// 48 kHz.
pub fn sound_at(first_sample: u64, frames: usize) -> Vec<f32> {
    let mut samples = Vec::with_capacity(frames * 2);
    for number in (first_sample..).take(frames) {
        let sample = tone(number % u64::from(SAMPLE_RATE_HZ));
        samples.extend([sample, sample]);
    }
    samples
}

/// The sample that lies `number` samples after a whole second.
fn tone(number: u64) -> f32 {
    if number >= BEEP_FRAMES {
        return 0.0;
    }
    // The phase is taken of one wave's samples, so every wave is bit for bit the same.
    let in_wave = number * u64::from(BEEP_HZ) % u64::from(SAMPLE_RATE_HZ);
    let phase = in_wave as f32 / SAMPLE_RATE_HZ as f32;
    BEEP_PEAK * (phase * std::f32::consts::TAU).sin()
}

/// Buffers that are used again once nobody looks at their frame any more.
#[derive(Default)]
struct Buffers(Vec<Arc<Vec<u8>>>);

impl Buffers {
    /// More frames than are ever looked at together: the compositor's, the preview's and two on the way.
    const KEPT: usize = 4;

    fn filled(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> Arc<Vec<u8>> {
        if let Some(buffer) =
            self.0.iter_mut().find_map(|buffer| Arc::get_mut(buffer).is_some().then_some(buffer))
        {
            if let Some(bytes) = Arc::get_mut(buffer) {
                fill(bytes);
            }
            return Arc::clone(buffer);
        }
        let mut bytes = Vec::new();
        fill(&mut bytes);
        let buffer = Arc::new(bytes);
        if self.0.len() < Self::KEPT {
            self.0.push(Arc::clone(&buffer));
        }
        buffer
    }
}

/// A running test pattern.
pub(crate) struct TestPattern {
    clock: Arc<dyn Clock>,
    rate: FrameRate,
    drawing: Drawing,
    buffers: Mutex<Buffers>,
    /// The frame drawn last: several readers of the same instant get the same picture.
    last: Mutex<Option<Arc<VideoFrame>>>,
    stop: Arc<Stop>,
    beeper: Option<JoinHandle<()>>,
}

impl TestPattern {
    pub(crate) fn open(id: SourceId, beep: bool, context: &CaptureContext) -> Result<Self, Error> {
        let stop = Arc::new(Stop::default());
        let beeper = if beep {
            let (stop, clock, sound) =
                (Arc::clone(&stop), Arc::clone(&context.clock), Arc::clone(&context.sound));
            let run = move || keep_beeping(id, &stop, clock.as_ref(), &sound);
            Some(std::thread::Builder::new().name("pattern beep".into()).spawn(run)?)
        } else {
            None
        };
        Ok(Self {
            clock: Arc::clone(&context.clock),
            rate: context.rate,
            drawing: Drawing::new(context.canvas, context.rate),
            buffers: Mutex::default(),
            last: Mutex::default(),
            stop,
            beeper,
        })
    }

    fn draw(&self, pts: Pts) -> Option<VideoFrame> {
        let mut buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = buffers.filled(|bytes| self.drawing.draw(pts, bytes));
        VideoFrame::packed(PixelFormat::Nv12, self.drawing.size(), ColorSpace::default(), pts.at(), bytes)
            .inspect_err(|problem| tracing::error!(%problem, "the test pattern drew a broken picture"))
            .ok()
    }
}

impl LiveSource for TestPattern {
    fn newest_frame(&self) -> Option<Arc<VideoFrame>> {
        self.frame_at(self.rate.pts_of(self.rate.frame_at(self.clock.now())))
    }

    fn frame_at(&self, pts: Pts) -> Option<Arc<VideoFrame>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(frame) = last.as_ref().filter(|frame| frame.captured_at() == pts.at()) {
            return Some(Arc::clone(frame));
        }
        // Letting go first leaves its buffer free to be drawn into again.
        *last = None;
        let frame = Arc::new(self.draw(pts)?);
        *last = Some(Arc::clone(&frame));
        Some(frame)
    }

    fn state(&self) -> SourceState {
        SourceState::Running
    }

    fn via(&self) -> String {
        "drawn by Genlock for every frame of the canvas".to_owned()
    }
}

impl Drop for TestPattern {
    fn drop(&mut self) {
        self.stop.ask();
        if let Some(beeper) = self.beeper.take()
            && beeper.join().is_err()
        {
            tracing::error!("the test pattern's beep ended in a panic");
        }
    }
}

/// Number of the block that sounds at `time`.
fn block_at(time: MediaTime) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(0) / (1_000_000_000 / (u64::from(SAMPLE_RATE_HZ) / BLOCK_FRAMES))
}

fn block_start(block: u64) -> MediaTime {
    MediaTime::ZERO + span_from_samples(block * BLOCK_FRAMES)
}

fn keep_beeping(id: SourceId, stop: &Stop, clock: &dyn Clock, sound: &SoundOutput) {
    let mut block = block_at(clock.now());
    loop {
        let now = clock.now();
        if now - block_start(block) > GIVE_UP {
            block = block_at(now);
        }
        while block_start(block) < now + LEAD {
            sound(id, sound_block(block));
            block += 1;
        }
        let due = block_start(block) - LEAD - clock.now();
        // The clock may stand still in a test, so it is looked at again after a block's length at the latest.
        if stop.sleep(due.to_duration().clamp(Duration::from_millis(1), Duration::from_millis(10))) {
            return;
        }
    }
}

fn sound_block(block: u64) -> AudioBlock {
    AudioBlock {
        rate_hz: SAMPLE_RATE_HZ,
        channels: 2,
        samples: sound_at(block * BLOCK_FRAMES, BLOCK_FRAMES as usize),
        captured_at: block_start(block),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tone_begins_on_whole_seconds_and_lasts_a_tenth() {
        let rate = u64::from(SAMPLE_RATE_HZ);
        for second in [0, 1, 59, 86_400] {
            let samples = sound_at(second * rate, SAMPLE_RATE_HZ as usize);
            let left: Vec<f32> = samples.iter().step_by(2).copied().collect();
            assert_eq!(left[0], 0.0);
            assert!(left[1] > 0.0, "the first wave rises");
            assert!(left[4799].abs() > 0.0 && left[4800..].iter().all(|s| *s == 0.0));
            let rising = left.windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count();
            assert_eq!(rising, 100, "100 waves in 100 ms are 1 kHz");
            let peak = left.iter().fold(0.0f32, |a, b| a.max(b.abs()));
            assert!((peak - BEEP_PEAK).abs() < 1e-6);
        }
    }

    #[test]
    fn sound_does_not_depend_on_how_it_is_cut() {
        let whole = sound_at(47_000, 3000);
        let mut pieces = sound_at(47_000, 1);
        pieces.extend(sound_at(47_001, 1999));
        pieces.extend(sound_at(49_000, 1000));
        assert_eq!(whole, pieces);
    }

    #[test]
    fn blocks_lie_end_to_end() {
        for block in [0, 1, 99, 100, 12_345] {
            assert_eq!(block_at(block_start(block)), block);
            assert_eq!(block_start(block + 1) - block_start(block), Span::from_millis(10));
        }
    }
}
