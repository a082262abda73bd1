//! How much to send at each moment, and what came of it.

use std::collections::VecDeque;

use units::{Kbps, MediaTime, Span};

use super::Recommendation;

/// Media that waits for this long says that the upload carries less than is sent.
const CONGESTED: Span = Span::from_millis(400);
/// Nothing confirmed for so long says the same where the system takes more than the network.
const UNCONFIRMED: Span = Span::from_secs(1);
/// What waits is gone for practical purposes.
const DRAINED: Span = Span::from_millis(100);
/// How long draining may take.
const DRAIN_PATIENCE: Span = Span::from_secs(2);
/// Over how long what arrived is measured.
const WINDOW: Span = Span::from_secs(1);
/// A counter that stays the same for longer than the system's telling takes stands still.
const SILENCE: Span = Span::from_millis(500);
/// A steady stretch shorter than this proves nothing.
const STEADY: Span = Span::from_millis(1_500);
/// How much longer than it was to last a check may be, to get its steady stretch.
const EXTENSION: Span = Span::from_secs(3);
/// Shortest check that can rise and hold.
const SHORTEST: Span = Span::from_secs(4);

/// What the connection shows at one moment; counters since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckSample {
    /// Bytes that are known to have arrived, or, where nothing tells, that left this computer.
    pub delivered_bytes: u64,
    /// Media time that waits in the send queue.
    pub waiting: Span,
    /// How long the oldest byte that was written waits for being confirmed.
    pub unconfirmed: Span,
    /// How much the time to the peer and back varies; `None` when the system does not tell.
    pub delay_variation: Option<Span>,
    /// What was sent on the network, and what of it was lost or sent again, in bytes or in packets alike; `None` when the
    /// system does not tell.
    pub loss: Option<(u64, u64)>,
}

/// What a check is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckPhase {
    /// Sending more and more.
    Rising,
    /// The upload is full: letting it run empty.
    Draining,
    /// Sending steadily what it seems to carry.
    Holding,
    /// Over.
    Done,
}

/// A check under way. Sans-IO: send at [`Self::rate`], tell [`Self::observe`] a few times a second, until
/// [`CheckPhase::Done`].
#[derive(Clone, Debug)]
pub struct NetworkCheck {
    floor: Kbps,
    ceiling: Kbps,
    began_at: MediaTime,
    lasting: Span,
    phase: CheckPhase,
    /// Since when it is in this phase.
    since: MediaTime,
    /// What is sent while holding.
    hold: Kbps,
    /// What arrived while the upload was full, the least of all times.
    full: Option<Kbps>,
    /// What arrived in the longest steady stretch so far, and how long that was.
    steady: Option<(Kbps, Span)>,
    /// When the counter of delivered bytes first changed in the present phase, and to what.
    base: Option<(MediaTime, u64)>,
    /// When it last changed, and to what. The system tells a few times a second, not whenever it is asked.
    latest: (MediaTime, u64),
    recent: VecDeque<(MediaTime, u64)>,
    variations: Vec<Span>,
    loss: Option<(u64, u64)>,
    first_loss: Option<(u64, u64)>,
}

impl NetworkCheck {
    /// A check from `now` on that sends `floor`, which the clip has by itself, up to `ceiling`, and is over after about
    /// `lasting`, which is at least four seconds.
    pub fn new(floor: Kbps, ceiling: Kbps, lasting: Span, now: MediaTime) -> Self {
        let floor = floor.max(Kbps(100));
        Self {
            floor,
            ceiling: ceiling.max(floor),
            began_at: now,
            lasting: lasting.max(SHORTEST),
            phase: CheckPhase::Rising,
            since: now,
            hold: ceiling.max(floor),
            full: None,
            steady: None,
            base: None,
            latest: (now, 0),
            recent: VecDeque::new(),
            variations: Vec::new(),
            loss: None,
            first_loss: None,
        }
    }

    /// What it is doing.
    pub const fn phase(&self) -> CheckPhase {
        self.phase
    }

    /// The least that is sent.
    pub const fn floor(&self) -> Kbps {
        self.floor
    }

    /// The most that is sent.
    pub const fn ceiling(&self) -> Kbps {
        self.ceiling
    }

    /// How much of it is over at `now`, 0 to 1.
    pub fn fraction(&self, now: MediaTime) -> f32 {
        if self.phase == CheckPhase::Done {
            return 1.0;
        }
        let (part, whole) = ((now - self.began_at).as_secs_f64(), self.lasting.as_secs_f64());
        #[expect(clippy::cast_possible_truncation, reason = "for display")]
        let fraction = (part / whole.max(1.0)).clamp(0.0, 0.99) as f32;
        fraction
    }

    /// What to send at `now`, all tracks together.
    pub fn rate(&self, now: MediaTime) -> Kbps {
        match self.phase {
            CheckPhase::Rising => self.risen(now),
            CheckPhase::Draining => Kbps(self.hold.0 / 2).max(self.floor),
            CheckPhase::Holding => self.hold,
            CheckPhase::Done => self.floor,
        }
    }

    /// Rising takes half of the time and multiplies by the same factor in equal times, so that slow and fast uploads are
    /// found alike.
    fn risen(&self, now: MediaTime) -> Kbps {
        let part = (now - self.began_at).as_secs_f64() / (self.lasting.as_secs_f64() / 2.0);
        let ratio = f64::from(self.ceiling.0) / f64::from(self.floor.0);
        let rate = f64::from(self.floor.0) * ratio.powf(part.clamp(0.0, 1.0));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between floor and ceiling"
        )]
        let rate = Kbps(rate as u32);
        rate.clamp(self.floor, self.ceiling)
    }

    /// What the connection shows at `now`.
    pub fn observe(&mut self, sample: &CheckSample, now: MediaTime) {
        if self.phase == CheckPhase::Done {
            return;
        }
        let is_new = sample.delivered_bytes != self.latest.1;
        if is_new {
            self.latest = (now, sample.delivered_bytes);
            self.base.get_or_insert(self.latest);
        }
        if is_new || self.recent.back().is_none_or(|(at, _)| now - *at >= SILENCE) {
            self.recent.push_back((now, sample.delivered_bytes));
        }
        while self.recent.get(1).is_some_and(|(at, _)| now - *at >= WINDOW) {
            self.recent.pop_front();
        }
        self.variations.extend(sample.delay_variation);
        self.first_loss = self.first_loss.or(sample.loss);
        self.loss = sample.loss.or(self.loss);
        let is_full = sample.waiting >= CONGESTED || sample.unconfirmed >= UNCONFIRMED;
        match self.phase {
            CheckPhase::Rising if is_full => self.is_full(now),
            CheckPhase::Rising if now - self.began_at >= Span::from_nanos(self.lasting.as_nanos() / 2) => {
                self.enter(CheckPhase::Holding, now);
            }
            CheckPhase::Draining if sample.waiting <= DRAINED || now - self.since >= DRAIN_PATIENCE => {
                self.enter(CheckPhase::Holding, now);
            }
            CheckPhase::Holding if is_full => {
                self.note_steady(now);
                self.is_full(now);
            }
            _ => {}
        }
        let over = now - self.began_at;
        let has_steady = self.phase == CheckPhase::Holding && now - self.since >= STEADY;
        if over >= self.lasting + EXTENSION || over >= self.lasting && (has_steady || self.steady.is_some()) {
            self.note_steady(now);
            self.phase = CheckPhase::Done;
        }
    }

    fn enter(&mut self, phase: CheckPhase, now: MediaTime) {
        self.phase = phase;
        self.since = now;
        self.base = None;
    }

    /// The upload takes no more: what arrives now is what it carries. It is let run empty, then asked for a little less:
    /// a twentieth, and more every further time.
    fn is_full(&mut self, now: MediaTime) {
        let arrived = self.arriving();
        let was_full = self.full.is_some();
        let full = self.full.map_or(arrived, |known| known.min(arrived));
        self.full = Some(full);
        let percent = if was_full { 85 } else { 95 };
        let hold = u64::from(if was_full { self.hold.min(full) } else { full }.0) * percent / 100;
        self.hold = Kbps(u32::try_from(hold).unwrap_or(u32::MAX)).clamp(self.floor, self.ceiling);
        self.enter(CheckPhase::Draining, now);
    }

    /// The rate at which bytes arrived lately.
    fn arriving(&self) -> Kbps {
        match (self.recent.front(), self.recent.back()) {
            (Some((from, before)), Some((to, after))) => rate(after.saturating_sub(*before), *to - *from),
            _ => Kbps(0),
        }
    }

    fn note_steady(&mut self, now: MediaTime) {
        if self.phase != CheckPhase::Holding {
            return;
        }
        let lasted = now - self.since;
        if lasted >= STEADY && self.steady.is_none_or(|(_, longest)| lasted > longest) {
            let Some((from, before)) = self.base else { return };
            let (to, after) = self.latest;
            self.steady = Some((rate(after.saturating_sub(before), to - from), lasted));
        }
    }

    /// What it found; before the end, what is known so far.
    pub fn recommendation(&self) -> Recommendation {
        let carries = match (self.steady, self.full) {
            (Some((steady, _)), _) => steady,
            (None, Some(full)) => full,
            (None, None) => self.arriving(),
        };
        let mut variations = self.variations.clone();
        variations.sort_unstable();
        let jitter = variations.get(variations.len() / 2).copied().unwrap_or(Span::ZERO);
        let loss_percent =
            self.loss.zip(self.first_loss).map(|((sent, lost), (sent_before, lost_before))| {
                let (sent, lost) = (sent.saturating_sub(sent_before), lost.saturating_sub(lost_before));
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_precision_loss,
                    reason = "for display"
                )]
                let percent = (lost as f64 * 100.0 / (sent.max(1)) as f64).min(100.0) as f32;
                percent
            });
        Recommendation::new(carries, self.full.is_none(), jitter, loss_percent)
    }
}

/// `bytes` in `span`.
fn rate(bytes: u64, span: Span) -> Kbps {
    let nanos = u128::from(span.as_nanos().max(1).unsigned_abs());
    let bits_per_sec = u128::from(bytes) * 8 * 1_000_000_000 / nanos;
    Kbps::from_bits_per_sec(u64::try_from(bits_per_sec).unwrap_or(u64::MAX))
}
