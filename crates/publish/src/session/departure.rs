//! Leaving a running stream to another session at a keyframe (E-RTMP v2, "Reconnect Request").

use std::sync::Arc;

use units::{AccessUnit, Dts, MediaTime, Span, StreamConfig, Track};

use super::{Ended, Farewell, Session, Step};

/// Sound of before the keyframe may come this much after it: sound and pictures take their time in different encoders.
const LATE: Span = Span::from_millis(300);
/// Lengths of units are rounded down to the nanosecond.
const ROUNDING: Span = Span::from_micros(1);

/// The wish to end at the next common IDR.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parting {
    /// Another session goes on with the stream: its end is not signalled.
    silent: bool,
    /// When it has to be over.
    pub(super) by: MediaTime,
}

impl Session {
    /// Leaves the stream to another session, which has to be given the same units already and to have
    /// [`keep_from_keyframe`](crate::SessionConfig::keep_from_keyframe) set: sends everything up to the next IDR that
    /// all renditions share and not that IDR, which is where the other one begins; then closes the connection without
    /// signalling the end of the stream. [`Self::stop`] meanwhile ends the stream as ever.
    pub fn depart(&mut self, now: MediaTime) {
        self.part(true, now);
    }

    /// Ends the stream at the next IDR that all renditions share: sends everything up to it and not that IDR, signals
    /// the end of the stream, so that the service ends it at once, and closes the connection. For a stream that goes on
    /// as a new one, whose session [waits](crate::SessionConfig::waits) until this one has
    /// [stopped](crate::Ended::Stopped).
    pub fn conclude(&mut self, now: MediaTime) {
        self.part(false, now);
    }

    fn part(&mut self, silent: bool, now: MediaTime) {
        if matches!(self.step, Step::Stopping | Step::Ended) {
            return;
        }
        if let Some(parting) = &mut self.parting {
            // The way is the same; whether anybody goes on is what was said last.
            parting.silent = silent;
            return;
        }
        if self.step.is_accepted() && self.outgoing.has_started() {
            self.parting = Some(Parting { silent, by: now + self.config.deadlines.depart });
            self.outgoing.depart();
        } else if silent {
            // Nothing was sent, so nothing is missing where the other session begins.
            self.enter(Step::Stopping, None, now);
            self.end(Ended::Departed, now);
        } else {
            self.stop(now);
        }
    }

    /// Whether the session ends at the next common IDR without signalling the end of the stream.
    pub fn is_departing(&self) -> bool {
        self.parting.is_some_and(|parting| parting.silent)
    }

    /// Lets go of a session that nobody will give a unit any more: stops it, or, when it ends at the next common IDR,
    /// closes it as soon as everything it was given is written.
    pub fn let_go(&mut self, now: MediaTime) {
        if self.parting.is_none() {
            self.stop(now);
        } else if self.step.is_accepted() {
            self.leave(now);
        }
    }

    /// Everything that a session still has to send before it parts has come.
    pub(super) fn leave(&mut self, now: MediaTime) {
        let by = self.parting.map_or(now, |parting| parting.by);
        self.enter(Step::Stopping, None, now);
        self.farewell = Some(Farewell {
            silent: self.is_departing(),
            drain_until: by,
            cut_at: by,
            said: false,
            closing: false,
        });
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
