//! Broadcast performance metrics (IVS multitrack integration guide, "Broadcast Performance Metrics"): counted per
//! rendition, put in front of its IDRs at the moment they are interleaved.

use units::{AccessUnit, MediaTime, VideoCodec};

use super::config::WallClock;

pub(crate) struct Metrics {
    _wall: WallClock,
    missing: u64,
}

impl Metrics {
    pub(crate) const fn new(wall: WallClock) -> Self {
        Self { _wall: wall, missing: 0 }
    }

    /// IDRs that went out without.
    pub(crate) const fn missing(&self) -> u64 {
        self.missing
    }

    /// The picture with its metrics, when it is one that gets some. `dropped` pictures were dropped since the start.
    pub(crate) fn measure(
        &mut self,
        _unit: &AccessUnit,
        _codec: VideoCodec,
        _dropped: u64,
        _now: MediaTime,
    ) -> Option<AccessUnit> {
        None
    }
}
