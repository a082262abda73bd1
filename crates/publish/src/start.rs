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
        let (base, firsts) = self.common_idr()?;
        self.bytes = 0;
        let mut units = std::mem::take(&mut self.held);
        // Renditions may differ in how much earlier they decode: each begins with its own IDR.
        let first = |of: Track| firsts.iter().find(|(track, _)| *track == of).map_or(base, |(_, dts)| *dts);
        units.retain(|unit| unit.dts >= first(unit.track));
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

    /// Lowest decode time of the first group of IDRs that all renditions share, and the decode time of each of them;
    /// without renditions, that of the first unit.
    fn common_idr(&self) -> Option<(Dts, Vec<(Track, Dts)>)> {
        let Some(first) = self.tracks.first() else {
            return self.held.first().map(|unit| (unit.dts, Vec::new()));
        };
        let idrs = |track: Track| self.held.iter().filter(move |unit| unit.track == track && unit.is_idr);
        idrs(*first).find_map(|idr| {
            let own = |track: &Track| {
                idrs(*track).find(|other| other.pts == idr.pts).map(|other| (*track, other.dts))
            };
            let group: Vec<(Track, Dts)> = self.tracks.iter().map(own).collect::<Option<_>>()?;
            Some((group.iter().map(|(_, dts)| *dts).min()?, group))
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
    fn every_rendition_begins_with_its_idr_however_early_it_decodes() {
        let mut stream = SyntheticStream::ladder(2);
        let mut gate = StartGate::new(&stream.config());
        // The second rendition decodes two pictures ahead of showing; it comes as early.
        let mut units: Vec<AccessUnit> = stream
            .take_span(Span::from_secs(5))
            .into_iter()
            .map(|unit| {
                let mut unit = Arc::unwrap_or_clone(unit);
                if unit.track == Track::Video(TrackId(1)) {
                    unit.dts = unit.dts - Span::from_millis(67);
                }
                unit
            })
            .filter(|unit| unit.pts.as_millis() > 500)
            .collect();
        units.sort_by_key(|unit| unit.dts);
        let start = units.into_iter().find_map(|unit| gate.offer(Arc::new(unit))).unwrap();
        assert_eq!(start.timeline.origin().as_millis(), 1_933);
        for track in 0..2 {
            let first = start.units.iter().find(|unit| unit.track == Track::Video(TrackId(track))).unwrap();
            assert!(first.is_idr && first.pts.as_millis() == 2_000, "{first:?}");
        }
    }

    #[test]
    fn what_is_held_is_bounded_in_time_and_bytes() {
        for (bytes, kept_ms) in [(usize::MAX, 10_000), (1_000_000, 2_700)] {
            let mut stream = SyntheticStream::single();
            let mut gate = StartGate::new(&stream.config());
            for unit in stream.take_span(Span::from_secs(31)) {
                gate.hold(unit, bytes);
                let held: usize = gate.held.iter().map(|unit| unit.data.len()).sum();
                assert!(held == gate.bytes && held <= bytes);
            }
            let start = gate.open().unwrap();
            // The first keyframe of what was kept.
            let kept = 31_000 - start.timeline.origin().as_millis();
            assert!((kept_ms - 2_000..=kept_ms).contains(&kept), "{kept}");
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
