//! Which media times did not reach a destination, to the millisecond.
//!
//! Sessions tell what was delivered ([`Delivered`]); everything else between the beginning and the end of a broadcast
//! is a gap. What was written when a session broke and never confirmed may have arrived or not, and is told apart.

mod runs;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::json;
use units::{MediaTime, Span, Track};

use crate::WallClock;
use runs::ROUNDING;
pub(crate) use runs::Runs;

/// Runs kept for each track. A stream that drops the tail of every group of pictures for a whole day makes 43,200 of
/// them; beyond that the shortest are given up, a few thousand at once, see [`GapLedger::is_coarse`].
const MOST_RUNS: usize = 50_000;
const RUNS_LEFT: usize = 45_000;
/// Interruptions whose reasons are remembered: the latest.
const MOST_REASONS: usize = 10_000;
/// The reason of an interruption explains gaps that end up to this long before it: a session notices only after its
/// deadlines that something is wrong ([`Deadlines`](crate::Deadlines)).
const NOTICED_LATE: Span = Span::from_secs(15);
/// While a broadcast runs, media that lies less than this before the newest delivered is not judged: pictures are
/// delivered in decode order, and shown in another.
const SETTLING: Span = Span::from_secs(1);
/// Why pictures were dropped.
const TOO_SLOW: &str = "the upload was too slow";
/// An upload that keeps dropping is remembered so often.
const TOLD_AGAIN: Span = Span::from_secs(1);
/// Why media is missing that nothing explains: it was never there to be sent, since frames are skipped where composing or
/// encoding falls behind.
const NOT_MADE: &str = "this computer did not make it in time";
/// Why media is not confirmed that nothing explains.
const NOT_CONFIRMED: &str = "the server has not confirmed it";

/// How sure it is that media arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// It was handed to the system, which had not heard from the peer about it when the session ended.
    Written,
    /// The peer's system, or the peer itself (RTMP specification 1.0, 5.4.3), confirmed it. Whether the peer made
    /// anything of it is another question.
    Confirmed,
}

/// Media of one track that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The track.
    pub track: Track,
    /// Presentation time of the first unit.
    pub from: MediaTime,
    /// End of the last unit.
    pub to: MediaTime,
    /// How sure it is that it arrived.
    pub certainty: Certainty,
}

/// What became of media in a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapKind {
    /// It never left.
    NotSent,
    /// It left, and nobody confirmed it: it may have arrived.
    Unconfirmed,
}

impl GapKind {
    /// The kind as one word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

/// Media of one track that did not reach the destination, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The track.
    pub track: Track,
    /// Presentation time of the first picture or sound that is missing.
    pub from: MediaTime,
    /// Presentation time of the first that is there again, or the end of the stream.
    pub to: MediaTime,
    /// Whether it left at all.
    pub kind: GapKind,
    /// Why, in a short sentence for a person.
    pub why: String,
}

/// Ties media time to what a reader of the ledger knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerAnchor {
    /// Media time of the recording's first picture, or of whatever else counts as zero.
    pub zero: MediaTime,
    /// Ties media time to UTC.
    pub clock: WallClock,
}

/// All gaps in short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GapSummary {
    /// Times at which something of any track is missing; gaps of several tracks that overlap count once.
    pub count: usize,
    /// How long those are together.
    pub total: Span,
    /// The latest gap.
    pub latest: Option<Gap>,
}

/// What was promised of one track, and what became of it.
#[derive(Clone, Debug, Default)]
struct Account {
    /// From when to when the track was promised; the last may be open.
    promised: Vec<(MediaTime, Option<MediaTime>)>,
    confirmed: Runs,
    written: Runs,
}

impl Account {
    fn promise(&mut self, at: MediaTime) {
        if self.promised.last().is_none_or(|(_, until)| until.is_some()) {
            self.promised.push((at, None));
        }
    }

    fn withdraw(&mut self, at: MediaTime) {
        if let Some((from, until @ None)) = self.promised.last_mut() {
            *until = Some(at.max(*from));
        }
    }

    /// End of the newest media that left.
    fn newest(&self) -> Option<MediaTime> {
        self.confirmed.end().max(self.written.end())
    }

    /// Bounds memory; true when something had to be given up.
    fn bound(&mut self) -> bool {
        let mut gave_up = false;
        for runs in [&mut self.confirmed, &mut self.written] {
            if runs.len() > MOST_RUNS {
                runs.forget_shortest(RUNS_LEFT);
                gave_up = true;
            }
        }
        gave_up
    }
}

/// The gap ledger of one destination. Reads no clock; its memory is bounded however long the broadcast lasts.
#[derive(Clone, Debug, Default)]
pub struct GapLedger {
    accounts: BTreeMap<Track, Account>,
    began: Option<MediaTime>,
    ended: Option<MediaTime>,
    /// When a session broke, and why.
    reasons: BTreeMap<MediaTime, String>,
    coarse: bool,
}

impl GapLedger {
    /// A ledger that expects `tracks` from [`Self::began`] on.
    pub fn new(tracks: impl IntoIterator<Item = Track>) -> Self {
        let accounts = tracks.into_iter().map(|track| (track, Account::default())).collect();
        Self { accounts, ..Self::default() }
    }

    /// From the media time `at` on, everything is to reach the destination. Only the first call counts.
    pub fn began(&mut self, at: MediaTime) {
        if self.began.is_none() {
            self.began = Some(at);
            for account in self.accounts.values_mut() {
                account.promise(at);
            }
        }
    }

    /// From the media time `at` on, `tracks` are promised and no others.
    pub fn changed(&mut self, tracks: impl IntoIterator<Item = Track>, at: MediaTime) {
        let tracks: Vec<Track> = tracks.into_iter().collect();
        for (track, account) in &mut self.accounts {
            if !tracks.contains(track) {
                account.withdraw(at);
            }
        }
        for track in tracks {
            let account = self.accounts.entry(track).or_default();
            if self.began.is_some() && self.ended.is_none() {
                account.promise(at);
            }
        }
    }

    /// A session broke at the media time `at`, because of `why`: a short sentence without a stream key.
    pub fn interrupted(&mut self, at: MediaTime, why: impl Into<String>) {
        self.reasons.entry(at).or_insert_with(|| why.into());
        if self.reasons.len() > MOST_REASONS {
            self.reasons.pop_first();
        }
    }

    /// Pictures were dropped at the media time `at`, because the upload was too slow for them.
    pub fn fell_behind(&mut self, at: MediaTime) {
        let is_told = self.reasons.range(at - TOLD_AGAIN..=at).any(|(_, why)| why == TOO_SLOW);
        if !is_told {
            self.interrupted(at, TOO_SLOW);
        }
    }

    /// Media left, or was confirmed. In any order, and more than once; confirmed counts for more. Tracks that were
    /// never promised are ignored.
    pub fn delivered(&mut self, delivered: &Delivered) {
        let Some(account) = self.accounts.get_mut(&delivered.track) else { return };
        let runs = match delivered.certainty {
            Certainty::Confirmed => &mut account.confirmed,
            Certainty::Written => &mut account.written,
        };
        runs.insert(delivered.from, delivered.to);
        self.coarse |= account.bound();
    }

    /// The broadcast ends at the media time `at`: nothing from there on is missing. Only the first call counts.
    pub fn ended(&mut self, at: MediaTime) {
        if self.ended.is_none() {
            self.ended = Some(at);
            for account in self.accounts.values_mut() {
                account.withdraw(at);
            }
        }
    }

    /// Whether there was so much to remember that short stretches which did arrive are told as missing.
    pub const fn is_coarse(&self) -> bool {
        self.coarse
    }

    /// All gaps, by track and time. While the broadcast runs, of each track up to a second before what was delivered
    /// last; see [`Self::gaps_until`] for a destination that gets nothing at the moment.
    pub fn gaps(&self) -> Vec<Gap> {
        self.collect(|account| account.newest().map(|newest| newest - SETTLING))
    }

    /// All gaps before the media time `at`, by track and time.
    pub fn gaps_until(&self, at: MediaTime) -> Vec<Gap> {
        self.collect(|_| Some(at))
    }

    /// `gaps` in short.
    pub fn summary(gaps: &[Gap]) -> GapSummary {
        let mut missing = Runs::default();
        for gap in gaps {
            missing.insert(gap.from, gap.to);
        }
        let total = missing.iter().fold(Span::ZERO, |total, (from, to)| total + (to - from));
        let latest = gaps.iter().max_by_key(|gap| (gap.to, gap.from)).cloned();
        GapSummary { count: missing.len(), total, latest }
    }

    /// The ledger as JSON (RFC 8259) for a file beside the recording: times in milliseconds from
    /// [`LedgerAnchor::zero`] on, rounded down, and the beginning of each gap as Unix time in milliseconds.
    pub fn to_json(&self, anchor: LedgerAnchor) -> String {
        let at_ms = |at: MediaTime| (at - anchor.zero).as_millis();
        let gaps = self.gaps();
        let summary = Self::summary(&gaps);
        let gaps: Vec<_> = gaps
            .iter()
            .map(|gap| {
                let (kind, track) = match gap.track {
                    Track::Video(track) => ("video", track.0),
                    Track::Audio(track) => ("audio", track.0),
                };
                json!({
                    "media": kind,
                    "track": track,
                    "from_ms": at_ms(gap.from),
                    "to_ms": at_ms(gap.to),
                    "from_unix_ms": anchor.clock.unix_nanos(gap.from).div_euclid(1_000_000),
                    "kind": gap.kind.word(),
                    "why": gap.why,
                })
            })
            .collect();
        let ledger = json!({
            "version": 1,
            "began_ms": self.began.map(at_ms),
            "ended_ms": self.ended.map(at_ms),
            "coarse": self.coarse,
            "times_with_gaps": summary.count,
            "missing_ms": summary.total.as_millis(),
            "gaps": gaps,
        });
        format!("{ledger:#}\n")
    }

    fn collect(&self, open_end: impl Fn(&Account) -> Option<MediaTime>) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for (track, account) in &self.accounts {
            for (from, until) in &account.promised {
                let Some(to) = until.or_else(|| open_end(account)) else { continue };
                for (from, to) in account.confirmed.missing(*from, to) {
                    self.tell_apart(*track, account, from, to, &mut gaps);
                }
            }
        }
        gaps
    }

    /// Splits a stretch that was not confirmed into what left and what did not.
    fn tell_apart(
        &self,
        track: Track,
        account: &Account,
        from: MediaTime,
        to: MediaTime,
        gaps: &mut Vec<Gap>,
    ) {
        let why = self.why(from, to);
        let mut gap = |kind, from, to| {
            let unexplained = match kind {
                GapKind::NotSent => NOT_MADE,
                GapKind::Unconfirmed => NOT_CONFIRMED,
            };
            gaps.push(Gap { track, from, to, kind, why: why.unwrap_or(unexplained).to_owned() });
        };
        let mut at = from;
        for (begin, end) in account.written.within(from, to) {
            if begin > at + ROUNDING {
                gap(GapKind::NotSent, at, begin);
            }
            gap(GapKind::Unconfirmed, begin, end);
            at = end;
        }
        if at + ROUNDING < to {
            gap(GapKind::NotSent, at, to);
        }
    }

    fn why(&self, from: MediaTime, to: MediaTime) -> Option<&str> {
        let after = self.reasons.range(from..=from.max(to + NOTICED_LATE)).next();
        let near = after.or_else(|| self.reasons.range(from - TOLD_AGAIN..from).next_back());
        near.map(|(_, why)| why.as_str())
    }
}
