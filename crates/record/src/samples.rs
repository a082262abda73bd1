//! What the index of a finished file says of each track, gathered while it is written or read. Runs are kept as
//! runs: an hour of picture and sound takes about a megabyte.

use std::num::NonZeroU32;

use shiguredo_mp4::Either;
use shiguredo_mp4::boxes::{
    Co64Box, CttsBox, CttsEntry, StcoBox, StscBox, StscEntry, StssBox, StszBox, SttsBox, SttsEntry,
};

/// One picture or frame of sound, in the track's own units of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) size: u32,
    /// When it is decoded; counted from the recording's origin.
    pub(crate) dts: u64,
    /// How much later it is shown.
    pub(crate) offset: u32,
    /// How long it is shown, as far as is known without the next one.
    pub(crate) duration: u32,
    pub(crate) is_sync: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    count: u32,
    value: u32,
}

fn push_run(runs: &mut Vec<Run>, value: u32) {
    match runs.last_mut() {
        Some(run) if run.value == value && run.count < u32::MAX => run.count += 1,
        _ => runs.push(Run { count: 1, value }),
    }
}

/// All samples of one track.
#[derive(Clone, Debug, Default)]
pub(crate) struct SampleTable {
    sizes: Vec<u32>,
    /// Without the last sample, whose duration is not known until the next one comes.
    durations: Vec<Run>,
    offsets: Vec<Run>,
    /// Numbers of key frames, from 1.
    syncs: Vec<NonZeroU32>,
    /// Offset in the file and number of samples of each contiguous piece.
    chunks: Vec<(u64, u32)>,
    first_dts: u64,
    first_offset: u32,
    last: Option<Sample>,
    /// Latest end of a sample on the presentation timeline.
    end: u64,
}

impl SampleTable {
    /// Adds samples that lie one behind the other from `offset` of the file on.
    pub(crate) fn push_chunk(&mut self, offset: u64, samples: &[Sample]) {
        if samples.is_empty() {
            return;
        }
        for sample in samples {
            self.push(*sample);
        }
        self.chunks.push((offset, u32::try_from(samples.len()).unwrap_or(u32::MAX)));
    }

    fn push(&mut self, sample: Sample) {
        match self.last {
            None => (self.first_dts, self.first_offset) = (sample.dts, sample.offset),
            Some(last) => {
                let duration = sample.dts.saturating_sub(last.dts);
                push_run(&mut self.durations, u32::try_from(duration).unwrap_or(u32::MAX));
            }
        }
        self.sizes.push(sample.size);
        push_run(&mut self.offsets, sample.offset);
        if sample.is_sync
            && let Some(number) = u32::try_from(self.sizes.len()).ok().and_then(NonZeroU32::new)
        {
            self.syncs.push(number);
        }
        let shown_at = sample.dts.saturating_add(u64::from(sample.offset));
        self.end = self.end.max(shown_at.saturating_add(u64::from(sample.duration)));
        self.last = Some(sample);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// When the first sample is decoded, from the recording's origin.
    pub(crate) fn first_dts(&self) -> u64 {
        self.first_dts
    }

    /// When the first sample is shown, from the recording's origin. Recordings begin with key frames, so no sample
    /// of the track is shown earlier.
    pub(crate) fn first_pts(&self) -> u64 {
        self.first_dts.saturating_add(u64::from(self.first_offset))
    }

    /// When the last sample's time is over, from the recording's origin.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Sum of all durations.
    pub(crate) fn media_duration(&self) -> u64 {
        let until_last = |last: &Sample| last.dts.saturating_sub(self.first_dts);
        self.last.as_ref().map_or(0, |last| until_last(last).saturating_add(u64::from(last.duration)))
    }

    pub(crate) fn stts(&self) -> SttsBox {
        let mut runs = self.durations.clone();
        if let Some(last) = self.last {
            push_run(&mut runs, last.duration);
        }
        let entries = runs.iter().map(|run| SttsEntry { sample_count: run.count, sample_delta: run.value });
        SttsBox { entries: entries.collect() }
    }

    /// `None` when every sample is shown as soon as it is decoded.
    pub(crate) fn ctts(&self) -> Option<CttsBox> {
        if self.offsets.iter().all(|run| run.value == 0) {
            return None;
        }
        let entries = (self.offsets.iter())
            .map(|run| CttsEntry { sample_count: run.count, sample_offset: i64::from(run.value) });
        Some(CttsBox { version: 0, entries: entries.collect() })
    }

    /// `None` when decoding can start at every sample.
    pub(crate) fn stss(&self) -> Option<StssBox> {
        if self.syncs.len() == self.sizes.len() {
            return None;
        }
        Some(StssBox { sample_numbers: self.syncs.clone() })
    }

    pub(crate) fn stsz(&self) -> StszBox {
        StszBox::Variable { entry_sizes: self.sizes.clone() }
    }

    pub(crate) fn stsc(&self) -> StscBox {
        let mut entries: Vec<StscEntry> = Vec::new();
        for (number, (_, samples)) in (1u32..).zip(&self.chunks) {
            let same = entries.last().is_some_and(|entry| entry.sample_per_chunk == *samples);
            if let (false, Some(first_chunk)) = (same, NonZeroU32::new(number)) {
                let sample_per_chunk = *samples;
                entries.push(StscEntry {
                    first_chunk,
                    sample_per_chunk,
                    sample_description_index: NonZeroU32::MIN,
                });
            }
        }
        StscBox { entries }
    }

    pub(crate) fn chunk_offsets(&self) -> Either<StcoBox, Co64Box> {
        let short: Result<Vec<u32>, _> =
            self.chunks.iter().map(|(offset, _)| u32::try_from(*offset)).collect();
        match short {
            Ok(chunk_offsets) => Either::A(StcoBox { chunk_offsets }),
            Err(_) => {
                Either::B(Co64Box { chunk_offsets: self.chunks.iter().map(|(offset, _)| *offset).collect() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(dts: u64) -> Sample {
        Sample { size: 10, dts, offset: 0, duration: 1, is_sync: dts == 0 }
    }

    #[test]
    fn offsets_beyond_four_gigabytes_take_the_long_form() {
        let mut table = SampleTable::default();
        table.push_chunk(4_000_000_000, &[sample(0)]);
        assert!(matches!(table.chunk_offsets(), Either::A(stco) if stco.chunk_offsets == [4_000_000_000]));
        table.push_chunk(5_000_000_000, &[sample(1)]);
        assert!(
            matches!(table.chunk_offsets(), Either::B(co64) if co64.chunk_offsets == [4_000_000_000, 5_000_000_000])
        );
    }

    #[test]
    fn runs_stay_short_however_long_the_recording() {
        let mut table = SampleTable::default();
        // 12 hours at 60 frames per second, in fragments of one second.
        for second in 0..12 * 3600 {
            let samples: Vec<Sample> = (0..60).map(|frame| sample(second * 60 + frame)).collect();
            table.push_chunk(second * 600, &samples);
        }
        let (stts, stsc) = (table.stts(), table.stsc());
        assert_eq!((stts.entries.len(), stts.entries[0].sample_count), (1, 12 * 3600 * 60));
        assert_eq!((stsc.entries.len(), stsc.entries[0].sample_per_chunk), (1, 60));
        assert_eq!(table.ctts(), None);
        assert_eq!(table.stss().unwrap().sample_numbers.len(), 1);
        assert_eq!(table.media_duration(), 12 * 3600 * 60);
    }
}
