//! A session, a server and a wire between them, in virtual time.

use std::collections::VecDeque;
use std::sync::Arc;

use ertmp::{RANDOM_BYTES, ServerConfig, ServerEvent, ServerSession};
use ivs::IngestAddress;
use publish::{Action, Ended, Event, Failure, Notice, Session, SessionConfig, Step};
use testkit::SyntheticStream;
use units::{AccessUnit, MediaTime, Secret, Span};

pub(crate) const KEY: &str = "sk_eu-west-1_K7pQnotToBeSeen";

/// Where the outside world stops answering, or what it answers instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hitch {
    None,
    Name,
    Connect,
    Tls,
    /// The peer is mute from the start.
    Handshake,
    /// The peer greets and then is mute.
    Connecting,
    RefuseConnect,
    RefusePublish,
    HangPublish,
}

pub(crate) struct Rig {
    pub(crate) session: Session,
    pub(crate) server: ServerSession,
    pub(crate) now: MediaTime,
    pub(crate) hitch: Hitch,
    /// Bytes per millisecond that the wire carries; `None` for any number.
    pub(crate) bytes_per_ms: Option<usize>,
    /// What the server sends is lost.
    pub(crate) deaf: bool,
    /// The system tells what is in flight.
    pub(crate) told: bool,
    /// The peer's system confirms nothing more, while this one takes what it is given.
    pub(crate) frozen: bool,
    in_flight: u64,
    pub(crate) heard: Vec<ServerEvent>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) actions: Vec<Action>,
    piece: VecDeque<u8>,
    open: bool,
    backlog: VecDeque<Arc<AccessUnit>>,
}

pub(crate) fn config(url: &str) -> SessionConfig {
    let address: IngestAddress = url.parse().unwrap();
    SessionConfig::for_ingest(&address, &Secret::new(KEY)).unwrap()
}

impl Rig {
    pub(crate) fn new(config: SessionConfig) -> Self {
        Self::starting(config, MediaTime::from_millis(1_000))
    }

    pub(crate) fn starting(config: SessionConfig, now: MediaTime) -> Self {
        Self {
            session: Session::new(config, &[7; RANDOM_BYTES], now),
            server: ServerSession::new(ServerConfig::default(), &[9; RANDOM_BYTES]),
            now,
            hitch: Hitch::None,
            bytes_per_ms: None,
            deaf: false,
            told: false,
            frozen: false,
            in_flight: 0,
            heard: Vec::new(),
            notices: Vec::new(),
            actions: Vec::new(),
            piece: VecDeque::new(),
            open: false,
            backlog: VecDeque::new(),
        }
    }

    pub(crate) fn plain() -> Self {
        Self::new(config("rtmp://ingest.example/app"))
    }

    pub(crate) fn with(hitch: Hitch) -> Self {
        let mut rig = Self::new(config("rtmps://ingest.example/app"));
        rig.hitch = hitch;
        rig
    }

    /// The network, after [`Hitch::Connect`], lets the connection through at last.
    pub(crate) fn let_connect(&mut self) {
        self.hitch = Hitch::None;
        self.open = true;
        self.session.handle(Event::Connected, self.now);
    }

    /// A millisecond passes, over and over.
    pub(crate) fn run(&mut self, span: Span) {
        let end = self.now + span;
        while self.now < end {
            self.now += Span::from_millis(1);
            while self.backlog.front().is_some_and(|unit| unit.pts.at() <= self.now) {
                let unit = self.backlog.pop_front().unwrap();
                self.session.push(unit, self.now);
            }
            self.turn();
        }
    }

    /// The same while `stream` is produced in real time.
    pub(crate) fn stream(&mut self, stream: &mut SyntheticStream, span: Span) {
        let end = self.now + span;
        while self.backlog.back().is_none_or(|unit| unit.pts.at() <= end) {
            self.backlog.extend(stream.next());
        }
        self.run(span);
    }

    /// Everything that happens at one moment.
    pub(crate) fn turn(&mut self) {
        if self.session.wake_at(self.now).is_some_and(|at| at <= self.now) {
            self.session.handle(Event::Tick, self.now);
        }
        if self.told && self.now.as_millis() % 100 == 0 {
            self.in_flight *= u64::from(self.frozen);
            self.session.handle(Event::InFlight { bytes: self.in_flight }, self.now);
        }
        let mut budget = self.bytes_per_ms.unwrap_or(usize::MAX);
        loop {
            let acted = self.act();
            let wrote = self.write(&mut budget);
            self.notices.extend(std::iter::from_fn(|| self.session.poll_notice()));
            if !acted && !wrote {
                return;
            }
        }
    }

    fn act(&mut self) -> bool {
        let Some(action) = self.session.poll_action() else { return false };
        self.actions.push(action);
        let event = match action {
            Action::Resolve if self.hitch != Hitch::Name => Event::Resolved,
            Action::Connect if self.hitch != Hitch::Connect => {
                self.open = true;
                Event::Connected
            }
            Action::StartTls if self.hitch != Hitch::Tls => Event::TlsDone,
            Action::Close => {
                self.open = false;
                Event::Closed
            }
            _ => return true,
        };
        self.session.handle(event, self.now);
        true
    }

    fn write(&mut self, budget: &mut usize) -> bool {
        if !self.open {
            return false;
        }
        if self.piece.is_empty() {
            match self.session.next_bytes(self.now) {
                Some(bytes) => self.piece.extend(bytes),
                None => return false,
            }
        }
        let part = self.piece.len().min(*budget);
        if part == 0 {
            return false;
        }
        *budget -= part;
        let bytes: Vec<u8> = self.piece.drain(..part).collect();
        self.in_flight += part as u64;
        self.session.handle(Event::Wrote(part), self.now);
        if self.hitch != Hitch::Handshake && !self.frozen {
            self.server.handle_input(&bytes).unwrap();
            self.serve();
        }
        true
    }

    pub(crate) fn serve(&mut self) {
        while let Some(event) = self.server.poll_event() {
            match &event {
                ServerEvent::Connect(_) => match self.hitch {
                    Hitch::Connecting => {}
                    Hitch::RefuseConnect => {
                        self.server.refuse_connect("NetConnection.Connect.Rejected", "no such app").unwrap();
                    }
                    _ => self.server.accept_connect().unwrap(),
                },
                ServerEvent::Publish { stream_name, .. } => match self.hitch {
                    Hitch::HangPublish => {}
                    Hitch::RefusePublish => {
                        let text = format!("stream {} is already live", stream_name.expose());
                        self.server.refuse_publish("NetStream.Publish.BadName", &text).unwrap();
                    }
                    _ => self.server.accept_publish().unwrap(),
                },
                _ => {}
            }
            self.heard.push(event);
        }
        while let Some(bytes) = self.server.poll_output() {
            if !self.deaf {
                self.session.handle(Event::Received(&bytes), self.now);
            }
        }
    }

    pub(crate) fn steps(&self) -> Vec<Step> {
        let step = |notice: &Notice| match notice {
            Notice::Step(step) => Some(*step),
            _ => None,
        };
        self.notices.iter().filter_map(step).collect()
    }

    pub(crate) fn ended(&self) -> Option<&Ended> {
        match self.notices.last() {
            Some(Notice::Ended(ended)) => Some(ended),
            _ => None,
        }
    }

    #[track_caller]
    pub(crate) fn failure(&self) -> &Failure {
        match self.ended() {
            Some(Ended::Failed(failure)) => failure,
            other => panic!("no failure but {other:?}, after {:?}", self.notices),
        }
    }

    /// Bodies of media messages with their timestamps, as the server got them.
    pub(crate) fn media(&self) -> impl Iterator<Item = (ertmp::MediaKind, u32, &[u8])> {
        self.heard.iter().filter_map(|event| match event {
            ServerEvent::Media { kind, timestamp_ms, body } => Some((*kind, *timestamp_ms, body.as_slice())),
            _ => None,
        })
    }
}
