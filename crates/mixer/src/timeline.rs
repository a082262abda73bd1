//! Sound of one source by its place on the media clock.

use crate::channels::clean;

/// A ring of stereo frames, each at its sample number. Writing goes forward; what is missing in between is silence.
pub(crate) struct Timeline {
    frames: Vec<[f32; 2]>,
    /// First sample number that is held.
    begin: u64,
    /// Sample number behind the last that is held; equal to `begin` when there is nothing.
    end: u64,
}

/// What became of written frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Frames that were there already.
    pub(crate) repeated: u64,
    /// Frames of silence put in before.
    pub(crate) gap: u64,
}

impl Timeline {
    /// Room for `capacity` frames.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { frames: vec![[0.0; 2]; capacity.max(1)], begin: 0, end: 0 }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.frames.len()
    }

    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.begin == self.end
    }

    fn slot(&mut self, sample: u64) -> Option<&mut [f32; 2]> {
        let length = self.frames.len() as u64;
        self.frames.get_mut(usize::try_from(sample % length).ok()?)
    }

    /// Writes `frames` from sample number `at` on.
    pub(crate) fn write(&mut self, at: u64, frames: &[[f32; 2]]) -> Written {
        let mut written = Written::default();
        let length = self.frames.len() as u64;
        if self.is_empty() || at >= self.end + length {
            // Nothing of what is held would remain.
            if !self.is_empty() {
                written.gap = at - self.end;
            }
            (self.begin, self.end) = (at, at);
        }
        while self.end < at {
            self.put([0.0; 2]);
            written.gap += 1;
        }
        written.repeated = (self.end - at).min(frames.len() as u64);
        let fresh = usize::try_from(written.repeated).unwrap_or(usize::MAX);
        for frame in frames.get(fresh..).unwrap_or(&[]) {
            self.put(*frame);
        }
        written
    }

    fn put(&mut self, [left, right]: [f32; 2]) {
        let at = self.end;
        if let Some(slot) = self.slot(at) {
            *slot = [clean(left), clean(right)];
        }
        self.end += 1;
        self.begin = self.begin.max(self.end.saturating_sub(self.frames.len() as u64));
    }

    /// Forgets everything from sample number `at` on, so that other sound can be written there.
    pub(crate) fn cut(&mut self, at: u64) {
        self.end = self.end.min(at).max(self.begin);
    }

    /// The frame at sample number `at`, where it is held.
    pub(crate) fn get(&self, at: u64) -> Option<[f32; 2]> {
        if at < self.begin || at >= self.end {
            return None;
        }
        self.frames.get(usize::try_from(at % self.frames.len() as u64).ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_the_newest_and_fills_gaps() {
        let mut timeline = Timeline::new(4);
        timeline.write(10, &[[1.0; 2], [2.0; 2]]);
        assert_eq!(timeline.write(13, &[[4.0; 2], [5.0; 2]]), Written { repeated: 0, gap: 1 });
        let held: Vec<_> = (9..16).map(|at| timeline.get(at).map(|frame| frame[0])).collect();
        assert_eq!(held, [None, None, Some(2.0), Some(0.0), Some(4.0), Some(5.0), None]);
        assert_eq!(timeline.write(14, &[[9.0; 2], [6.0; 2]]), Written { repeated: 1, gap: 0 });
        assert_eq!((timeline.get(14), timeline.get(15)), (Some([5.0; 2]), Some([6.0; 2])));
        assert_eq!(timeline.write(100, &[[7.0; 2]]).gap, 84);
        assert_eq!((timeline.get(99), timeline.get(100)), (None, Some([7.0; 2])));
    }
}
