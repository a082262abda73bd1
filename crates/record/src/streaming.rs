//! The same fragments without a file: an initialisation segment and media segments, as HTTP Live Streaming plays them (RFC
//! 8216, 3.3).

use units::{AccessUnit, Pts, StreamConfig, Track};

use crate::Error;
use crate::boxes::{TrackHead, head};
use crate::fragment::{Part, fragment};

/// Puts units of some tracks into segments.
#[derive(Debug)]
pub struct Segmenter {
    initialisation: Vec<u8>,
    tracks: Vec<TrackHead>,
    origin: Pts,
    sequence: u32,
}

impl Segmenter {
    /// For these tracks; times count from `origin`, before which no unit may be decoded.
    ///
    /// # Errors
    /// [`Error::Config`] for a decoder configuration that can not be put into MP4.
    pub fn new(config: &StreamConfig, origin: Pts) -> Result<Self, Error> {
        let head = head(config, std::time::Duration::ZERO)?;
        Ok(Self { initialisation: head.bytes, tracks: head.tracks, origin, sequence: 0 })
    }

    /// What a player needs before the first segment.
    pub fn initialisation(&self) -> &[u8] {
        &self.initialisation
    }

    /// A segment of `units`: for each track those of a lane, in decode order. Lanes of other tracks, and empty ones, are
    /// left out.
    ///
    /// # Errors
    /// [`Error::Internal`] for a segment of more than 2 GiB.
    pub fn segment(&mut self, lanes: &[(Track, Vec<AccessUnit>)]) -> Result<Vec<u8>, Error> {
        let parts: Vec<Part<'_>> = lanes
            .iter()
            .filter(|(_, units)| !units.is_empty())
            .filter_map(|(track, units)| {
                let head = *self.tracks.iter().find(|head| head.track == *track)?;
                Some(Part { head, units })
            })
            .collect();
        self.sequence = self.sequence.wrapping_add(1).max(1);
        Ok(fragment(self.sequence, &parts, self.origin.as_nanos())?.bytes)
    }
}
