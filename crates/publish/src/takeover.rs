//! Taking a running stream over by priority: which number comes next, and what a refusal says.
//!
//! The rules are the service's (IVS user guide, "Stream Takeover"): a priority is 1 to 2,147,483,647, and a takeover
//! succeeds when its priority is greater than that of the running stream, or when that has none.

use std::fmt;

use ivs::limits::MAX_PRIORITY;

use crate::{Cause, Failure};

/// Room between the takeovers of persons. A takeover by a person goes to a multiple of this, and the reconnects that
/// follow count by one from there: a thousand reconnects of one PC never reach the next PC's number.
///
/// The service's own warning is that a PC that reconnects by priority makes it unpredictable which number another
/// needs ("Considerations for Using Auto-Reconnect and Stream Takeover Together"). A stream has at most 100 takeovers
/// unless the account's quota was raised, so a room of a thousand is never used up; two thousand million hold a million
/// of such jumps.
pub const STRIDE: u32 = 1_000;

/// Why a takeover was refused: the codes of the event `Stream Takeover Failure` (IVS user guide, "Using Amazon
/// EventBridge with IVS Low-Latency Streaming").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TakeoverRefusal {
    /// Codec, picture size or number of tracks differ from those of the running stream.
    MediaMismatch,
    /// The priority is not above that of the running stream, or out of range.
    InvalidPriority,
    /// The running stream was taken over as often as it may be.
    LimitBreached,
}

impl TakeoverRefusal {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::MediaMismatch, Self::InvalidPriority, Self::LimitBreached];

    /// The service's own code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::MediaMismatch => "StreamTakeoverMediaMismatch",
            Self::InvalidPriority => "StreamTakeoverInvalidPriority",
            Self::LimitBreached => "StreamTakeoverLimitBreached",
        }
    }

    /// The refusal that a text of the service names; `None` when it names none.
    pub fn named_in(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| text.contains(refusal.code()))
    }

    /// What happened, in one sentence for a person.
    pub const fn happened(self) -> &'static str {
        match self {
            Self::MediaMismatch => {
                "The running stream has other pictures or sound than this computer would send, so it can not be taken \
                 over."
            }
            Self::InvalidPriority => {
                "The running stream has a higher priority than this computer used, so it was not taken over."
            }
            Self::LimitBreached => "This stream was taken over as often as the service allows.",
        }
    }

    /// What we did about it, in one sentence for a person.
    pub const fn done(self) -> &'static str {
        match self {
            Self::MediaMismatch | Self::InvalidPriority => "The running stream was left as it is.",
            Self::LimitBreached => "The running stream was left as it is; the count ends with that stream.",
        }
    }

    /// What a person can do, in one or two sentences.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::MediaMismatch => {
                "Give both computers the same ladder: number of renditions, their sizes and codecs, and the sound's \
                 codec. Pairing the two shows where they differ."
            }
            Self::InvalidPriority => "Take over again: each try uses a much higher number.",
            Self::LimitBreached => {
                "Stop the stream on the other computer, wait until it has ended, then go live here. The limit of 100 \
                 can be raised for an AWS account."
            }
        }
    }
}

impl fmt::Display for TakeoverRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why this attempt was refused a takeover, where the service said so.
pub fn refusal_of(failure: &Failure) -> Option<TakeoverRefusal> {
    match &failure.cause {
        Cause::Refused { code, text } | Cause::EndedByService { code, text } => {
            TakeoverRefusal::named_in(code).or_else(|| TakeoverRefusal::named_in(text))
        }
        _ => None,
    }
}

/// The number that a person's takeover uses when `known` is the highest that is known to be in use: the next but one
/// multiple of [`STRIDE`], so that also a PC that reconnected while we looked elsewhere is passed. At the end of the
/// range the highest number there is; `None` when that is in use.
pub fn jump_above(known: Option<u32>) -> Option<u32> {
    above(known.unwrap_or(0), 2)
}

/// The same for the `tries`-th number that was too low: twice as far each time.
pub fn jump_again(refused: u32, tries: u32) -> Option<u32> {
    above(refused, 1u32.checked_shl(tries.saturating_add(1)).unwrap_or(u32::MAX))
}

/// `strides` multiples above `known`.
fn above(known: u32, strides: u32) -> Option<u32> {
    let most = MAX_PRIORITY.value;
    let next = (u64::from(known / STRIDE) + u64::from(strides)) * u64::from(STRIDE);
    (known < most).then(|| u32::try_from(next).map_or(most, |next| next.min(most)))
}

/// The number of a reconnect after `last`; `None` at the end of the range.
pub fn next_after(last: Option<u32>) -> Option<u32> {
    match last {
        None => Some(1),
        Some(last) => (last < MAX_PRIORITY.value).then(|| last + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_person_jumps_over_a_whole_room() {
        let cases = [(None, 2_000), (Some(1), 2_000), (Some(999), 2_000), (Some(1_000), 3_000)];
        for (known, next) in cases {
            assert_eq!(jump_above(known), Some(next), "{known:?}");
        }
        assert_eq!(jump_again(2_000, 0), Some(4_000));
        assert_eq!(jump_again(4_000, 1), Some(8_000));
        assert_eq!(jump_again(8_000, 2), Some(16_000));
    }

    #[test]
    fn the_range_has_an_end() {
        let most = MAX_PRIORITY.value;
        assert_eq!(jump_above(Some(most - 1)), Some(most));
        assert_eq!(jump_above(Some(most)), None);
        assert_eq!(jump_again(most - 1, 40), Some(most));
        assert_eq!((next_after(Some(most - 1)), next_after(Some(most))), (Some(most), None));
    }

    #[test]
    fn codes_are_found_in_what_the_service_says() {
        for refusal in TakeoverRefusal::ALL {
            assert_eq!(TakeoverRefusal::named_in(&format!("[{refusal}] No.")), Some(refusal));
        }
        assert_eq!(TakeoverRefusal::named_in("NetStream.Publish.BadName"), None);
    }

    proptest! {
        #[test]
        fn every_number_is_above_the_last_and_in_range(
            known in prop::option::of(1..=MAX_PRIORITY.value),
            tries in 0u32..64,
        ) {
            let last = known.unwrap_or(0);
            for next in [jump_above(known), next_after(known), jump_again(last, tries)].into_iter().flatten() {
                prop_assert!(next > last && next <= MAX_PRIORITY.value);
            }
            prop_assert_eq!(jump_above(known).is_none(), last == MAX_PRIORITY.value);
            // The room: reconnects of the one who was passed do not reach the one who passed.
            if let Some(next) = jump_above(known) {
                prop_assert!(next - last > STRIDE || next == MAX_PRIORITY.value);
            }
        }
    }
}
