//! Both halves and the bytes between them.

use ertmp::{
    ClientConfig, ClientEvent, ClientSession, RANDOM_BYTES, ServerConfig, ServerEvent, ServerSession, Stage,
};
use units::Secret;

pub(crate) const KEY: &str = "sk_us-west-2_f9a8b7c6d5e4";
pub(crate) const NAME: &str = "sk_us-west-2_f9a8b7c6d5e4?clientConfigId=1234";

pub(crate) fn client_config() -> ClientConfig {
    ClientConfig {
        app: "app".into(),
        tc_url: "rtmps://ingest.example:443/app".into(),
        stream_name: Secret::new(NAME),
        flash_ver: "FMLE/3.0 (compatible; Genlock 0.1)".into(),
        enhanced: true,
    }
}

pub(crate) fn client() -> ClientSession {
    ClientSession::new(client_config(), &[1; RANDOM_BYTES])
}

pub(crate) fn server() -> ServerSession {
    ServerSession::new(ServerConfig::default(), &[2; RANDOM_BYTES])
}

/// Carries bytes between both halves in pieces of given sizes until neither has more to say.
pub(crate) struct Wire {
    pub(crate) client: ClientSession,
    pub(crate) server: ServerSession,
    pieces: Vec<usize>,
    turn: usize,
    pub(crate) to_server: Vec<u8>,
    pub(crate) client_events: Vec<ClientEvent>,
    pub(crate) server_events: Vec<ServerEvent>,
}

impl Wire {
    pub(crate) fn new(pieces: Vec<usize>) -> Self {
        Self {
            client: client(),
            server: server(),
            pieces,
            turn: 0,
            to_server: Vec::new(),
            client_events: Vec::new(),
            server_events: Vec::new(),
        }
    }

    fn piece(&mut self) -> usize {
        self.turn += 1;
        self.pieces[self.turn % self.pieces.len()]
    }

    /// Carries bytes and accepts whatever is asked, unless `verdict` answers itself.
    pub(crate) fn run(&mut self, mut verdict: impl FnMut(&mut ServerSession, &ServerEvent) -> bool) {
        loop {
            let mut is_quiet = true;
            while let Some(bytes) = self.client.poll_output() {
                is_quiet = false;
                self.to_server.extend_from_slice(&bytes);
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let (now, later) = rest.split_at(self.piece().min(rest.len()));
                    self.server.handle_input(now).unwrap();
                    rest = later;
                    self.drain_server(&mut verdict);
                }
            }
            while let Some(bytes) = self.server.poll_output() {
                is_quiet = false;
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let (now, later) = rest.split_at(self.piece().min(rest.len()));
                    self.client.handle_input(now).unwrap();
                    rest = later;
                }
                self.client_events.extend(std::iter::from_fn(|| self.client.poll_event()));
            }
            if is_quiet {
                return;
            }
        }
    }

    fn drain_server(&mut self, verdict: &mut impl FnMut(&mut ServerSession, &ServerEvent) -> bool) {
        while let Some(event) = self.server.poll_event() {
            if !verdict(&mut self.server, &event) {
                match event {
                    ServerEvent::Connect(_) => self.server.accept_connect().unwrap(),
                    ServerEvent::Publish { .. } => self.server.accept_publish().unwrap(),
                    _ => {}
                }
            }
            self.server_events.push(event);
        }
    }

    pub(crate) fn live(pieces: Vec<usize>) -> Self {
        let mut wire = Self::new(pieces);
        wire.run(|_, _| false);
        assert_eq!(wire.client.stage(), Stage::Live);
        wire
    }

    pub(crate) fn settle(&mut self) {
        self.client_events.clear();
        self.server_events.clear();
        self.run(|_, _| false);
    }
}

pub(crate) fn kinds(events: &[ServerEvent]) -> Vec<&'static str> {
    events
        .iter()
        .map(|event| match event {
            ServerEvent::HandshakeDone => "handshake",
            ServerEvent::Connect(_) => "connect",
            ServerEvent::ReleaseStream { .. } => "releaseStream",
            ServerEvent::FcPublish { .. } => "FCPublish",
            ServerEvent::CreateStream { .. } => "createStream",
            ServerEvent::Publish { .. } => "publish",
            ServerEvent::Metadata { .. } => "metadata",
            ServerEvent::Media { .. } => "media",
            ServerEvent::FcUnpublish { .. } => "FCUnpublish",
            ServerEvent::DeleteStream { .. } => "deleteStream",
            _ => "other",
        })
        .collect()
}
