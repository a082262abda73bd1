//! Where a stream begins.

use std::sync::Arc;

use ertmp::flv::Timeline;
use units::{AccessUnit, Dts, Span, StreamConfig, Track};

/// Units older than this against the newest are forgotten while no common keyframe has been seen: two keyframe
/// intervals of the recommended two seconds.
const MEMORY: Span = Span::from_secs(4);

/// The same while units are kept for a connection that is not there yet: as long as one of its steps may take.
const KEPT: Span = Span::from_secs(10);

/// The units a stream begins with.
#[derive(Debug, PartialEq, Eq)]
pub struct Start {
    /// Timestamps count from here.
    pub timeline: Timeline,
    /// In the order they came in.
    pub units: Vec<Arc<AccessUnit>>,
}

/// Holds units back until every rendition has an IDR of one and the same presentation time, since a player can start
/// and switch only there (IVS multitrack integration guide, "Configure Video Scaling and Encoding").
#[derive(Debug)]
pub struct StartGate {
    tracks: Vec<Track>,
    held: Vec<Arc<AccessUnit>>,
    bytes: usize,
}

impl StartGate {
    /// A closed gate for the tracks of `config`.
    pub fn new(config: &StreamConfig) -> Self {
        Self {
            tracks: config.video.iter().map(|video| Track::Video(video.track)).collect(),
            held: Vec::new(),
            bytes: 0,
        }
    }

    /// Takes a unit; gives the beginning of the stream once there is one.
    pub fn offer(&mut self, unit: Arc<AccessUnit>) -> Option<Start> {
        self.remember(unit, MEMORY, usize::MAX);
        self.open()
    }

    /// Takes a unit and keeps the gate closed. The latest ten seconds are kept, and at most `bytes` of them.
    pub fn hold(&mut self, unit: Arc<AccessUnit>, bytes: usize) {
        self.remember(unit, KEPT, bytes);
    }

    /// Gives the beginning of the stream, should one have been taken already.
    pub fn open(&mut self) -> Option<Start> {
        let base = self.common_idr()?;
        self.bytes = 0;
        let units = std::mem::take(&mut self.held).into_iter().filter(|unit| unit.dts >= base).collect();
        Some(Start { timeline: Timeline::new(base), units })
    }

    fn remember(&mut self, unit: Arc<AccessUnit>, memory: Span, bytes: usize) {
        let newest = unit.dts;
        self.bytes += unit.data.len();
        self.held.push(unit);
        let mut held = self.bytes;
        self.held.retain(|unit| {
            let stays = newest - unit.dts <= memory && held <= bytes;
            if !stays {
                held -= unit.data.len();
            }
            stays
        });
        self.bytes = held;
    }

    /// Lowest decode time of the first group of IDRs that all renditions share; without renditions, of the first unit.
    fn common_idr(&self) -> Option<Dts> {
        let Some((first, others)) = self.tracks.split_first() else {
            return self.held.first().map(|unit| unit.dts);
        };
        let idrs = |track: Track| self.held.iter().filter(move |unit| unit.track == track && unit.is_idr);
        idrs(*first).find_map(|idr| {
            others
                .iter()
                .map(|track| idrs(*track).find(|other| other.pts == idr.pts).map(|other| other.dts))
                .try_fold(idr.dts, |base, dts| dts.map(|dts| base.min(dts)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::SyntheticStream;
    use units::TrackId;

    #[test]
    fn begins_at_an_idr_on_all_tracks() {
        let mut stream = SyntheticStream::ladder(3);
        // Join in the middle of a group of pictures, and lose one rendition's first IDR.
        let lost = Track::Video(TrackId(2));
        let mut units = stream.take_span(Span::from_secs(7)).into_iter();
        let mut gate = StartGate::new(&stream.config());
        let start = units
            .by_ref()
            .filter(|unit| unit.pts.as_millis() > 500)
            .filter(|unit| !(unit.track == lost && unit.pts.as_millis() == 2_000))
            .find_map(|unit| gate.offer(unit))
            .unwrap();
        assert_eq!(start.timeline.origin().as_millis(), 4_000);
        assert!(start.units.iter().all(|unit| unit.dts >= start.timeline.origin()));
        for track in 0..3 {
            let first = start.units.iter().find(|unit| unit.track == Track::Video(TrackId(track))).unwrap();
            assert!(first.is_idr && first.pts.as_millis() == 4_000);
        }
    }

    #[test]
    fn memory_is_bounded_when_idrs_never_align() {
        let mut stream = SyntheticStream::ladder(2);
        let mut gate = StartGate::new(&stream.config());
        for unit in stream.take_span(Span::from_secs(60)) {
            let mut unit = Arc::unwrap_or_clone(unit);
            if unit.track == Track::Video(TrackId(1)) {
                unit.is_idr = false;
            }
            assert_eq!(gate.offer(Arc::new(unit)), None);
            assert!(gate.held.len() < 500, "{}", gate.held.len());
        }
    }
}
