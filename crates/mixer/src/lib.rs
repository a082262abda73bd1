//! The sound mixer: sources in, one limited stereo mix out, at 48 kHz, on the media clock.
//!
//! It does no I/O, reads no clock and knows no threads: one thread owns a [`Mixer`], pushes what devices delivered and
//! renders. Rendering takes no lock and allocates nothing; pushing allocates only when a source's format changes.
//!
//! **Time.** Sample `s` of the mix is what was captured at media time `s / 48000` (plus a source's delay); the
//! limiter's look-ahead of 5 ms is made up for by reading that far ahead. So the mixer adds no latency of its own, but
//! sound must have been pushed before it is rendered. Render sample `s` no earlier than [`RENDER_LAG`] after media time
//! `s / 48000`: that is the jitter buffer. What comes later is missing, is silence, and is counted.

mod channels;
mod error;
mod limiter;
mod meter;
mod resampling;
mod source;
mod timeline;

#[cfg(test)]
mod tests;

use units::{AudioBlock, Span};

pub use error::Error;
pub use limiter::CEILING;
use limiter::{LOOK_AHEAD, Limiter};
use meter::Meter;
pub use meter::{Levels, SILENCE_DB};
pub use source::{Clocking, MAX_DELAY_MS, MAX_GAIN, SourceMix, SourceStats};
use source::{Source, check_gain};

/// How long after its media time a sample should be rendered: room for device callbacks of 10 to 20 ms with jitter,
/// and the limiter's 5 ms.
pub const RENDER_LAG: Span = Span::from_millis(60);

/// The mixer; sources are known by keys of type `K`.
pub struct Mixer<K> {
    sources: Vec<(K, Source)>,
    limiter: Limiter,
    master: Meter,
    /// The next sample number to go into the limiter.
    next: Option<u64>,
}

/// Levels of everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Meters<K> {
    /// Of each source, behind its strip, in the order they were added.
    pub sources: Vec<(K, Levels)>,
    /// Of the mix, behind the limiter.
    pub master: Levels,
    /// By how much the limiter turned down at most since the last call, in dB, 0 or more.
    pub limiter_reduction_db: f32,
}

impl<K: Copy + PartialEq> Mixer<K> {
    /// A mixer without sources, which renders silence.
    pub fn new() -> Self {
        Self { sources: Vec::new(), limiter: Limiter::new(), master: Meter::new(), next: None }
    }

    /// Adds a source.
    ///
    /// # Errors
    /// [`Error::Source`] when there is one with that key; a gain or delay out of range.
    pub fn add_source(&mut self, key: K, clocking: Clocking, mix: SourceMix) -> Result<(), Error> {
        mix.check()?;
        if self.sources.iter().any(|(other, _)| *other == key) {
            return Err(Error::Source);
        }
        self.sources.push((key, Source::new(clocking, mix)));
        Ok(())
    }

    /// Takes a source out at once. Returns whether there was one. To avoid a click, mute it 10 ms earlier.
    pub fn remove_source(&mut self, key: K) -> bool {
        let before = self.sources.len();
        self.sources.retain(|(other, _)| *other != key);
        self.sources.len() != before
    }

    /// Keys of all sources, in the order they were added.
    pub fn keys(&self) -> impl Iterator<Item = K> + '_ {
        self.sources.iter().map(|(key, _)| *key)
    }

    fn source(&mut self, key: K) -> Result<&mut Source, Error> {
        self.sources
            .iter_mut()
            .find(|(other, _)| *other == key)
            .map(|(_, source)| source)
            .ok_or(Error::Source)
    }

    /// Changes a source's strip; gains glide over 10 ms, a changed delay fades out and in again.
    ///
    /// # Errors
    /// [`Error::Source`]; a gain or delay out of range.
    pub fn set_mix(&mut self, key: K, mix: SourceMix) -> Result<(), Error> {
        mix.check()?;
        self.source(key)?.set_mix(mix);
        Ok(())
    }

    /// A source's strip.
    pub fn mix(&self, key: K) -> Option<SourceMix> {
        self.sources.iter().find(|(other, _)| *other == key).map(|(_, source)| source.mix())
    }

    /// Changes the factor that the current scene puts on a source, on top of its own gain; glides over 10 ms.
    ///
    /// # Errors
    /// [`Error::Source`]; a gain out of range.
    pub fn set_scene_gain(&mut self, key: K, gain: f32) -> Result<(), Error> {
        check_gain(gain)?;
        self.source(key)?.set_scene_gain(gain);
        Ok(())
    }

    /// Takes sound of a source. Any rate from 8 to 384 kHz and any number of channels become 48 kHz stereo; samples
    /// that are no numbers become silence.
    ///
    /// # Errors
    /// [`Error::Source`], [`Error::Format`].
    pub fn push(&mut self, key: K, block: &AudioBlock) -> Result<(), Error> {
        self.source(key)?.push(block)
    }

    /// Renders interleaved stereo into `out`, from sample number `first_sample` on. Calls normally follow each other
    /// without a gap; after a jump the limiter is filled again from there.
    ///
    /// # Errors
    /// [`Error::OutputLength`] when `out` is not a whole number of frames.
    pub fn render(&mut self, first_sample: u64, out: &mut [f32]) -> Result<(), Error> {
        let (frames, rest) = out.as_chunks_mut::<2>();
        if !rest.is_empty() {
            let expected = frames.len() * 2;
            return Err(Error::OutputLength { expected, found: expected + rest.len() });
        }
        let ahead = first_sample.saturating_add(LOOK_AHEAD as u64);
        if self.next != Some(ahead) {
            for sample in first_sample..ahead {
                let frame = self.sum(sample);
                self.limiter.process(frame);
            }
        }
        let mut sample = ahead;
        for slot in frames {
            let frame = self.sum(sample);
            *slot = self.limiter.process(frame);
            self.master.add(*slot);
            sample = sample.saturating_add(1);
        }
        self.next = Some(sample);
        Ok(())
    }

    fn sum(&mut self, sample: u64) -> [f32; 2] {
        let mut sum = [0f32; 2];
        for (_, source) in &mut self.sources {
            let [left, right] = source.render(sample);
            sum[0] += left;
            sum[1] += right;
        }
        sum
    }

    /// Levels of one source, behind its strip.
    pub fn source_levels(&self, key: K) -> Option<Levels> {
        self.sources.iter().find(|(other, _)| *other == key).map(|(_, source)| source.levels())
    }

    /// How a source fares.
    pub fn source_stats(&self, key: K) -> Option<SourceStats> {
        self.sources.iter().find(|(other, _)| *other == key).map(|(_, source)| source.stats())
    }

    /// Levels of the mix, behind the limiter.
    pub fn master_levels(&self) -> Levels {
        self.master.levels()
    }

    /// By how much the limiter turned down at most since this was last asked, in dB, 0 or more.
    pub fn take_limiter_reduction_db(&mut self) -> f32 {
        self.limiter.take_reduction_db()
    }

    /// Levels of everything, for a window that paints. Allocates; call it beside rendering, some 20 times a second.
    pub fn meters(&mut self) -> Meters<K> {
        Meters {
            sources: self.sources.iter().map(|(key, source)| (*key, source.levels())).collect(),
            master: self.master.levels(),
            limiter_reduction_db: self.limiter.take_reduction_db(),
        }
    }
}

impl<K: Copy + PartialEq> Default for Mixer<K> {
    fn default() -> Self {
        Self::new()
    }
}
