//! How far apart the keyframes are.

use units::{Dts, MediaTime, Span};

use crate::judge::finding::{Finding, Ledger, Severity, code};
use crate::limits::{KEYFRAME_INTERVAL, KEYFRAME_INTERVAL_LOWEST_LATENCY, MAX_KEYFRAME_INTERVAL};

/// Room for timestamps in whole milliseconds and for frame rates that do not divide a second.
const TOLERANCE: Span = Span::from_millis(50);

/// Pictures from one keyframe to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::judge) struct GroupOfPictures {
    pub(in crate::judge) pictures: u32,
    /// At least half a second.
    pub(in crate::judge) span: Span,
}

impl GroupOfPictures {
    /// Pictures per second.
    pub(in crate::judge) fn rate(&self) -> f64 {
        f64::from(self.pictures) / self.span.as_secs_f64()
    }
}

/// Keyframe intervals of the picture.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::judge) struct Keyframes {
    pub(in crate::judge) count: u64,
    pub(in crate::judge) shortest: Option<Span>,
    pub(in crate::judge) longest: Option<Span>,
    pub(in crate::judge) irregular: u64,
    first: Option<Dts>,
    newest: Option<Dts>,
    pictures_since: u32,
}

impl Keyframes {
    /// The mean interval.
    pub(in crate::judge) fn mean(&self) -> Option<Span> {
        let intervals = i64::try_from(self.count.checked_sub(1)?).ok().filter(|count| *count > 0)?;
        Some(Span::from_nanos((self.newest? - self.first?).as_nanos() / intervals))
    }

    /// Takes note of a picture. At a keyframe, gives the pictures since the one before, when that was long enough ago
    /// to measure a frame rate.
    pub(in crate::judge) fn picture(
        &mut self,
        dts: Dts,
        is_idr: bool,
        now: MediaTime,
        ledger: &mut Ledger,
    ) -> Option<GroupOfPictures> {
        let since = self.newest.map(|newest| dts - newest);
        if let Some(since) = since
            && since > MAX_KEYFRAME_INTERVAL.value + TOLERANCE
        {
            ledger.report(Finding::new(
                Severity::Warning,
                code::KEYFRAME_LATE,
                now,
                "No keyframe came for more than 5 seconds; the service can not begin every segment with one, and \
                 viewers may see broken pictures. Set the keyframe interval to 2 seconds.",
                MAX_KEYFRAME_INTERVAL.source,
            ));
        }
        self.pictures_since = self.pictures_since.saturating_add(1);
        if !is_idr {
            return None;
        }
        let pictures = self.pictures_since;
        self.count += 1;
        self.first.get_or_insert(dts);
        self.newest = Some(dts);
        self.pictures_since = 0;
        let since = since?;
        self.judge_interval(since, now, ledger);
        self.shortest = Some(self.shortest.map_or(since, |shortest| shortest.min(since)));
        self.longest = Some(self.longest.map_or(since, |longest| longest.max(since)));
        (since >= Span::from_millis(500)).then_some(GroupOfPictures { pictures, span: since })
    }

    fn judge_interval(&mut self, since: Span, now: MediaTime, ledger: &mut Ledger) {
        // The longest so far is the one that was set; what differs from it was not made by counting frames.
        let irregular = self.longest.is_some_and(|longest| (since - longest).abs() > TOLERANCE);
        if irregular {
            self.irregular += 1;
            let sentence = format!(
                "Keyframes come at irregular times (one after {} ms); switch scene change detection off.",
                since.as_millis()
            );
            let source = "IVS user guide, Streaming Configuration, Video Settings";
            ledger.report(Finding::new(Severity::Note, code::KEYFRAME_IRREGULAR, now, sentence, source));
        }
        let recommended = [KEYFRAME_INTERVAL.value, KEYFRAME_INTERVAL_LOWEST_LATENCY.value];
        let follows = recommended.iter().any(|interval| (since - *interval).abs() <= TOLERANCE);
        if !follows && !irregular {
            let sentence = format!(
                "Keyframes come every {} ms; the guide recommends 2 seconds, or 1 for the lowest latency.",
                since.as_millis()
            );
            let source = KEYFRAME_INTERVAL.source;
            ledger.report(Finding::new(Severity::Note, code::KEYFRAME_INTERVAL, now, sentence, source));
        }
    }
}
