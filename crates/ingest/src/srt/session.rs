//! One SRT caller's session without its socket: bytes of a transport stream in, everything judged.

use std::net::SocketAddr;
use std::sync::Arc;

use ertmp::MediaKind;
use ivs::event::Happening;
use ivs::limits::MAX_STREAM_DURATION;
use ivs::transport_stream::{Item, Reader, Trouble};
use ivs::{Code, Finding, Judge, NamedBy, Observation, Protocol, Severity, code};
use units::{MediaTime, Secret, Span};

use super::SrtReception;
use super::tags::Messages;
use crate::channel::{Leaving, Standing, StreamOver, Ticket};
use crate::event_log::stream_id;
use crate::faults::{Faults, Refusal, Stage};
use crate::rejection::{Rejection, TakeoverRefusal};
use crate::report::{Ending, SessionReport};
use crate::service::{Claim, ConnectionOrder, Service};
use crate::stream_name::StreamName;

/// Reasons that a caller is told, of those that libsrt names for applications ("SRT Access Control", rejection codes).
/// Which of them the service uses is not documented. A priority that is too low and a key that is in use are the same
/// conflict: with a priority in the stream id it is the first, without it is the second.
pub(super) mod reason {
    pub(in crate::srt) const BAD_REQUEST: i32 = 1400;
    pub(in crate::srt) const UNAUTHORIZED: i32 = 1401;
    pub(in crate::srt) const OVERLOAD: i32 = 1402;
    pub(in crate::srt) const FORBIDDEN: i32 = 1403;
    pub(in crate::srt) const UNACCEPTABLE: i32 = 1406;
    pub(in crate::srt) const CONFLICT: i32 = 1409;
    pub(in crate::srt) const DOWN: i32 = 1503;
}

const SRT_SOURCE: &str = "IVS user guide, Streaming Configuration, SRT";
const TAKEOVER_SOURCE: &str = "IVS user guide, Streaming Configuration, Stream Takeover";
const STOP_SOURCE: &str = "IVS user guide, Troubleshooting, Why did the stream suddenly stop?";
const MULTITRACK_SOURCE: &str =
    "IVS user guide, Multitrack Video Broadcast Software Integration Guide, Connect Using Enhanced RTMP";

pub(super) struct SrtSession {
    service: Arc<Service>,
    reader: Reader,
    messages: Messages,
    judge: Judge,
    number: u64,
    peer: SocketAddr,
    name: StreamName,
    faults: Faults,
    connected_at: MediaTime,
    ticket: Option<Ticket>,
    published_at: Option<MediaTime>,
    first_idr_at: Option<MediaTime>,
    ending: Option<Ending>,
    ending_code: Option<&'static str>,
    said_goodbye: bool,
    config_id: Option<String>,
    received_bytes: u64,
    video_messages: u64,
    audio_messages: u64,
    next_read_at: MediaTime,
    /// Nothing is read any more while the connection stays open.
    frozen: bool,
    reception: Option<SrtReception>,
}

impl SrtSession {
    pub(super) fn new(service: Arc<Service>, peer: SocketAddr, stream_id: &Secret) -> Self {
        let (number, faults) = service.begin_session();
        let now = service.now();
        Self {
            reader: Reader::new(),
            messages: Messages::default(),
            judge: Judge::new(service.config.rules),
            service,
            number,
            peer,
            name: StreamName::of_srt(stream_id),
            faults,
            connected_at: now,
            ticket: None,
            published_at: None,
            first_idr_at: None,
            ending: None,
            ending_code: None,
            said_goodbye: false,
            config_id: None,
            received_bytes: 0,
            video_messages: 0,
            audio_messages: 0,
            next_read_at: now,
            frozen: false,
            reception: None,
        }
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Whether the connection is to be closed.
    pub(super) const fn is_over(&self) -> bool {
        self.ending.is_some()
    }

    /// Whether the connection stays open, unread, once the session is over.
    pub(super) const fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// Decides whether the caller may come in, before its handshake is done and its passphrase is known. An error is the
    /// reason that it is told.
    pub(super) fn admit(&mut self, now: MediaTime) -> Result<(), i32> {
        // SRT has one handshake where RTMP has several stages: all but the last fail in it.
        let closes = self.faults.close_at.filter(|stage| *stage != Stage::Publish);
        let said = |refusal: &Option<Refusal>| refusal.as_ref().map(|refusal| refusal.description.clone());
        let rehearsed = [
            (closes.map(|stage| format!("the connection was closed at {stage}.")), reason::DOWN),
            (said(&self.faults.refuse_connect), reason::DOWN),
            (said(&self.faults.refuse_publish), reason::FORBIDDEN),
        ];
        for (description, reason) in rehearsed {
            if let Some(description) = description {
                self.rehearse_refusal(&description, now);
                return Err(reason);
            }
        }
        self.judge.connected(Protocol::Srt, now);
        if self.name.key.is_empty() {
            self.refuse(code::KEY_UNKNOWN, "The stream id holds no stream key.", SRT_SOURCE, now);
            return Err(reason::BAD_REQUEST);
        }
        if self.service.would_admit(&self.name, now) {
            return Ok(());
        }
        // Now it is said for sure, and the event of a refused takeover is told.
        self.claim(now)
    }

    /// The caller was accepted: it publishes.
    pub(super) fn publish(&mut self, now: MediaTime) {
        if self.faults.hang_at.is_some() {
            self.frozen = true;
            return;
        }
        if self.faults.close_at == Some(Stage::Publish) {
            self.rehearse_refusal("the connection was closed at publish.", now);
            return;
        }
        if self.ticket.is_none() && self.claim(now).is_err() {
            // Another one came while hands were shaken.
            return;
        }
        self.published_at = Some(now);
        self.judge.published(now);
        self.react(now);
    }

    /// The handshake came to nothing after the caller was admitted.
    pub(super) fn handshake_failed(&mut self, now: MediaTime) {
        let sentence =
            "The handshake was not completed: the passphrase is missing, not wanted, or another one.";
        self.refuse(code::SRT_PASSPHRASE, sentence, SRT_SOURCE, now);
    }

    /// There is no room for one more.
    pub(super) fn too_many(&mut self, now: MediaTime) {
        self.refuse(code::PROTOCOL_ERROR, "Too many connections at a time.", "", now);
    }

    /// Whether bytes are to be read now; not, because of a fault on demand.
    pub(super) fn may_read(&self, now: MediaTime) -> bool {
        let since = self.published_at.map_or(Span::ZERO, |published_at| now - published_at);
        let stalls = self.faults.stall.is_some_and(|stall| self.published_at.is_some() && stall.holds(since));
        let stutters = self.faults.stutter.is_some_and(|stutter| stutter.holds(since));
        let waits = self.faults.read_bytes_per_sec.is_some() && now < self.next_read_at;
        !(self.frozen || stalls || stutters || waits)
    }

    /// Bytes that came.
    pub(super) fn handle_input(&mut self, bytes: &[u8], now: MediaTime) {
        self.received_bytes += bytes.len() as u64;
        if let Some(rate) = self.faults.read_bytes_per_sec {
            let nanos = bytes.len() as u64 * 1_000_000_000 / u64::from(rate.max(1));
            let due = self.next_read_at.max(now);
            self.next_read_at = due + Span::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX));
        }
        if self.is_over() {
            return;
        }
        self.reader.push(bytes);
        self.read_items(now);
    }

    /// Time passes.
    pub(super) fn tick(&mut self, now: MediaTime) {
        match self.service.take_order(self.number) {
            Some(ConnectionOrder::Close) => self.end(Ending::Fault),
            Some(ConnectionOrder::Freeze) => self.frozen = true,
            None => {}
        }
        let (Some(published_at), false) = (self.published_at, self.is_over()) else { return };
        if self.faults.close_after.is_some_and(|after| now - published_at >= after) {
            self.end(Ending::Fault);
            return;
        }
        if self.faults.half_open_after.is_some_and(|after| now - published_at >= after) {
            self.frozen = true;
        }
        self.judge.tick(now);
        self.react(now);
    }

    /// What libsrt counted so far.
    pub(super) fn received(&mut self, reception: SrtReception) {
        self.reception = Some(reception);
    }

    /// The connection is over. `in_order` says that the caller shut it down; SRT has no other word for the end of a
    /// stream.
    pub(super) fn closed(&mut self, in_order: bool, now: MediaTime) {
        if self.is_over() {
            return;
        }
        self.reader.finish();
        self.read_items(now);
        self.said_goodbye = in_order;
        self.end(if in_order { Ending::Publisher } else { Ending::PeerClosed });
    }

    /// The ingest is being stopped.
    pub(super) fn stop(&mut self) {
        self.end(Ending::Stopped);
    }

    /// Ends the stream for the channel, or leaves it to be held there.
    pub(super) fn leave_air(&mut self, now: MediaTime) {
        let how = match self.ending {
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

    /// Closes the books. `file` is the name of the file that was kept, `file_problem` what went wrong with it.
    pub(super) fn finish(
        mut self,
        file: Option<String>,
        file_problem: Option<String>,
        now: MediaTime,
    ) -> SessionReport {
        self.leave_air(now);
        let verdict = self.judge.finish(now);
        let after = |at: MediaTime| (at - self.connected_at).as_millis();
        let ticket = self.ticket.as_ref();
        SessionReport {
            session: self.number,
            stream_id: ticket.and_then(Ticket::stream_id).map(String::from),
            priority: ticket.and_then(Ticket::priority),
            took_over: ticket.is_some_and(Ticket::took_over),
            bandwidth_test: ticket.is_some() && self.name.is_test,
            config_id: self.config_id,
            protocol: Protocol::Srt,
            peer: self.peer,
            encoder: None,
            connected_at_ms: self.connected_at.as_millis(),
            published_after_ms: self.published_at.map(after),
            first_idr_after_ms: self.first_idr_at.map(after),
            asked_to_move_after_ms: None,
            lasted_ms: after(now),
            ending: self.ending.unwrap_or(Ending::PeerClosed),
            said_goodbye: self.said_goodbye,
            received_bytes: self.received_bytes,
            video_messages: self.video_messages,
            audio_messages: self.audio_messages,
            data_messages: 0,
            srt: self.reception,
            verdict,
            file,
            file_problem,
        }
    }

    fn claim(&mut self, now: MediaTime) -> Result<(), i32> {
        let Claim { ticket, granted } = match self.service.claim(&self.name, self.number, now) {
            Ok(claim) => claim,
            Err(rejection) => return Err(self.reject(&rejection, now)),
        };
        self.ticket = Some(ticket);
        if let Some(granted) = granted {
            self.config_id = Some(granted.config_id);
            self.judge.promise(granted.promise);
        }
        Ok(())
    }

    /// Notes why the caller is not let in; the reason that it is told.
    fn reject(&mut self, rejection: &Rejection, now: MediaTime) -> i32 {
        let finding = rejection.code();
        if finding.named_by == NamedBy::Service && !matches!(rejection, Rejection::Takeover(_)) {
            let ended = Happening::SessionEnded { code: Some(finding.name) };
            self.service.events.tell(&stream_id(), ended, now);
        }
        self.refuse(finding, rejection.sentence(), rejection.source(), now);
        match rejection {
            Rejection::Unknown => reason::FORBIDDEN,
            Rejection::Expired
            | Rejection::NeverGranted
            | Rejection::GrantExpired
            | Rejection::OtherConfiguration => reason::UNAUTHORIZED,
            Rejection::InUse | Rejection::Takeover(TakeoverRefusal::InvalidPriority) => reason::CONFLICT,
            Rejection::Takeover(TakeoverRefusal::LimitBreached) => reason::OVERLOAD,
            Rejection::Takeover(TakeoverRefusal::MediaMismatch(_)) => reason::UNACCEPTABLE,
        }
    }

    fn read_items(&mut self, now: MediaTime) {
        let mut has_items = false;
        while !self.is_over() {
            let Some(item) = self.reader.next_item() else { break };
            has_items = true;
            self.handle_item(item, now);
        }
        if has_items {
            self.react(now);
        }
    }

    fn handle_item(&mut self, item: Item, now: MediaTime) {
        match &item {
            Item::VideoConfig { track, .. } | Item::OtherCodec { is_picture: true, track, .. }
                if track.0 > 0 =>
            {
                let sentence =
                    "The transport stream has several pictures; the service takes several over RTMP only.";
                let code = code::MULTITRACK_NOT_ALLOWED;
                self.judge.report(Finding::new(Severity::Refused, code, now, sentence, MULTITRACK_SOURCE));
            }
            Item::AudioConfig { track, .. } | Item::OtherCodec { is_picture: false, track, .. }
                if track.0 > 0 =>
            {
                let sentence = "The transport stream has several sounds; viewers hear the first.";
                self.judge.report(Finding::new(Severity::Note, code::AUDIO_TRACKS, now, sentence, ""));
            }
            Item::OtherCodec { is_picture, name, .. } => {
                let (code, sentence) = if *is_picture {
                    (code::VIDEO_CODEC, format!("The picture is coded in {name}; the service takes H.264."))
                } else {
                    (code::AUDIO_CODEC, format!("The sound is coded in {name}; the service takes AAC-LC."))
                };
                self.judge.report(Finding::new(Severity::Refused, code, now, sentence, SRT_SOURCE));
            }
            Item::Trouble(trouble) => {
                let code = match trouble {
                    Trouble::Missing(_) => code::PACKETS_MISSING,
                    _ => code::MALFORMED,
                };
                let sentence = format!("The transport stream is damaged: {trouble}.");
                self.judge.report(Finding::new(Severity::Warning, code, now, sentence, ""));
            }
            _ => {}
        }
        let messages = match self.messages.make(item) {
            Ok(messages) => messages,
            Err(error) => {
                let sentence = format!("A unit can not be carried on: {error}.");
                self.judge.report(Finding::new(Severity::Warning, code::MALFORMED, now, sentence, ""));
                return;
            }
        };
        for message in messages {
            match message.kind {
                MediaKind::Audio => self.audio_messages += 1,
                MediaKind::Video => self.video_messages += 1,
            }
            self.judge.flv_tag(message.kind, message.timestamp_ms, &message.body, now);
            if let Some(ticket) = &mut self.ticket {
                ticket.media(message.kind, message.timestamp_ms, &message.body, now);
            }
        }
    }

    /// Deals with what the judge says and with how the channel stands.
    fn react(&mut self, now: MediaTime) {
        while let Some(observation) = self.judge.poll() {
            let happening = match observation {
                Observation::Finding(finding) => {
                    self.handle_finding(&finding, now);
                    continue;
                }
                Observation::FirstIdr => {
                    self.first_idr_at = Some(now);
                    continue;
                }
                Observation::StreamStart => Happening::StreamStart,
                Observation::StarvationStart => Happening::StarvationStart,
                Observation::StarvationEnd => Happening::StarvationEnd,
            };
            self.tell(happening, now);
        }
        self.look_after_place(now);
    }

    fn handle_finding(&mut self, finding: &Finding, now: MediaTime) {
        let Finding { severity, code, sentence, .. } = finding;
        tracing::debug!(session = self.number, ?severity, code = code.name, %sentence, "rehearsal ingest");
        if let Some(breach) = &finding.breach {
            self.tell(Happening::LimitBreach(breach.clone()), now);
        }
        if severity.ends_stream() && self.service.config.enforce && !self.is_over() {
            self.end(Ending::Service);
            let by_service = code.named_by == NamedBy::Service && finding.breach.is_none();
            self.ending_code = by_service.then_some(code.name);
        }
    }

    /// Ends when this publisher has no place in the channel any more. SRT knows no word of farewell.
    fn look_after_place(&mut self, now: MediaTime) {
        let (Some(ticket), false) = (&mut self.ticket, self.ending.is_some()) else { return };
        let standing = ticket.advance(&self.judge.shape(), self.first_idr_at.is_some(), now).clone();
        match standing {
            Standing::Refused(refusal) => {
                self.refuse(refusal.code(), refusal.sentence(), TAKEOVER_SOURCE, now);
            }
            Standing::TakenOver => {
                let sentence = "Another publisher took the stream over.";
                self.note(Severity::Note, code::TAKEN_OVER, sentence, TAKEOVER_SOURCE, now);
                self.end(Ending::TakenOver);
            }
            Standing::Over(StreamOver::MaximumDuration) => {
                let sentence = "The stream has lasted as long as a stream may; a new one can be started.";
                let source = MAX_STREAM_DURATION.source;
                self.note(Severity::Disconnected, code::MAXIMUM_DURATION, sentence, source, now);
                self.end(Ending::Service);
            }
            Standing::Over(StreamOver::Stopped) => {
                let sentence = "The channel's owner ended the stream.";
                self.note(Severity::Disconnected, code::STREAM_STOPPED, sentence, STOP_SOURCE, now);
                self.end(Ending::Service);
            }
            Standing::Test | Standing::OnAir | Standing::Waiting | Standing::Moved | Standing::Left => {}
        }
    }

    fn tell(&self, happening: Happening, now: MediaTime) {
        if let Some(ticket) = &self.ticket {
            ticket.happened(happening, now);
        }
    }

    fn note(
        &mut self,
        severity: Severity,
        code: Code,
        sentence: impl Into<String>,
        source: &'static str,
        now: MediaTime,
    ) {
        self.judge.report(Finding::new(severity, code, now, sentence, source));
    }

    fn refuse(&mut self, code: Code, sentence: impl Into<String>, source: &'static str, now: MediaTime) {
        self.note(Severity::Refused, code, sentence, source, now);
        self.end(Ending::Service);
    }

    fn rehearse_refusal(&mut self, description: &str, now: MediaTime) {
        let sentence = format!("Refused because the rehearsal was told to: {description}");
        let sentence = self.service.keys.clean(&sentence);
        self.note(Severity::Refused, code::REHEARSED_FAULT, sentence, "", now);
        self.end(Ending::Fault);
    }

    fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }
}

#[cfg(test)]
mod tests;
