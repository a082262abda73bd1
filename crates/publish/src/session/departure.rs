//! Leaving a running stream to another session at a keyframe (E-RTMP v2, "Reconnect Request").

use std::sync::Arc;

use units::{AccessUnit, Dts, MediaTime, Span, StreamConfig, Track};

use super::{Farewell, Session, Step};

/// Sound of before the keyframe may come this much after it: sound and pictures take their time in different encoders.
const LATE: Span = Span::from_millis(300);
/// Lengths of units are rounded down to the nanosecond.
const ROUNDING: Span = Span::from_micros(1);

impl Session {
    /// Leaves the stream to another session, which has to be given the same units already and to have
    /// [`keep_from_keyframe`](crate::SessionConfig::keep_from_keyframe) set: sends everything up to the next IDR that
    /// all renditions share and not that IDR, which is where the other one begins; then closes the connection without
    /// signalling the end of the stream. [`Self::stop`] meanwhile ends the stream as ever.
    pub fn depart(&mut self, now: MediaTime) {
        if self.is_departing() || matches!(self.step, Step::Stopping | Step::Ended) {
            return;
        }
        self.depart_by = Some(now + self.config.deadlines.depart);
        if self.step.is_accepted() && self.outgoing.has_started() {
            self.outgoing.depart();
        } else {
            // Nothing was sent, so nothing is missing where the other session begins.
            self.enter(Step::Stopping, None, now);
            self.end_farewell(true);
        }
    }

    /// Whether [`Self::depart`] was called, and the session not stopped since.
    pub const fn is_departing(&self) -> bool {
        self.depart_by.is_some()
    }

    /// Lets go of a session that nobody will give a unit any more: stops it, or, when it is departing, closes it as
    /// soon as everything it was given is written.
    pub fn let_go(&mut self, now: MediaTime) {
        if !self.is_departing() {
            self.stop(now);
        } else if self.step.is_accepted() {
            self.leave(now);
        }
    }

    /// Everything that a departing session still has to send has come.
    pub(super) fn leave(&mut self, now: MediaTime) {
        let by = self.depart_by.unwrap_or(now);
        self.enter(Step::Stopping, None, now);
        self.farewell =
            Some(Farewell { silent: true, drain_until: by, cut_at: by, said: false, closing: false });
    }
}

/// Finds the next IDR that all renditions share, among units that come after the wish to leave. What belongs before
/// it goes through, what belongs behind it is left to the session that takes over; see [`crate::StartGate`], which
/// draws the same line.
#[derive(Debug)]
pub(crate) struct Departure {
    renditions: Vec<Track>,
    sound: Vec<Track>,
    /// From the first picture that may be the boundary on.
    held: Vec<Arc<AccessUnit>>,
    boundary: Option<Boundary>,
}

/// Where the other session begins.
#[derive(Debug)]
struct Boundary {
    /// Decode time of its first unit.
    begin: Dts,
    found_at: MediaTime,
    /// Sound that may still come for us.
    awaited: Vec<Track>,
}

impl Departure {
    pub(crate) fn new(config: &StreamConfig) -> Self {
        Self {
            renditions: config.video.iter().map(|video| Track::Video(video.track)).collect(),
            sound: config.audio.iter().map(|audio| Track::Audio(audio.track)).collect(),
            held: Vec::new(),
            boundary: None,
        }
    }

    /// Everything of ours has come.
    pub(crate) fn is_over(&self, now: MediaTime) -> bool {
        let over = |boundary: &Boundary| boundary.awaited.is_empty() || now - boundary.found_at >= LATE;
        self.boundary.as_ref().is_some_and(over)
    }

    /// Takes a unit; gives those that are still to be sent.
    pub(crate) fn offer(&mut self, unit: Arc<AccessUnit>, now: MediaTime) -> Vec<Arc<AccessUnit>> {
        if let Some(boundary) = &mut self.boundary {
            return if boundary.takes(&unit) { vec![unit] } else { Vec::new() };
        }
        if self.renditions.is_empty() {
            // Sound can be left anywhere.
            self.boundary = Some(Boundary { begin: unit.dts, found_at: now, awaited: Vec::new() });
            return Vec::new();
        }
        if self.held.is_empty() && !is_keyframe(&unit) {
            return vec![unit];
        }
        self.held.push(unit);
        let mut passed = Vec::new();
        while let Some(candidate) = self.held.iter().find(|unit| is_keyframe(unit)) {
            let pts = candidate.pts;
            let of = |track: Track| self.held.iter().filter(move |unit| unit.track == track);
            let first_of = |track: Track| of(track).find(|unit| unit.is_idr && unit.pts == pts);
            let firsts: Option<Vec<(Track, Dts)>> =
                self.renditions.iter().map(|track| Some((*track, first_of(*track)?.dts))).collect();
            if let Some(firsts) = firsts {
                passed.extend(self.leave_at(&firsts, now));
                return passed;
            }
            // No unit is decoded after it is shown: a rendition that is past that time has no IDR for it.
            let refuted = self.renditions.iter().any(|track| {
                first_of(*track).is_none() && of(*track).any(|unit| unit.dts.as_nanos() > pts.as_nanos())
            });
            if !refuted {
                return passed;
            }
            let next = self.held.iter().position(|unit| is_keyframe(unit) && unit.pts != pts);
            passed.extend(self.held.drain(..next.unwrap_or(self.held.len())));
        }
        passed
    }

    /// Draws the line at these IDRs; gives what is held on our side of it.
    fn leave_at(&mut self, firsts: &[(Track, Dts)], now: MediaTime) -> Vec<Arc<AccessUnit>> {
        let begin = firsts.iter().map(|(_, dts)| *dts).min().unwrap_or_default();
        let mut boundary = Boundary { begin, found_at: now, awaited: self.sound.clone() };
        let mut passed = std::mem::take(&mut self.held);
        passed.retain(|unit| match firsts.iter().find(|(track, _)| *track == unit.track) {
            Some((_, first)) => unit.dts < *first,
            None => boundary.takes(unit),
        });
        self.boundary = Some(boundary);
        passed
    }
}

impl Boundary {
    /// Whether a unit that comes after the keyframe was found is ours, which only sound can be.
    fn takes(&mut self, unit: &AccessUnit) -> bool {
        if unit.is_video() {
            return false;
        }
        if unit.dts + unit.span + ROUNDING >= self.begin {
            self.awaited.retain(|track| *track != unit.track);
        }
        unit.dts < self.begin
    }
}

fn is_keyframe(unit: &AccessUnit) -> bool {
    unit.is_video() && unit.is_idr
}
