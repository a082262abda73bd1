//! What an end of a session means, and what is done about it. Every rule is one branch of [`Broadcast::judge`], in the
//! order of docs/reconnect.md.

use units::{MediaTime, Span};

use super::{Broadcast, By, Interruption, Session};
use crate::{Cause, Failure, Stage, TakeoverRefusal, takeover};

/// A stream that is ended this soon after the service took it was not wanted as it was: a new configuration may be
/// (IVS multitrack integration guide, "Automatically Reconnecting").
const CUT_OFF: Span = Span::from_secs(5);
/// How often that may happen, and how often the service may refuse without saying why, before it is believed.
const PATIENCE: u32 = 3;
/// How often a person's takeover is tried with a higher number when the service says that it was too low. The last one
/// is 512,000 above the first.
const TAKEOVER_TRIES: u32 = 8;
/// And when it does not say why it refuses.
const SILENT_TAKEOVER_TRIES: u32 = 2;
/// Two orderly ends within this time of streams that we had picked up by ourselves: somebody else wants the channel.
const CONTEST: Span = Span::from_secs(60);
/// A stream that the service ends for a reason twice within this time is not begun a third time.
const REPROACH: Span = Span::from_secs(600);
/// How long before the service's limit an orderly end is taken for it: clocks differ, and the service counts from when
/// it began.
const TIME_UP_MARGIN: Span = Span::from_secs(60);
/// How much longer than the service promises to hold a stream it may refuse another one because of it.
pub(super) const HOLD_PATIENCE: Span = Span::from_secs(10);

/// What the rehearsal ingest says in words of its own where the service's are not documented.
const TAKEN_OVER: &str = "[taken-over]";
const MAXIMUM_DURATION: &str = "[maximum-duration]";
const STREAM_STOPPED: &str = "[stream-stopped]";

/// What went wrong since the last success, and what has to be remembered for longer.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    /// Refusals without a reason.
    refusals: u32,
    /// Ends right after the service had taken the stream.
    cut_offs: u32,
    /// Takeovers by a person that were refused.
    pub(super) too_low: u32,
    /// The last stream on air was ended by the service, in good order.
    orderly: bool,
    /// How the last session ended.
    pub(super) last: Option<Failure>,
    /// When the service last ended a stream, giving a reason.
    reproached_at: Option<MediaTime>,
    /// When the service last ended, in good order, a stream that we had picked up by ourselves.
    contested_at: Option<MediaTime>,
}

impl Trouble {
    /// A session holds.
    pub(super) fn forget(&mut self) {
        (self.refusals, self.cut_offs, self.too_low, self.orderly) = (0, 0, 0, false);
    }

    /// The person takes over: nothing of before counts.
    pub(super) fn forget_all(&mut self) {
        *self = Self { last: self.last.take(), ..Self::default() };
    }
}

/// What is done about the end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Another PC has the channel.
    TakenOver { certain: bool },
    /// The service does not take the stream.
    Refused,
    /// Nothing is to be tried.
    Failed,
    /// Try again, after a question where `ask` is set.
    Again { ask: bool },
    /// The service only has to let go of the stream before.
    Held,
    /// The person's takeover needs a higher number.
    Higher,
    /// No takeover is left: a new stream, when the service has let go of this one.
    LetGo,
    /// The stream was as long as it may be: a new one.
    TimeUp,
}

impl Broadcast {
    /// What the end of `session` means. Remembers what the next verdict needs.
    pub(super) fn judge(&mut self, session: &Session, failure: &Failure, now: MediaTime) -> Verdict {
        let kind = Interruption::of(failure);
        let by_peer = matches!(kind, Interruption::Refused | Interruption::Closed);
        let silent_refusal = matches!(failure.cause, Cause::Refused { .. } | Cause::PublishClosed);
        let was_accepted = session.accepted_at.is_some();
        let is_take_over = session.by == By::TakeOver;
        let is_ours = matches!(session.by, By::Schedule | By::Move);
        self.trouble.last = Some(failure.clone());
        if session.live_at.is_some() {
            self.trouble.orderly = kind == Interruption::Closed;
        }

        if says(failure, TAKEN_OVER) {
            return Verdict::TakenOver { certain: true };
        }
        let lost_to_other =
            if session.is_first { Verdict::Refused } else { Verdict::TakenOver { certain: true } };
        match takeover::refusal_of(failure) {
            Some(TakeoverRefusal::InvalidPriority) if is_take_over => {
                return if self.trouble.too_low < TAKEOVER_TRIES { Verdict::Higher } else { lost_to_other };
            }
            Some(TakeoverRefusal::InvalidPriority | TakeoverRefusal::MediaMismatch) => return lost_to_other,
            Some(TakeoverRefusal::LimitBreached) if is_ours && self.config.reconnects => {
                return Verdict::LetGo;
            }
            Some(TakeoverRefusal::LimitBreached) => return lost_to_other,
            None => {}
        }
        let may_retry = self.config.reconnects || session.by == By::Renewal;
        if by_peer && was_accepted && (says(failure, MAXIMUM_DURATION) || self.is_time_up(now)) {
            return if may_retry { Verdict::TimeUp } else { Verdict::Failed };
        }
        if says(failure, STREAM_STOPPED) {
            return Verdict::Refused;
        }
        if is_for_good(failure) {
            return if self.was_live { Verdict::Refused } else { Verdict::Failed };
        }
        if silent_refusal && session.priority.is_none() && self.is_held(now) {
            return Verdict::Held;
        }
        let is_cut_off = session.accepted_at.is_some_and(|at| now - at < CUT_OFF)
            && (by_peer || matches!(failure.cause, Cause::Lost(_)));
        if !self.was_live {
            return self.judge_first(session, kind, is_cut_off, silent_refusal);
        }
        if is_take_over && silent_refusal {
            return if self.trouble.too_low < SILENT_TAKEOVER_TRIES {
                Verdict::Higher
            } else {
                Verdict::TakenOver { certain: false }
            };
        }
        if !may_retry {
            return Verdict::Failed;
        }
        if kind == Interruption::Closed && is_ours {
            let before = self.trouble.contested_at.replace(now);
            if before.is_some_and(|before| now - before <= CONTEST) {
                return Verdict::TakenOver { certain: false };
            }
        }
        if matches!(failure.cause, Cause::EndedByService { .. }) {
            let before = self.trouble.reproached_at.replace(now);
            let again = before.is_some_and(|before| now - before <= REPROACH);
            return if again { Verdict::Refused } else { Verdict::Again { ask: true } };
        }
        if is_cut_off {
            // A reset may be the network's doing however often it comes.
            self.trouble.cut_offs += u32::from(by_peer);
            let believed = self.trouble.cut_offs >= PATIENCE;
            return if believed { Verdict::Refused } else { Verdict::Again { ask: true } };
        }
        if silent_refusal {
            self.trouble.refusals += 1;
            return match (self.trouble.refusals >= PATIENCE, self.trouble.orderly) {
                (false, _) => Verdict::Again { ask: true },
                (true, true) if self.config.takes_over => Verdict::TakenOver { certain: false },
                (true, _) => Verdict::Refused,
            };
        }
        Verdict::Again { ask: false }
    }

    /// Nothing was on air yet. The person stands before it and reads what is wrong; trying on would only hide it.
    fn judge_first(
        &mut self,
        session: &Session,
        kind: Interruption,
        is_cut_off: bool,
        silent_refusal: bool,
    ) -> Verdict {
        if is_cut_off && self.config.asks && self.trouble.cut_offs == 0 {
            self.trouble.cut_offs += 1;
            return Verdict::Again { ask: true };
        }
        if session.by == By::TakeOver && silent_refusal && self.trouble.too_low < SILENT_TAKEOVER_TRIES {
            return Verdict::Higher;
        }
        if kind == Interruption::Refused { Verdict::Refused } else { Verdict::Failed }
    }

    /// Whether a refusal may be due to a stream of ours that the service still holds.
    fn is_held(&self, now: MediaTime) -> bool {
        let own = self.silent_since.map(|since| since + self.config.limits.hold + HOLD_PATIENCE);
        own.max(self.refused_until).is_some_and(|until| now < until)
    }

    fn is_time_up(&self, now: MediaTime) -> bool {
        let (Some(began_at), Some(longest)) = (self.stream_began_at, self.config.limits.stream) else {
            return false;
        };
        now + super::opening::portion(longest, TIME_UP_MARGIN) >= began_at + longest
    }
}

/// Whether the service may have seen a session that failed so: then its number is used up, and the stream may be held
/// for it. Before RTMP's greeting, and SRT's, nothing is told of a key.
pub(super) fn was_seen(failure: &Failure) -> bool {
    failure.stage >= Stage::Handshake
}

/// Whether the next attempt would end like this one.
const fn is_for_good(failure: &Failure) -> bool {
    matches!(
        failure.cause,
        Cause::PassphraseWrong
            | Cause::PassphraseMissing
            | Cause::PassphraseUnwanted
            | Cause::Unsendable(_)
            | Cause::PartMissing(_)
    )
}

fn says(failure: &Failure, what: &str) -> bool {
    match &failure.cause {
        Cause::Refused { text, .. } | Cause::EndedByService { text, .. } => text.contains(what),
        _ => false,
    }
}
