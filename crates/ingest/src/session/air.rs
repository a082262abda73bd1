//! A session's part in the channel: coming on air, being taken over, leaving.

use ivs::event::Happening;
use ivs::limits::MAX_STREAM_DURATION;
use ivs::{Finding, NamedBy, Severity, code};
use units::{MediaTime, Secret};

use super::Session;
use crate::channel::{Leaving, Standing, StreamOver};
use crate::config::Farewell;
use crate::event_log::stream_id;
use crate::faults::Stage;
use crate::rejection::Rejection;
use crate::report::Ending;
use crate::service::Claim;
use crate::stream_name::StreamName;

const TAKEOVER_SOURCE: &str = "IVS user guide, Streaming Configuration, Stream Takeover";
const STOP_SOURCE: &str = "IVS user guide, Troubleshooting, Why did the stream suddenly stop?";

impl Session {
    pub(super) fn handle_publish(
        &mut self,
        stream_name: &Secret,
        now: MediaTime,
    ) -> Result<(), ertmp::Error> {
        if self.fail_at(Stage::Publish, now).is_some() {
            return Ok(());
        }
        if let Some(refusal) = self.faults.refuse_publish.clone() {
            self.rehearse_refusal(&refusal.description, now);
            return self.server.refuse_publish(&refusal.code, &refusal.description);
        }
        let name = StreamName::of_rtmp(stream_name);
        let Claim { ticket, granted } = match self.service.claim(&name, self.number, now) {
            Ok(claim) => claim,
            Err(rejection) => return self.reject(&rejection, now),
        };
        self.published_at = Some(now);
        self.is_test = ticket.is_test();
        self.ticket = Some(ticket);
        if let Some(granted) = granted {
            self.config_id = Some(granted.config_id);
            self.judge.promise(granted.promise);
        }
        self.judge.published(now);
        self.server.accept_publish()
    }

    fn reject(&mut self, rejection: &Rejection, now: MediaTime) -> Result<(), ertmp::Error> {
        let (finding, sentence) = (rejection.code(), rejection.sentence());
        let named_by_service = finding.named_by == NamedBy::Service;
        if named_by_service && !matches!(rejection, Rejection::Takeover(_)) {
            // The service has a code for it, which it tells in the event of the session's end. A refused takeover has an
            // event of its own, which was told.
            let ended = Happening::SessionEnded { code: Some(finding.name) };
            self.service.events.tell(&stream_id(), ended, now);
        }
        self.refuse(finding, sentence.clone(), rejection.source(), now);
        let description = if named_by_service { format!("[{}] {sentence}", finding.name) } else { sentence };
        self.server.refuse_publish(rejection.rtmp_status(), &description)
    }

    /// Looks how this publisher stands in the channel, and ends when it has no place there any more.
    pub(super) fn look_after_place(&mut self, now: MediaTime) {
        let (Some(ticket), false) = (&mut self.ticket, self.ending.is_some()) else { return };
        let standing = ticket.advance(&self.judge.shape(), self.first_idr_at.is_some(), now).clone();
        match standing {
            Standing::Refused(refusal) => {
                let (code, sentence) = (refusal.code(), refusal.sentence());
                self.refuse(code, sentence.clone(), TAKEOVER_SOURCE, now);
                self.kick("NetStream.Publish.BadName", &format!("[{}] {sentence}", code.name));
            }
            Standing::TakenOver => {
                let sentence = "Another publisher took the stream over.";
                let code = code::TAKEN_OVER;
                self.judge.report(Finding::new(Severity::Note, code, now, sentence, TAKEOVER_SOURCE));
                self.end(Ending::TakenOver);
                if self.service.config.farewell == Farewell::Status {
                    self.kick("NetStream.Publish.BadName", &format!("[{}] {sentence}", code.name));
                }
            }
            Standing::Over(why) => {
                let (code, sentence, source) = match why {
                    StreamOver::MaximumDuration => (
                        code::MAXIMUM_DURATION,
                        "The stream has lasted as long as a stream may; a new one can be started.",
                        MAX_STREAM_DURATION.source,
                    ),
                    StreamOver::Stopped => {
                        (code::STREAM_STOPPED, "The channel's owner ended the stream.", STOP_SOURCE)
                    }
                };
                self.judge.report(Finding::new(Severity::Disconnected, code, now, sentence, source));
                self.end(Ending::Service);
                self.kick("NetStream.Publish.Rejected", &format!("[{}] {sentence}", code.name));
            }
            Standing::Test | Standing::OnAir | Standing::Waiting | Standing::Moved | Standing::Left => {}
        }
    }

    /// Ends the stream for the channel, or leaves it to be held there. Called as soon as the session is over, so that
    /// the same publisher can come back while the old connection still drains.
    pub(crate) fn leave_air(&mut self, now: MediaTime) {
        let how = match self.ending {
            _ if self.said_goodbye => Leaving::Goodbye,
            Some(Ending::Publisher) => Leaving::Goodbye,
            Some(Ending::PeerClosed | Ending::Fault) | None => Leaving::Vanished,
            Some(Ending::Service | Ending::ProtocolError | Ending::Stopped | Ending::TakenOver) => {
                Leaving::Ended(self.ending_code)
            }
        };
        if let Some(ticket) = &mut self.ticket {
            ticket.leave(how, now);
        }
    }

    /// Tells of something in the stream.
    pub(super) fn tell(&self, happening: Happening, now: MediaTime) {
        if let Some(ticket) = &self.ticket {
            ticket.happened(happening, now);
        }
    }

    /// Says the last word.
    pub(super) fn kick(&mut self, code: &str, description: &str) {
        if let Err(error) = self.server.kick(code, description) {
            tracing::debug!(session = self.number, %error, "the refusal could not be told");
        }
    }
}
