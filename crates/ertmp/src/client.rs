//! The client half: connects, publishes one stream, and says good-bye.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use units::Secret;

use crate::amf0::{self, Value, properties};
use crate::capabilities::Capabilities;
use crate::chunk::{Limits, Message};
use crate::connection::{Connection, Incoming};
use crate::error::Error;
use crate::flv::StreamMetadata;
use crate::handshake::{RANDOM_BYTES, Role};
use crate::message::{Command, type_id};
use crate::status::{Info, Level};
use crate::{Layer, MediaKind};

/// Payload bytes per chunk that we write: the size that publishers customarily announce. A key frame of 100 kB then
/// takes 25 chunk headers, and sound waits for no more than that.
const CHUNK_BYTES: u32 = 4096;

/// Bytes after which we want the server to acknowledge. A quarter of the customary 2.5 MB, so that at 6 Mbps there is
/// a sign of progress about once a second.
const WINDOW_BYTES: u32 = 625_000;

/// A server sends commands and statuses only; nothing that is longer makes sense.
const MAX_SERVER_MESSAGE_BYTES: u32 = 1 << 20;

/// Shorter names than this are no keys but words such as `live`, which may stand in any text.
const MIN_SECRET_BYTES: usize = 8;

/// Where and as whom to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// Application: the path of the address without the stream name. Must not contain the stream key: servers log it.
    pub app: String,
    /// The address up to and including the application, without the stream key for the same reason.
    pub tc_url: String,
    /// Stream name with its query, sent as it is: the stream key on IVS (IVS user guide, "Streaming Configuration").
    pub stream_name: Secret,
    /// Name and version of this program, in the form of `FMLE/3.0 (compatible; Genlock 0.1)`: some servers look for
    /// `FMLE/` before they let a client publish.
    pub flash_ver: String,
    /// Whether to state [`Capabilities::publisher`] in `connect`.
    pub enhanced: bool,
}

/// What the server said about itself when it accepted the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerCapabilities {
    /// Its name and version, when it says them.
    pub version: Option<String>,
    /// Its Enhanced RTMP capabilities.
    pub enhanced: Capabilities,
}

/// A step on the way to being live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Nothing but C0 and C1 was sent.
    Handshake,
    /// `connect` was sent.
    Connect,
    /// `releaseStream`, `FCPublish` and `createStream` were sent.
    CreateStream,
    /// `publish` was sent.
    Publish,
    /// Media may be sent.
    Live,
    /// The stream was ended by [`ClientSession::finish`], refused, or closed by the server.
    Ended,
}

/// What happened. Texts of the server have the stream name taken out, should they repeat it, unless it is shorter than
/// any key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// The peer speaks RTMP; `connect` is on its way.
    HandshakeDone,
    /// The application accepted us.
    Connected {
        /// What the server can do.
        server: ServerCapabilities,
    },
    /// There is a message stream to publish on.
    StreamCreated,
    /// The stream name was accepted: media may be sent.
    Published {
        /// `NetStream.Publish.Start`.
        code: String,
        /// The server's words, maybe empty.
        description: String,
    },
    /// The service said no before the stream was live. Nothing more will come.
    Refused {
        /// To what.
        stage: Stage,
        /// The server's code, such as `NetStream.Publish.BadName`; maybe empty.
        code: String,
        /// The server's words, maybe empty.
        description: String,
    },
    /// Anything else that the server wants us to know. An error after [`ClientEvent::Published`] means that the stream
    /// is over, and the connection usually ends next.
    Status {
        /// How grave it is.
        level: Level,
        /// The server's code, maybe empty.
        code: String,
        /// The server's words, maybe empty.
        description: String,
    },
    /// The server asks us to move (E-RTMP v2, "Reconnect Request"): go on here until the new connection is live, then
    /// leave at a key frame.
    ReconnectRequest {
        /// The new `tcUrl`, absolute or relative to the present one; the present one when there is none.
        tc_url: Option<String>,
        /// The server's words, maybe empty.
        description: String,
    },
    /// The server has received this many bytes in total.
    Acknowledged {
        /// The total.
        bytes: u64,
    },
    /// The server asked for a sign of life and got it.
    PingAnswered,
    /// The server closed the session by the `close` command.
    Closed,
}

/// The client's end of one connection.
pub struct ClientSession {
    config: ClientConfig,
    connection: Connection,
    stage: Stage,
    /// Message stream that the server created for us.
    stream_id: Option<u32>,
    events: VecDeque<ClientEvent>,
}

/// Transaction ids of our commands. Each is sent once.
mod transaction {
    /// Must be 1 (RTMP 1.0, 7.2.1.1).
    pub(super) const CONNECT: f64 = 1.0;
    pub(super) const RELEASE_STREAM: f64 = 2.0;
    pub(super) const FC_PUBLISH: f64 = 3.0;
    pub(super) const CREATE_STREAM: f64 = 4.0;
    pub(super) const PUBLISH: f64 = 5.0;
    pub(super) const FC_UNPUBLISH: f64 = 6.0;
    pub(super) const DELETE_STREAM: f64 = 7.0;
}

impl ClientSession {
    /// A session at its start, with C0 and C1 ready in [`Self::poll_output`]. `random` need not be secret
    /// (RTMP 1.0, 5.2.3).
    pub fn new(config: ClientConfig, random: &[u8; RANDOM_BYTES]) -> Self {
        let limits = Limits { message_bytes: MAX_SERVER_MESSAGE_BYTES, ..Limits::default() };
        Self {
            config,
            connection: Connection::new(Role::Client, random, limits),
            stage: Stage::Handshake,
            stream_id: None,
            events: VecDeque::new(),
        }
    }

    /// Takes bytes from the server in, in pieces of any size. Then drain [`Self::poll_event`] and
    /// [`Self::poll_output`].
    ///
    /// # Errors
    /// Any but [`Error::Misused`] for what the server did wrong; the session is over then. Events that came before the
    /// error can still be polled.
    pub fn handle_input(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.connection.receive(bytes)?;
        while let Some(incoming) = self.connection.next()? {
            match incoming {
                Incoming::HandshakeDone => {
                    self.events.push_back(ClientEvent::HandshakeDone);
                    if self.stage == Stage::Handshake {
                        self.connect()?;
                    }
                }
                Incoming::Message(message) => self.handle_message(&message)?,
                Incoming::Acknowledged(bytes) => self.events.push_back(ClientEvent::Acknowledged { bytes }),
                Incoming::PingAnswered => self.events.push_back(ClientEvent::PingAnswered),
                Incoming::Pong { .. } => {}
            }
        }
        Ok(())
    }

    /// Bytes to write, in order; `None` when there are none. Everything that is pending comes in one piece.
    pub fn poll_output(&mut self) -> Option<Vec<u8>> {
        self.connection.poll_output()
    }

    /// The next event; `None` when there is none.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// How far the session has come.
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Queues `@setDataFrame` `onMetaData` at timestamp 0.
    ///
    /// # Errors
    /// [`Error::Misused`] unless the stage is [`Stage::Live`].
    pub fn send_metadata(&mut self, metadata: &StreamMetadata) -> Result<(), Error> {
        let stream_id = self.live_stream()?;
        let mut payload = Vec::new();
        for value in [Value::from("@setDataFrame"), Value::from("onMetaData"), metadata.to_value()] {
            amf0::encode(&value, &mut payload)?;
        }
        self.connection.send_data(stream_id, 0, payload)
    }

    /// Queues a message of sound or pictures. `body` is the body of an FLV tag, see [`crate::flv`]; `timestamp_ms`
    /// wraps at 2^32, see [`crate::flv::Timeline`].
    ///
    /// # Errors
    /// [`Error::Misused`] unless the stage is [`Stage::Live`] and the body is at most
    /// [`crate::chunk::MAX_MESSAGE_BYTES`] long.
    pub fn send_media(&mut self, kind: MediaKind, timestamp_ms: u32, body: &[u8]) -> Result<(), Error> {
        let stream_id = self.live_stream()?;
        self.connection.send_media(stream_id, kind, timestamp_ms, body)
    }

    /// Queues `FCUnpublish` and `deleteStream`, as far as there is something to end: IVS wants to be told that the end
    /// is meant (IVS user guide, "Stopping the Stream and Disconnecting"). Write the output, then close the connection;
    /// no answer needs to be awaited.
    ///
    /// # Errors
    /// None in practice; the type is that of everything that encodes.
    pub fn finish(&mut self) -> Result<(), Error> {
        let reached = core::mem::replace(&mut self.stage, Stage::Ended);
        if matches!(reached, Stage::CreateStream | Stage::Publish | Stage::Live) {
            let name = self.stream_name();
            self.connection.send_command(
                0,
                "FCUnpublish",
                transaction::FC_UNPUBLISH,
                &[Value::Null, name],
            )?;
        }
        if let (Stage::Publish | Stage::Live, Some(stream_id)) = (reached, self.stream_id) {
            let arguments = [Value::Null, Value::from(f64::from(stream_id))];
            self.connection.send_command(0, "deleteStream", transaction::DELETE_STREAM, &arguments)?;
        }
        Ok(())
    }

    /// Bytes that the server said it has received. Servers count or leave out the 3,073 bytes of the handshake as they
    /// please, and some never acknowledge.
    pub const fn acknowledged_bytes(&self) -> u64 {
        self.connection.acknowledged_by_peer()
    }

    /// Bytes that [`Self::poll_output`] gave out.
    pub const fn sent_bytes(&self) -> u64 {
        self.connection.sent_bytes()
    }

    /// Bytes that came from the server.
    pub const fn received_bytes(&self) -> u64 {
        self.connection.received_bytes()
    }

    fn live_stream(&self) -> Result<u32, Error> {
        match (self.stage, self.stream_id) {
            (Stage::Live, Some(stream_id)) => Ok(stream_id),
            _ => Err(Error::Misused { reason: "media was sent while the stream was not live" }),
        }
    }

    fn stream_name(&self) -> Value {
        Value::from(self.config.stream_name.expose())
    }

    /// RTMP 1.0, 7.2.1.1. `type` and `swfUrl` are what publishers send, and what servers may look for.
    fn connect(&mut self) -> Result<(), Error> {
        self.connection.set_chunk_bytes(CHUNK_BYTES)?;
        let mut object = properties([
            ("app", Value::from(self.config.app.as_str())),
            ("type", Value::from("nonprivate")),
            ("flashVer", Value::from(self.config.flash_ver.as_str())),
            ("swfUrl", Value::from(self.config.tc_url.as_str())),
            ("tcUrl", Value::from(self.config.tc_url.as_str())),
        ]);
        if self.config.enhanced {
            Capabilities::publisher().write(&mut object);
        }
        self.connection.send_command(0, "connect", transaction::CONNECT, &[Value::Object(object)])?;
        self.stage = Stage::Connect;
        Ok(())
    }

    fn handle_message(&mut self, message: &Message) -> Result<(), Error> {
        match message.type_id {
            type_id::COMMAND_AMF0 | type_id::COMMAND_AMF3 => {
                let command = Command::decode(message.type_id, &message.payload)?;
                self.handle_command(&command)
            }
            // Data, media and whatever else a server may send concern players.
            _ => Ok(()),
        }
    }

    fn handle_command(&mut self, command: &Command) -> Result<(), Error> {
        match command.name.as_str() {
            "_result" => self.handle_result(command),
            "_error" => {
                self.handle_error(command);
                Ok(())
            }
            "onStatus" => {
                self.handle_status(command);
                Ok(())
            }
            // The answers to FCPublish and FCUnpublish. They look like a status and decide nothing.
            "onFCPublish" | "onFCUnpublish" => {
                let info = Info::read(command.argument(0), Level::Status);
                // The listener in ffmpeg gives it no information at all.
                if !info.code.is_empty() {
                    self.push_status(info);
                }
                Ok(())
            }
            "close" => {
                self.stage = Stage::Ended;
                self.events.push_back(ClientEvent::Closed);
                Ok(())
            }
            // onBWDone and other calls that servers make out of habit; none needs an answer.
            _ => Ok(()),
        }
    }

    fn handle_result(&mut self, command: &Command) -> Result<(), Error> {
        match self.stage {
            Stage::Connect if command.transaction == transaction::CONNECT => {
                let server = command.object().map_or_else(ServerCapabilities::default, |properties| {
                    let version = properties.get("fmsVer").and_then(Value::as_str);
                    let version = version.map(|version| self.without_stream_name(version));
                    ServerCapabilities {
                        version,
                        enhanced: Capabilities::read(properties).with_codecs_only(),
                    }
                });
                self.events.push_back(ClientEvent::Connected { server });
                self.create_stream()
            }
            Stage::CreateStream if command.transaction == transaction::CREATE_STREAM => {
                let stream_id = command.argument(0).and_then(Value::as_number).and_then(stream_id).ok_or(
                    Error::malformed(Layer::Command, "an answer to createStream without a message stream"),
                )?;
                self.stream_id = Some(stream_id);
                self.events.push_back(ClientEvent::StreamCreated);
                self.publish(stream_id)
            }
            _ => Ok(()),
        }
    }

    fn create_stream(&mut self) -> Result<(), Error> {
        self.connection.send_control(type_id::WINDOW_ACK_SIZE, WINDOW_BYTES.to_be_bytes().to_vec())?;
        for (name, transaction) in
            [("releaseStream", transaction::RELEASE_STREAM), ("FCPublish", transaction::FC_PUBLISH)]
        {
            let arguments = [Value::Null, self.stream_name()];
            self.connection.send_command(0, name, transaction, &arguments)?;
        }
        self.connection.send_command(0, "createStream", transaction::CREATE_STREAM, &[Value::Null])?;
        self.stage = Stage::CreateStream;
        Ok(())
    }

    /// RTMP 1.0, 7.2.2.6.
    fn publish(&mut self, stream_id: u32) -> Result<(), Error> {
        let arguments = [Value::Null, self.stream_name(), Value::from("live")];
        self.connection.send_command(stream_id, "publish", transaction::PUBLISH, &arguments)?;
        self.stage = Stage::Publish;
        Ok(())
    }

    fn handle_error(&mut self, command: &Command) {
        let stage = match (self.stage, command.transaction) {
            (Stage::Connect, transaction) if transaction == transaction::CONNECT => Stage::Connect,
            (Stage::CreateStream, transaction) if transaction == transaction::CREATE_STREAM => {
                Stage::CreateStream
            }
            (Stage::Publish, transaction) if transaction == transaction::PUBLISH => Stage::Publish,
            // releaseStream and FCPublish are courtesies; servers that do not know them say so, and all is well.
            _ => return,
        };
        self.refuse(stage, Info::read(command.argument(0), Level::Error));
    }

    fn handle_status(&mut self, command: &Command) {
        let object = command.argument(0);
        let info = Info::read(object, Level::Status);
        if info.code == "NetConnection.Connect.ReconnectRequest" {
            let tc_url = object.and_then(|object| object.get("tcUrl")).and_then(Value::as_str);
            let tc_url = tc_url.map(|url| self.without_stream_name(url));
            let description = self.without_stream_name(&info.description);
            self.events.push_back(ClientEvent::ReconnectRequest { tc_url, description });
            return;
        }
        match (self.stage, info.level) {
            (Stage::Publish, _) if info.code == "NetStream.Publish.Start" => {
                self.stage = Stage::Live;
                let description = self.without_stream_name(&info.description);
                self.events.push_back(ClientEvent::Published { code: info.code, description });
            }
            (stage @ (Stage::Connect | Stage::CreateStream | Stage::Publish), Level::Error) => {
                self.refuse(stage, info);
            }
            _ => self.push_status(info),
        }
    }

    fn refuse(&mut self, stage: Stage, info: Info) {
        self.stage = Stage::Ended;
        let Info { code, description, .. } = self.without_secrets(info);
        self.events.push_back(ClientEvent::Refused { stage, code, description });
    }

    fn push_status(&mut self, info: Info) {
        let Info { level, code, description } = self.without_secrets(info);
        self.events.push_back(ClientEvent::Status { level, code, description });
    }

    fn without_secrets(&self, info: Info) -> Info {
        let Info { level, code, description } = info;
        Info {
            level,
            code: self.without_stream_name(&code),
            description: self.without_stream_name(&description),
        }
    }

    /// Servers like to repeat the name they were asked for, and here the name is the key. The key is taken out with
    /// and without its query.
    fn without_stream_name(&self, text: &str) -> String {
        let name = self.config.stream_name.expose();
        let key = name.split('?').next().unwrap_or_default();
        let mut text = String::from(text);
        for secret in [name, key] {
            if secret.len() >= MIN_SECRET_BYTES {
                text = text.replace(secret, "•••");
            }
        }
        text
    }
}

/// A message stream out of a float; 0 is the connection itself and cannot be published on.
fn stream_id(number: f64) -> Option<u32> {
    (1.0..=f64::from(u32::MAX)).contains(&number).then_some(number as u32)
}
