//! Everything that a stream sends at once, against the limit of its channel.

use units::{Kbps, MediaTime, Size};

use super::bitrate::RateBuffer;
use super::finding::{Finding, Ledger, Severity, code};
use crate::event::LimitBreach;
use crate::limits::{ChannelType, MAX_MULTITRACK_BITRATE};

const CHANNEL_TYPES: &str = "IVS user guide, Streaming Configuration, Channel Types";

/// Sound and picture together against the channel's limit. The quota is on "bits per second that can be streamed to a
/// channel", while "Resolution/Bitrate/FPS" recommends up to the very same figure for the picture alone: so this is a
/// warning, and the picture alone above the limit is a breach.
#[derive(Clone, Debug, Default)]
pub(super) struct WholeStream(RateBuffer);

impl WholeStream {
    pub(super) fn add(
        &mut self,
        (channel, size): (ChannelType, Size),
        at_nanos: i64,
        bytes: usize,
        now: MediaTime,
        ledger: &mut Ledger,
    ) {
        let limit = channel.max_bitrate(size).value;
        let Some(above) = self.0.add(limit, at_nanos, bytes) else {
            return;
        };
        if ledger.has(code::INGEST_BITRATE) {
            return;
        }
        let sentence = format!(
            "Picture and sound together are {} above the {limit} that a {channel} channel takes at {size}; lower the \
             picture's bitrate by that much to be safe.",
            Kbps::from_bits_per_sec(above.max(1000))
        );
        ledger.report(Finding::new(
            Severity::Warning,
            code::BITRATE_WITH_SOUND,
            now,
            sentence,
            CHANNEL_TYPES,
        ));
    }
}

/// All tracks of a multitrack stream together against the channel's limit: pictures alone above it are a breach, with
/// the sound it is a warning, as with [`WholeStream`].
#[derive(Clone, Debug, Default)]
pub(super) struct AllTracks {
    pictures: RateBuffer,
    everything: RateBuffer,
}

impl AllTracks {
    /// A picture of any track, or a piece of sound.
    pub(super) fn add(
        &mut self,
        is_picture: bool,
        at_nanos: i64,
        bytes: usize,
        now: MediaTime,
        ledger: &mut Ledger,
    ) {
        let limit = MAX_MULTITRACK_BITRATE;
        let above = if is_picture { self.pictures.add(limit.value, at_nanos, bytes) } else { None };
        let above_with_sound = self.everything.add(limit.value, at_nanos, bytes);
        if let Some(above) = above {
            let measured = Kbps::from_bits_per_sec(limit.value.bits_per_sec().saturating_add(above));
            let sentence = format!(
                "All tracks together reached {measured}; the channel takes {}. The service probably disconnects at once.",
                limit.value
            );
            let mut finding =
                Finding::new(Severity::Disconnected, code::INGEST_BITRATE, now, sentence, limit.source);
            finding.breach = Some(LimitBreach {
                limit_name: code::INGEST_BITRATE.name,
                limit_value: limit.value.bits_per_sec(),
                exceeded_by: above,
                limit_unit: "bits per second",
            });
            ledger.report(finding);
        } else if let Some(above) = above_with_sound
            && !ledger.has(code::INGEST_BITRATE)
        {
            let sentence = format!(
                "All tracks and the sound together are {} above the {} that the channel takes.",
                Kbps::from_bits_per_sec(above.max(1000)),
                limit.value
            );
            ledger.report(Finding::new(
                Severity::Warning,
                code::BITRATE_WITH_SOUND,
                now,
                sentence,
                limit.source,
            ));
        }
    }
}
