//! One publisher's session without its socket: bytes in, bytes and FLV tags out, everything judged.

mod air;
mod mishap;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use ertmp::amf0::{self, Value};
use ertmp::flv::{TagKind, file_tag};
use ertmp::{
    Capabilities, ConnectRequest, MediaKind, RANDOM_BYTES, ServerConfig, ServerEvent, ServerSession,
};
use ivs::event::Happening;
use ivs::limits::RTMP_APP;
use ivs::{AnnouncedMedia, Code, Finding, Judge, NamedBy, Observation, Protocol, Severity, code};
use units::{MediaTime, Span};

use crate::channel::Ticket;
use crate::event_log::random;
use crate::faults::{Faults, Stage};
use crate::report::{Ending, SessionReport};
use crate::service::Service;

pub(crate) use mishap::{Mishap, Parting};

/// Longest message that is taken, in bytes. A picture of a second at the highest bitrate has about 1 MB.
pub const MAX_MESSAGE_BYTES: u32 = 4 << 20;

/// How long a peer may take to publish; whoever takes longer is no publisher.
const PUBLISH_PATIENCE: Span = Span::from_secs(30);

/// Most bytes taken from the connection at a time.
pub(crate) const READ_BYTES: usize = 16 * 1024;

/// Longest name of an encoder that is kept, in characters.
const ENCODER_CHARACTERS: usize = 120;

pub(crate) struct Session {
    service: Arc<Service>,
    server: ServerSession,
    judge: Judge,
    number: u64,
    protocol: Protocol,
    peer: SocketAddr,
    faults: Faults,
    connected_at: MediaTime,
    /// Its part in the channel, once it was let in.
    ticket: Option<Ticket>,
    /// It tests its bandwidth; nobody shall see it.
    is_test: bool,
    published_at: Option<MediaTime>,
    first_idr_at: Option<MediaTime>,
    ending: Option<Ending>,
    /// The code of the event that tells of the end.
    ending_code: Option<&'static str>,
    said_goodbye: bool,
    /// Number of the last request to move that was made of everybody, which this session has dealt with.
    moves_seen: u64,
    asked_to_move_at: Option<MediaTime>,
    /// Id of the configuration that the key was granted with.
    config_id: Option<String>,
    encoder: Option<String>,
    video_messages: u64,
    audio_messages: u64,
    data_messages: u64,
    tags: VecDeque<Vec<u8>>,
    next_read_at: MediaTime,
    /// Nothing is read or written any more, and the connection stays open.
    frozen: bool,
}

impl Session {
    pub(crate) fn new(service: Arc<Service>, protocol: Protocol, peer: SocketAddr) -> Self {
        let (number, faults) = service.begin_session();
        let now = service.now();
        let mut handshake = [0u8; RANDOM_BYTES];
        // Need not be secret (RTMP 1.0, 5.2.3), so a system without randomness is no reason to refuse.
        random(&mut handshake);
        let stated = service.config.states_capabilities;
        let config = ServerConfig {
            max_message_bytes: MAX_MESSAGE_BYTES,
            capabilities: if stated { Capabilities::ingest() } else { Capabilities::default() },
            ..ServerConfig::default()
        };
        Self {
            server: ServerSession::new(config, &handshake),
            judge: Judge::new(service.config.rules),
            moves_seen: service.move_request().number,
            asked_to_move_at: None,
            service,
            number,
            protocol,
            peer,
            faults,
            connected_at: now,
            ticket: None,
            is_test: false,
            published_at: None,
            first_idr_at: None,
            ending: None,
            ending_code: None,
            said_goodbye: false,
            config_id: None,
            encoder: None,
            video_messages: 0,
            audio_messages: 0,
            data_messages: 0,
            tags: VecDeque::new(),
            next_read_at: now,
            frozen: false,
        }
    }

    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// Whether the connection is to be closed once everything is written.
    pub(crate) const fn is_over(&self) -> bool {
        self.ending.is_some()
    }

    /// Bytes to write to the peer.
    pub(crate) fn poll_output(&mut self) -> Option<Vec<u8>> {
        if self.frozen { None } else { self.server.poll_output() }
    }

    /// FLV tags to keep.
    pub(crate) fn poll_tag(&mut self) -> Option<Vec<u8>> {
        self.tags.pop_front()
    }

    /// Bytes that came from the peer.
    pub(crate) fn handle_input(&mut self, bytes: &[u8], now: MediaTime) {
        if let Some(rate) = self.faults.read_bytes_per_sec {
            let nanos = bytes.len() as u64 * 1_000_000_000 / u64::from(rate.max(1));
            let due = self.next_read_at.max(now);
            self.next_read_at = due + Span::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX));
        }
        if self.is_over() || self.frozen || self.fail_at(Stage::Handshake, now).is_some() {
            return;
        }
        if let Err(error) = self.server.handle_input(bytes) {
            self.handle_events(now);
            self.break_off(&error, now);
            return;
        }
        self.handle_events(now);
    }

    /// Time passes.
    pub(crate) fn tick(&mut self, now: MediaTime) {
        self.follow_orders();
        if self.is_over() {
            return;
        }
        let Some(published_at) = self.published_at else {
            if now - self.connected_at >= PUBLISH_PATIENCE {
                let sentence = "The peer connected and did not publish within 30 seconds.";
                self.judge.report(Finding::new(Severity::Refused, code::PROTOCOL_ERROR, now, sentence, ""));
                self.end(Ending::ProtocolError);
            }
            return;
        };
        if self.faults.close_after.is_some_and(|after| now - published_at >= after) {
            self.end(Ending::Fault);
            return;
        }
        if self.faults.half_open_after.is_some_and(|after| now - published_at >= after) {
            self.frozen = true;
        }
        self.move_when_due(now - published_at, now);
        self.judge.tick(now);
        self.handle_observations(now);
        self.look_after_place(now);
    }

    /// Asks the publisher to move when somebody wants it, or a fault is due.
    fn move_when_due(&mut self, since: Span, now: MediaTime) {
        let asked = self.service.move_request();
        if asked.number > self.moves_seen {
            self.moves_seen = asked.number;
            self.ask_to_move(asked.tc_url.as_deref(), now);
        }
        if let Some(request) = self.faults.request_reconnect.take_if(|request| since >= request.after) {
            self.ask_to_move(request.tc_url.as_deref(), now);
        }
    }

    fn ask_to_move(&mut self, tc_url: Option<&str>, now: MediaTime) {
        let description = "The server is about to be shut down.";
        if let Err(error) = self.server.request_reconnect(tc_url, description) {
            tracing::info!(session = self.number, %error, "the publisher was not asked to move");
            return;
        }
        self.asked_to_move_at = Some(now);
        // It may come back with the same key before it leaves here, so that viewers miss nothing.
        if let Some(ticket) = &self.ticket {
            ticket.asked_to_move();
        }
    }

    /// The peer closed the connection, or it broke.
    pub(crate) fn peer_closed(&mut self) {
        self.end(if self.said_goodbye { Ending::Publisher } else { Ending::PeerClosed });
    }

    /// The TLS handshake failed: `why` is the TLS library's.
    pub(crate) fn refuse_tls(&mut self, why: &str, now: MediaTime) {
        let sentence = format!("TLS could not be set up: {why}.");
        self.judge.report(Finding::new(Severity::Refused, code::PROTOCOL_ERROR, now, sentence, ""));
        self.end(Ending::ProtocolError);
    }

    /// The ingest is being stopped.
    pub(crate) fn stop(&mut self) {
        self.end(Ending::Stopped);
    }

    /// Closes the books. `file` is the name of the file that was kept, `file_problem` what went wrong with it.
    pub(crate) fn finish(
        mut self,
        file: Option<String>,
        file_problem: Option<String>,
        now: MediaTime,
    ) -> Option<SessionReport> {
        self.leave_air(now);
        let received_bytes = self.server.received_bytes();
        let ending = self.ending.unwrap_or(Ending::PeerClosed);
        let verdict = self.judge.finish(now);
        if received_bytes == 0 && ending == Ending::PeerClosed {
            // Somebody looked whether the port is open.
            return None;
        }
        let after = |at: MediaTime| (at - self.connected_at).as_millis();
        Some(SessionReport {
            session: self.number,
            stream_id: self.ticket.as_ref().and_then(Ticket::stream_id).map(String::from),
            priority: self.ticket.as_ref().and_then(Ticket::priority),
            took_over: self.ticket.as_ref().is_some_and(Ticket::took_over),
            bandwidth_test: self.is_test,
            config_id: self.config_id,
            protocol: self.protocol,
            peer: self.peer,
            encoder: self.encoder.map(|encoder| self.service.keys.clean(&encoder)),
            connected_at_ms: self.connected_at.as_millis(),
            published_after_ms: self.published_at.map(after),
            first_idr_after_ms: self.first_idr_at.map(after),
            asked_to_move_after_ms: self.asked_to_move_at.map(after),
            lasted_ms: after(now),
            ending,
            said_goodbye: self.said_goodbye,
            received_bytes,
            video_messages: self.video_messages,
            audio_messages: self.audio_messages,
            data_messages: self.data_messages,
            srt: None,
            verdict,
            file,
            file_problem,
        })
    }

    fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    fn break_off(&mut self, error: &ertmp::Error, now: MediaTime) {
        if self.is_over() {
            return;
        }
        let sentence = format!("The connection was ended: {error}.");
        self.judge.report(Finding::new(Severity::Disconnected, code::PROTOCOL_ERROR, now, sentence, ""));
        self.end(Ending::ProtocolError);
    }

    /// Works off what the peer did. Verdicts let the protocol go on, which makes more events.
    fn handle_events(&mut self, now: MediaTime) {
        while !self.is_over() && !self.frozen {
            let Some(event) = self.server.poll_event() else { break };
            let handled = match event {
                ServerEvent::Connect(request) => self.handle_connect(&request, now),
                ServerEvent::Publish { stream_name, .. } => self.handle_publish(&stream_name, now),
                event => {
                    self.handle_stream_event(event, now);
                    Ok(())
                }
            };
            if let Err(error) = handled {
                self.break_off(&error, now);
            }
            self.handle_observations(now);
            self.look_after_place(now);
        }
    }

    fn handle_connect(&mut self, request: &ConnectRequest, now: MediaTime) -> Result<(), ertmp::Error> {
        self.name_encoder(&request.flash_ver);
        if self.fail_at(Stage::Connect, now).is_some() {
            return Ok(());
        }
        if let Some(refusal) = self.faults.refuse_connect.clone() {
            self.rehearse_refusal(&refusal.description, now);
            return self.server.refuse_connect(&refusal.code, &refusal.description);
        }
        self.judge.connected(self.protocol, now);
        if self.judge.is_over() {
            self.end(Ending::Service);
            let description = "The channel does not allow insecure ingest. Use rtmps:// instead of rtmp://.";
            return self.server.refuse_connect("NetConnection.Connect.Rejected", description);
        }
        // Arguments and a trailing slash are no part of the name.
        let app = request.app.split('?').next().unwrap_or_default().trim_matches('/');
        if app != RTMP_APP.value {
            let sentence = "The application in the address is not “app”; the address ends in /app.";
            self.refuse(code::APP_UNKNOWN, sentence, RTMP_APP.source, now);
            return self.server.refuse_connect("NetConnection.Connect.InvalidApp", sentence);
        }
        self.server.accept_connect()
    }

    fn handle_stream_event(&mut self, event: ServerEvent, now: MediaTime) {
        match event {
            ServerEvent::Media { kind, timestamp_ms, body } => {
                match kind {
                    MediaKind::Audio => self.audio_messages += 1,
                    MediaKind::Video => self.video_messages += 1,
                }
                self.judge.flv_tag(kind, timestamp_ms, &body, now);
                if let Some(ticket) = &mut self.ticket {
                    ticket.media(kind, timestamp_ms, &body, now);
                }
                self.keep(kind.into(), timestamp_ms, &body);
            }
            ServerEvent::Metadata { timestamp_ms, value } => {
                self.data_messages += 1;
                self.heard(now);
                self.judge.announced(AnnouncedMedia::read(&value), now);
                if let Some(encoder) = value.get("encoder").and_then(Value::as_str) {
                    self.name_encoder(encoder);
                }
                self.keep_values(timestamp_ms, &[Value::from("onMetaData"), value]);
            }
            ServerEvent::Data { timestamp_ms, values } => {
                self.data_messages += 1;
                self.heard(now);
                self.keep_values(timestamp_ms, &values);
            }
            ServerEvent::FcUnpublish { .. } => {
                self.said_goodbye = true;
                // The stream is over for the channel, however long the connection stays ("Stopping the Stream and
                // Disconnecting").
                self.leave_air(now);
            }
            ServerEvent::DeleteStream { .. } => self.end(Ending::Publisher),
            // Everything else was answered by the protocol, or asks for nothing.
            _ => {}
        }
    }

    fn handle_observations(&mut self, now: MediaTime) {
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
    }

    fn handle_finding(&mut self, finding: &Finding, now: MediaTime) {
        let Finding { severity, code, sentence, .. } = finding;
        tracing::debug!(session = self.number, ?severity, code = code.name, %sentence, "rehearsal ingest");
        if self.ticket.is_none() {
            return;
        }
        if let Some(breach) = &finding.breach {
            self.tell(Happening::LimitBreach(breach.clone()), now);
        }
        if !severity.ends_stream() || !self.service.config.enforce || self.is_over() {
            return;
        }
        self.end(Ending::Service);
        self.ending_code = session_ended_code(finding);
        let description = format!("[{}] {sentence}", code.name);
        self.kick("NetStream.Publish.Rejected", &description);
    }

    fn heard(&mut self, now: MediaTime) {
        self.judge.heard(now);
        if let Some(ticket) = &self.ticket {
            ticket.heard(now);
        }
    }

    fn refuse(&mut self, code: Code, sentence: impl Into<String>, source: &'static str, now: MediaTime) {
        self.judge.report(Finding::new(Severity::Refused, code, now, sentence, source));
        self.end(Ending::Service);
    }

    fn name_encoder(&mut self, name: &str) {
        let name: String = name.chars().filter(|c| !c.is_control()).take(ENCODER_CHARACTERS).collect();
        if !name.is_empty() {
            self.encoder = Some(name);
        }
    }

    fn keep(&mut self, kind: TagKind, timestamp_ms: u32, body: &[u8]) {
        if self.service.config.out_dir.is_none() {
            return;
        }
        // Messages are shorter than a tag can be, so this never fails.
        if let Ok(tag) = file_tag(kind, timestamp_ms, body) {
            self.tags.push_back(tag);
        }
    }

    fn keep_values(&mut self, timestamp_ms: u32, values: &[Value]) {
        let mut body = Vec::new();
        if values.iter().all(|value| amf0::encode(value, &mut body).is_ok()) {
            self.keep(TagKind::Script, timestamp_ms, &body);
        }
    }
}

/// The guide gives `Session Ended` a code for multitrack streams; a limit breach is an event of its own.
fn session_ended_code(finding: &Finding) -> Option<&'static str> {
    let by_service = finding.code.named_by == NamedBy::Service && finding.breach.is_none();
    by_service.then_some(finding.code.name)
}

#[cfg(test)]
mod tests;
