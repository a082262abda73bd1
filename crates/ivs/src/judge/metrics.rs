//! Whether broadcast performance metrics stand in front of every IDR picture of every track (the guide, "Broadcast
//! Performance Metrics").

use std::borrow::Cow;

use units::MediaTime;

use super::finding::{Finding, Ledger, Severity, code};
use super::picture::{Coding, PictureTrack, for_each_nal_unit};
use super::promised::DISCONNECTIONS;
use super::{MetricsFigures, Picture};
use crate::metrics::{
    Event, Found, Metric, RenditionCounters, SessionCounters, Timestamp, When, find_in_unit,
};

const INSERT: &str =
    "IVS user guide, Multitrack Video Broadcast Software Integration Guide, Insert SEI/OBU Messages";
const DEFINITIONS: &str = "IVS user guide, Multitrack Video Broadcast Software Integration Guide, BPM Message \
                           Definitions";

/// The three messages by name, in the order of the guide.
const NAMES: [&str; 3] = ["timestamps", "session metrics", "rendition metrics"];

/// Reads the metrics of all tracks.
#[derive(Clone, Debug)]
pub(super) struct MetricsWatch {
    messages: u64,
    missing: u64,
    /// Streams of several tracks must have them; recordings have none.
    pub(super) are_expected: bool,
}

impl Default for MetricsWatch {
    fn default() -> Self {
        Self { messages: 0, missing: 0, are_expected: true }
    }
}

impl MetricsWatch {
    pub(super) const fn figures(&self) -> MetricsFigures {
        MetricsFigures { messages: self.messages, missing: self.missing }
    }

    /// An IDR picture of `track` came, and was counted. Streams of one track need no metrics.
    pub(super) fn idr(
        &mut self,
        track: &mut PictureTrack,
        picture: &Picture<'_>,
        several: bool,
        now: MediaTime,
        ledger: &mut Ledger,
    ) {
        let Some(coding) = track.coding().filter(|_| several && self.are_expected) else { return };
        let found = find(coding, picture.data);
        let is_first = track.keyframes.count == 1;
        self.messages = self.messages.saturating_add(found.before_first_slice.len() as u64);
        let place = format!("the IDR picture of track {} at {} ms", track.track, picture.pts.as_millis());
        if judge_presence(&found, &place, now, ledger) {
            self.missing += 1;
            track.metrics_missing += 1;
        }
        if let Some(why) = wrong_form(&found) {
            let sentence = format!("Of the metrics in front of {place}, {why}.");
            ledger.report(Finding::new(Severity::Warning, code::METRICS_FORM, now, sentence, DEFINITIONS));
        }
        if is_first && found.before_first_slice.iter().any(has_counted) {
            let sentence = format!(
                "The metrics in front of {place} have counted already; in the first segment all are 0."
            );
            ledger.report(Finding::new(Severity::Warning, code::METRICS_NOT_ZERO, now, sentence, INSERT));
        }
    }
}

/// What is found in an access unit whose NAL units have lengths of any size.
fn find(coding: &Coding, data: &[u8]) -> Found {
    let unit = if coding.length_size == 4 {
        Cow::Borrowed(data)
    } else {
        let mut unit = Vec::with_capacity(data.len() + 64);
        for_each_nal_unit(data, coding.length_size, |nal_unit| {
            // Lengths of one and two bytes fit.
            unit.extend_from_slice(&u32::try_from(nal_unit.len()).unwrap_or(0).to_be_bytes());
            unit.extend_from_slice(nal_unit);
        });
        Cow::Owned(unit)
    };
    find_in_unit(coding.codec, &unit)
}

/// Whether any of the three is missing.
fn judge_presence(found: &Found, place: &str, now: MediaTime, ledger: &mut Ledger) -> bool {
    let is_in = |metrics: &[Metric], kind| metrics.iter().any(|metric| number(metric) == kind);
    let absent: Vec<&str> = (0..)
        .zip(NAMES)
        .filter(|(kind, _)| !is_in(&found.before_first_slice, *kind) && !is_in(&found.after, *kind))
        .map(|(_, name)| name)
        .collect();
    if !absent.is_empty() {
        let unreadable = found.malformed.first().map(|error| format!(" ({error})")).unwrap_or_default();
        let sentence = format!(
            "Three messages of metrics belong in front of {place}, and {} are missing{unreadable}.",
            absent.join(" and ")
        );
        ledger.report(Finding::new(
            Severity::Disconnected,
            code::METRICS_MISSING,
            now,
            sentence,
            DISCONNECTIONS,
        ));
        return true;
    }
    if (0..3).any(|kind| !is_in(&found.before_first_slice, kind)) {
        let sentence = format!(
            "Metrics stand behind {place}, as OBS Studio puts them; the guide asks for them in front of it."
        );
        ledger.report(Finding::new(Severity::Warning, code::METRICS_LATE, now, sentence, INSERT));
    }
    false
}

const fn number(metric: &Metric) -> usize {
    match metric {
        Metric::Timestamps(_) => 0,
        Metric::Session { .. } => 1,
        Metric::Rendition { .. } => 2,
    }
}

/// What is not as the guide defines it.
fn wrong_form(found: &Found) -> Option<&'static str> {
    if !found.own_nal_each {
        return Some("some share a NAL unit; each has its own");
    }
    found.before_first_slice.iter().find_map(|metric| match metric {
        Metric::Timestamps(times) => {
            let has = |event| times.iter().any(|time| time.event == event);
            (!has(Event::Composition) || !has(Event::Interleave))
                .then_some("the timestamps lack composition or interleaving")
        }
        Metric::Session { times, .. } | Metric::Rendition { times, .. } => {
            let interleaving =
                matches!(times.as_slice(), [Timestamp { event: Event::Interleave, when: When::Utc(_) }]);
            (!interleaving).then_some("the counters have another time than that of interleaving in RFC 3339")
        }
    })
}

fn has_counted(metric: &Metric) -> bool {
    match metric {
        Metric::Timestamps(_) => false,
        Metric::Session { counters, .. } => *counters != SessionCounters::default(),
        Metric::Rendition { counters, .. } => *counters != RenditionCounters::default(),
    }
}
