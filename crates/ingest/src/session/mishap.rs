//! Faults on demand in one session: what is not read, not answered, or cut.

use ivs::{Finding, Severity, code};
use units::{MediaTime, Span};

use super::{READ_BYTES, Session};
use crate::faults::Stage;
use crate::report::Ending;
use crate::service::ConnectionOrder;

/// What befalls a connection at a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// It is closed without an answer.
    Close,
    /// There is no answer, and it stays open.
    Hang,
}

/// How a connection ends once its session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parting {
    /// The last word is written, and what is on its way is read.
    Properly,
    /// It is closed without a word.
    Cut,
    /// It stays open, and nothing is read or written.
    Never,
}

/// The smallest buffer of a connection that is read slowly: about what Linux gives at least (socket(7), `SO_RCVBUF`).
const LEAST_BUFFER_BYTES: usize = 4 << 10;
/// And the largest, which every other connection has.
const MOST_BUFFER_BYTES: usize = 256 << 10;

impl Session {
    /// How long bytes take.
    pub(crate) const fn delay(&self) -> Span {
        self.faults.delay
    }

    /// Whether something befalls the connection at `stage`.
    pub(crate) fn has_fault_at(&self, stage: Stage) -> bool {
        self.faults.close_at == Some(stage) || self.faults.hang_at == Some(stage)
    }

    /// The connection has come to `stage`: what befalls it there, if anything.
    pub(crate) fn fail_at(&mut self, stage: Stage, now: MediaTime) -> Option<Mishap> {
        if self.faults.close_at == Some(stage) {
            self.rehearse_refusal(&format!("the connection was closed at {stage}."), now);
            return Some(Mishap::Close);
        }
        if self.faults.hang_at == Some(stage) {
            self.frozen = true;
            return Some(Mishap::Hang);
        }
        None
    }

    pub(super) fn follow_orders(&mut self) {
        match self.service.take_order(self.number) {
            Some(ConnectionOrder::Close) => self.end(Ending::Fault),
            Some(ConnectionOrder::Freeze) => self.frozen = true,
            None => {}
        }
    }

    /// How the connection is to end.
    pub(crate) fn parting(&self) -> Parting {
        let was_refused = self.faults.refuse_connect.is_some() || self.faults.refuse_publish.is_some();
        match self.ending {
            _ if self.frozen => Parting::Never,
            Some(Ending::Fault) if self.published_at.is_some() || !was_refused => Parting::Cut,
            _ => Parting::Properly,
        }
    }

    /// How many bytes may be read now; 0 for none, because of a fault on demand.
    pub(crate) fn read_allowance(&self, now: MediaTime) -> usize {
        if self.frozen {
            return 0;
        }
        if let Some(published_at) = self.published_at {
            let since = now - published_at;
            let stalls = self.faults.stall.is_some_and(|stall| stall.holds(since));
            if stalls || self.faults.stutter.is_some_and(|stutter| stutter.holds(since)) {
                return 0;
            }
        }
        match self.faults.read_bytes_per_sec {
            None => READ_BYTES,
            Some(_) if now < self.next_read_at => 0,
            // A tenth of a second's worth at a time.
            Some(rate) => usize::try_from(rate / 10).unwrap_or(READ_BYTES).clamp(1, READ_BYTES),
        }
    }

    /// What the system may hold of a connection that is read slowly on demand: half a second's worth. With more, the
    /// peer would learn late that it is too fast, as on no path but the fullest of buffers.
    pub(crate) fn receive_buffer_bytes(&self) -> Option<usize> {
        let rate = self.faults.read_bytes_per_sec?;
        Some(usize::try_from(rate / 2).unwrap_or(usize::MAX).clamp(LEAST_BUFFER_BYTES, MOST_BUFFER_BYTES))
    }

    pub(super) fn rehearse_refusal(&mut self, description: &str, now: MediaTime) {
        let sentence = format!("Refused because the rehearsal was told to: {description}");
        let sentence = self.service.keys.clean(&sentence);
        self.judge.report(Finding::new(Severity::Refused, code::REHEARSED_FAULT, now, sentence, ""));
        self.end(Ending::Fault);
    }
}
