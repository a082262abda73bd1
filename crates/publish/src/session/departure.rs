//! Leaving a running stream to another session at a keyframe (E-RTMP v2, "Reconnect Request").

use std::sync::Arc;

use units::{AccessUnit, Dts, StreamConfig, Track};

/// Finds the next IDR that all renditions share, among units that come after the wish to leave. What belongs before
/// it goes through, what belongs behind it is left to the session that takes over.
#[derive(Debug)]
pub(crate) struct Departure {
    tracks: Vec<Track>,
    /// From the first picture that may be the boundary on.
    held: Vec<Arc<AccessUnit>>,
    /// Decode time of the first unit that is not ours any more.
    boundary: Option<Dts>,
}

impl Departure {
    pub(crate) fn new(config: &StreamConfig) -> Self {
        Self {
            tracks: config.video.iter().map(|video| Track::Video(video.track)).collect(),
            held: Vec::new(),
            boundary: None,
        }
    }

    /// Everything of ours has come.
    pub(crate) fn is_reached(&self) -> bool {
        self.boundary.is_some()
    }

    /// Takes a unit; gives those that are still to be sent.
    pub(crate) fn offer(&mut self, unit: Arc<AccessUnit>) -> Vec<Arc<AccessUnit>> {
        if self.is_reached() {
            return Vec::new();
        }
        if self.tracks.is_empty() {
            // Sound can be left anywhere.
            self.boundary = Some(unit.dts);
            return Vec::new();
        }
        if self.held.is_empty() && !(unit.is_video() && unit.is_idr) {
            return vec![unit];
        }
        self.held.push(unit);
        let mut passed = Vec::new();
        while let Some(candidate) = self.held.iter().find(|unit| unit.is_video() && unit.is_idr) {
            let pts = candidate.pts;
            let (mut base, mut missing, mut refuted) = (candidate.dts, false, false);
            for track in &self.tracks {
                let mut own = self.held.iter().filter(|unit| unit.track == *track);
                if let Some(idr) = own.clone().find(|unit| unit.is_idr && unit.pts == pts) {
                    base = base.min(idr.dts);
                } else {
                    missing = true;
                    // No unit is decoded after it is shown: this rendition is past that time without an IDR.
                    refuted |= own.any(|unit| unit.dts.as_nanos() > pts.as_nanos());
                }
            }
            if !missing {
                self.boundary = Some(base);
                passed.extend(std::mem::take(&mut self.held).into_iter().filter(|unit| unit.dts < base));
                return passed;
            }
            if !refuted {
                return passed;
            }
            let next = self.held.iter().position(|unit| unit.is_video() && unit.is_idr && unit.pts != pts);
            passed.extend(self.held.drain(..next.unwrap_or(self.held.len())));
        }
        passed
    }
}
