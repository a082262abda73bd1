//! The server half: lets a publisher in, or not, step by step.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use units::Secret;

use crate::amf0::{Properties, Value, properties};
use crate::capabilities::Capabilities;
use crate::chunk::{Limits, MAX_MESSAGE_BYTES, Message};
use crate::connection::{Connection, DEFAULT_WINDOW_BYTES, Incoming};
use crate::error::Error;
use crate::handshake::{RANDOM_BYTES, Role};
use crate::message::{Command, UserControl, decode_data, type_id};
use crate::status::{Level, info};
use crate::{Layer, MediaKind};

/// Message streams that one client may create. Publishers create one.
const MAX_STREAMS: u32 = 16;

/// Bytes that may wait behind a verdict that is pending: what a client may send ahead without waiting for answers.
const MAX_BYTES_BEHIND_VERDICT: usize = 4 << 20;

/// How the server presents itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// Bytes after which the client shall acknowledge, at least 1.
    pub window_bytes: u32,
    /// Payload bytes per chunk that we write, 1 to 16777215.
    pub chunk_bytes: u32,
    /// Longest message that is accepted, in bytes.
    pub max_message_bytes: u32,
    /// Name and version to give to the client, as `fmsVer`.
    pub version: String,
    /// Enhanced RTMP capabilities to state.
    pub capabilities: Capabilities,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            window_bytes: DEFAULT_WINDOW_BYTES,
            chunk_bytes: 4096,
            max_message_bytes: MAX_MESSAGE_BYTES,
            version: String::from("FMS/3,0,1,123"),
            capabilities: Capabilities::ingest(),
        }
    }
}

/// What a client asks for in `connect`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectRequest {
    /// The application.
    pub app: String,
    /// The address that the client was given; empty when it does not say.
    pub tc_url: String,
    /// Name and version of the client; empty when it does not say.
    pub flash_ver: String,
    /// Its Enhanced RTMP capabilities.
    pub capabilities: Capabilities,
    /// The command object as it came.
    pub object: Value,
}

/// What the client did. Stream names are secrets: on IVS they are the stream key.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// The peer speaks RTMP.
    HandshakeDone,
    /// Answer with [`ServerSession::accept_connect`] or [`ServerSession::refuse_connect`]; nothing that the client sent
    /// after this is looked at before.
    Connect(ConnectRequest),
    /// The client asks to free a name that an earlier connection of its may hold. Was answered.
    ReleaseStream {
        /// The name.
        stream_name: Secret,
    },
    /// The client announces that it will publish. Was answered.
    FcPublish {
        /// The name.
        stream_name: Secret,
    },
    /// A message stream was created. Was answered.
    CreateStream {
        /// Its number.
        stream_id: u32,
    },
    /// Answer with [`ServerSession::accept_publish`] or [`ServerSession::refuse_publish`]; nothing that the client sent
    /// after this is looked at before.
    Publish {
        /// The name.
        stream_name: Secret,
        /// `live`, `record` or `append`; empty when the client does not say.
        kind: String,
    },
    /// `onMetaData`, mostly by way of `@setDataFrame`.
    Metadata {
        /// Milliseconds, wrapping.
        timestamp_ms: u32,
        /// Mostly an ECMA array.
        value: Value,
    },
    /// Any other data message, such as timed metadata.
    Data {
        /// Milliseconds, wrapping.
        timestamp_ms: u32,
        /// The handler's name, then its arguments.
        values: Vec<Value>,
    },
    /// Sound or pictures.
    Media {
        /// Which.
        kind: MediaKind,
        /// Milliseconds, wrapping; see [`crate::flv::TimestampUnwrapper`].
        timestamp_ms: u32,
        /// Body of an FLV tag, see [`crate::flv::VideoTag`] and [`crate::flv::AudioTag`].
        body: Vec<u8>,
    },
    /// The client means to end the stream. Was answered.
    FcUnpublish {
        /// The name.
        stream_name: Secret,
    },
    /// The client ended the stream by `deleteStream` or `closeStream`.
    DeleteStream {
        /// Its number.
        stream_id: u32,
    },
    /// A command that a publisher does not need. Was not answered.
    OtherCommand {
        /// Its name.
        name: String,
    },
    /// The client has received this many bytes in total.
    Acknowledged {
        /// The total.
        bytes: u64,
    },
    /// The client asked for a sign of life and got it.
    PingAnswered,
    /// The client answered [`ServerSession::ping`].
    Pong {
        /// The number that was sent with the ping.
        timestamp_ms: u32,
    },
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    AwaitingConnect,
    ConnectVerdict {
        transaction: f64,
    },
    Connected,
    PublishVerdict {
        stream_id: u32,
    },
    Publishing {
        stream_id: u32,
    },
    /// Refused or kicked: what still comes is not looked at.
    Turned,
}

/// The server's end of one connection.
pub struct ServerSession {
    config: ServerConfig,
    connection: Connection,
    state: State,
    streams: u32,
    client: Capabilities,
    events: VecDeque<ServerEvent>,
}

impl ServerSession {
    /// A session at its start. `random` need not be secret (RTMP 1.0, 5.2.3).
    pub fn new(config: ServerConfig, random: &[u8; RANDOM_BYTES]) -> Self {
        let limits = Limits { message_bytes: config.max_message_bytes, ..Limits::default() };
        Self {
            config,
            connection: Connection::new(Role::Server, random, limits),
            state: State::AwaitingConnect,
            streams: 0,
            client: Capabilities::default(),
            events: VecDeque::new(),
        }
    }

    /// Takes bytes from the client in, in pieces of any size. Then drain [`Self::poll_event`] and
    /// [`Self::poll_output`].
    ///
    /// # Errors
    /// Any but [`Error::Misused`] for what the client did wrong; the session is over then. Events that came before the
    /// error can still be polled.
    pub fn handle_input(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.state == State::Turned {
            return Ok(());
        }
        self.connection.receive(bytes)?;
        if self.is_verdict_pending() && self.connection.unread_bytes() > MAX_BYTES_BEHIND_VERDICT {
            let limit = MAX_BYTES_BEHIND_VERDICT as u64;
            return Err(Error::TooLarge { what: "input that waits for a verdict", limit });
        }
        self.handle_received()
    }

    /// Bytes to write, in order; `None` when there are none. Everything that is pending comes in one piece.
    pub fn poll_output(&mut self) -> Option<Vec<u8>> {
        self.connection.poll_output()
    }

    /// The next event; `None` when there is none.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        self.events.pop_front()
    }

    /// Whether a stream was accepted and not ended yet.
    pub const fn is_publishing(&self) -> bool {
        matches!(self.state, State::Publishing { .. })
    }

    /// What the client said in `connect` about Enhanced RTMP.
    pub const fn client_capabilities(&self) -> &Capabilities {
        &self.client
    }

    /// Bytes that came from the client.
    pub const fn received_bytes(&self) -> u64 {
        self.connection.received_bytes()
    }

    /// Bytes that [`Self::poll_output`] gave out.
    pub const fn sent_bytes(&self) -> u64 {
        self.connection.sent_bytes()
    }

    /// Lets the client into the application (RTMP 1.0, 7.2.1.1), and goes on with what it has sent since.
    ///
    /// # Errors
    /// [`Error::Misused`] when no [`ServerEvent::Connect`] is pending; otherwise as [`Self::handle_input`].
    pub fn accept_connect(&mut self) -> Result<(), Error> {
        let transaction = self.connect_transaction()?;
        let window = self.config.window_bytes.max(1);
        self.connection.send_control(type_id::WINDOW_ACK_SIZE, window.to_be_bytes().to_vec())?;
        let mut bandwidth = window.to_be_bytes().to_vec();
        bandwidth.push(PEER_BANDWIDTH_DYNAMIC);
        self.connection.send_control(type_id::SET_PEER_BANDWIDTH, bandwidth)?;
        self.connection.set_chunk_bytes(self.config.chunk_bytes)?;
        let mut server = properties([
            ("fmsVer", Value::from(self.config.version.as_str())),
            ("capabilities", Value::from(31.0)),
        ]);
        self.config.capabilities.write(&mut server);
        let mut answer = info(Level::Status, "NetConnection.Connect.Success", "Connection succeeded.");
        answer.push((String::from("objectEncoding"), Value::from(0.0)));
        let values = [Value::Object(server), Value::Object(answer)];
        self.connection.send_command(0, "_result", transaction, &values)?;
        self.state = State::Connected;
        self.handle_received()
    }

    /// Turns the client away from the application; close the connection once the output is written. `code` is such as
    /// `NetConnection.Connect.Rejected`.
    ///
    /// # Errors
    /// [`Error::Misused`] when no [`ServerEvent::Connect`] is pending.
    pub fn refuse_connect(&mut self, code: &str, description: &str) -> Result<(), Error> {
        let transaction = self.connect_transaction()?;
        self.state = State::Turned;
        let values = [Value::Null, Value::Object(info(Level::Error, code, description))];
        self.connection.send_command(0, "_error", transaction, &values)
    }

    /// Lets the client publish: Stream Begin, then `NetStream.Publish.Start` (RTMP 1.0, 7.2.2.6). Goes on with what the
    /// client has sent since.
    ///
    /// # Errors
    /// [`Error::Misused`] when no [`ServerEvent::Publish`] is pending; otherwise as [`Self::handle_input`].
    pub fn accept_publish(&mut self) -> Result<(), Error> {
        let stream_id = self.publish_stream()?;
        self.connection.send_user_control(UserControl::StreamBegin { stream_id })?;
        self.state = State::Publishing { stream_id };
        self.status(Level::Status, "NetStream.Publish.Start", "Publishing has started.")?;
        self.handle_received()
    }

    /// Does not let the client publish; close the connection once the output is written. `code` is such as
    /// `NetStream.Publish.BadName`.
    ///
    /// # Errors
    /// [`Error::Misused`] when no [`ServerEvent::Publish`] is pending.
    pub fn refuse_publish(&mut self, code: &str, description: &str) -> Result<(), Error> {
        let stream_id = self.publish_stream()?;
        self.state = State::Turned;
        self.send_status(stream_id, info(Level::Error, code, description))
    }

    /// Sends `onStatus`, on the stream that is being published or else on the connection.
    ///
    /// # Errors
    /// [`Error::Misused`] for texts that cannot be encoded.
    pub fn status(&mut self, level: Level, code: &str, description: &str) -> Result<(), Error> {
        let stream_id = match self.state {
            State::Publishing { stream_id } | State::PublishVerdict { stream_id } => stream_id,
            _ => 0,
        };
        self.send_status(stream_id, info(level, code, description))
    }

    /// Throws the client out: an `onStatus` of level error, after which nothing of the client is looked at. Close the
    /// connection once the output is written.
    ///
    /// # Errors
    /// As [`Self::status`].
    pub fn kick(&mut self, code: &str, description: &str) -> Result<(), Error> {
        self.status(Level::Error, code, description)?;
        self.state = State::Turned;
        Ok(())
    }

    /// Asks the client to move to `tc_url`, or to connect to the same address anew (E-RTMP v2, "Reconnect Request").
    ///
    /// # Errors
    /// [`Error::Misused`] when the client did not say that it understands this.
    pub fn request_reconnect(&mut self, tc_url: Option<&str>, description: &str) -> Result<(), Error> {
        if !self.client.has(Capabilities::RECONNECT) {
            return Err(Error::Misused { reason: "a reconnect request to a client that does not know it" });
        }
        let mut object = properties([
            ("level", Value::from("status")),
            ("code", Value::from("NetConnection.Connect.ReconnectRequest")),
            ("description", Value::from(description)),
        ]);
        if let Some(tc_url) = tc_url {
            object.push((String::from("tcUrl"), Value::from(tc_url)));
        }
        self.send_status(0, object)
    }

    /// Asks the client for a sign of life; it comes back as [`ServerEvent::Pong`] with the same number.
    ///
    /// # Errors
    /// None in practice; the type is that of everything that encodes.
    pub fn ping(&mut self, timestamp_ms: u32) -> Result<(), Error> {
        self.connection.send_user_control(UserControl::PingRequest { timestamp_ms })
    }

    /// Announces and uses another chunk size.
    ///
    /// # Errors
    /// [`Error::Misused`] outside of 1 to 16777215.
    pub fn set_chunk_bytes(&mut self, chunk_bytes: u32) -> Result<(), Error> {
        self.connection.set_chunk_bytes(chunk_bytes)
    }

    const fn is_verdict_pending(&self) -> bool {
        matches!(self.state, State::ConnectVerdict { .. } | State::PublishVerdict { .. })
    }

    const fn connect_transaction(&self) -> Result<f64, Error> {
        match self.state {
            State::ConnectVerdict { transaction } => Ok(transaction),
            _ => Err(Error::Misused { reason: "a verdict on connect that nobody asked for" }),
        }
    }

    const fn publish_stream(&self) -> Result<u32, Error> {
        match self.state {
            State::PublishVerdict { stream_id } => Ok(stream_id),
            _ => Err(Error::Misused { reason: "a verdict on publish that nobody asked for" }),
        }
    }

    fn send_status(&mut self, stream_id: u32, info: Properties) -> Result<(), Error> {
        // Transaction 0: no answer is expected (RTMP 1.0, 7.2.2).
        self.connection.send_command(stream_id, "onStatus", 0.0, &[Value::Null, Value::Object(info)])
    }

    fn handle_received(&mut self) -> Result<(), Error> {
        while !self.is_verdict_pending() && self.state != State::Turned {
            let Some(incoming) = self.connection.next()? else {
                return Ok(());
            };
            match incoming {
                Incoming::HandshakeDone => self.events.push_back(ServerEvent::HandshakeDone),
                Incoming::Message(message) => self.handle_message(message)?,
                Incoming::Acknowledged(bytes) => self.events.push_back(ServerEvent::Acknowledged { bytes }),
                Incoming::PingAnswered => self.events.push_back(ServerEvent::PingAnswered),
                Incoming::Pong { timestamp_ms } => self.events.push_back(ServerEvent::Pong { timestamp_ms }),
            }
        }
        Ok(())
    }

    fn handle_message(&mut self, message: Message) -> Result<(), Error> {
        let kind = match message.type_id {
            type_id::COMMAND_AMF0 | type_id::COMMAND_AMF3 => {
                let command = Command::decode(message.type_id, &message.payload)?;
                return self.handle_command(&command, message.stream_id);
            }
            type_id::DATA_AMF0 | type_id::DATA_AMF3 => return self.handle_data(&message),
            type_id::AUDIO => MediaKind::Audio,
            type_id::VIDEO => MediaKind::Video,
            type_id::AGGREGATE => {
                return Err(Error::Incompatible { reason: "aggregate messages" });
            }
            // Shared objects and whatever may have been added since.
            _ => return Ok(()),
        };
        self.check_published(message.stream_id)?;
        let Message { timestamp_ms, payload: body, .. } = message;
        self.events.push_back(ServerEvent::Media { kind, timestamp_ms, body });
        Ok(())
    }

    fn check_published(&self, stream_id: u32) -> Result<(), Error> {
        match self.state {
            State::Publishing { stream_id: published } if published == stream_id => Ok(()),
            _ => Err(Error::Misbehaved { reason: "media came on a stream that is not published" }),
        }
    }

    fn handle_data(&mut self, message: &Message) -> Result<(), Error> {
        self.check_published(message.stream_id)?;
        let timestamp_ms = message.timestamp_ms;
        let mut values = decode_data(message.type_id, &message.payload)?;
        if values.first().and_then(Value::as_str) == Some("@setDataFrame") {
            values.remove(0);
        }
        if values.len() >= 2 && values.first().and_then(Value::as_str) == Some("onMetaData") {
            let value = values.swap_remove(1);
            self.events.push_back(ServerEvent::Metadata { timestamp_ms, value });
        } else {
            self.events.push_back(ServerEvent::Data { timestamp_ms, values });
        }
        Ok(())
    }

    fn handle_command(&mut self, command: &Command, stream_id: u32) -> Result<(), Error> {
        if self.state == State::AwaitingConnect && command.name != "connect" {
            return Err(Error::Misbehaved { reason: "a command came before connect" });
        }
        match command.name.as_str() {
            "connect" => self.handle_connect(command),
            "releaseStream" => {
                let stream_name = stream_name(command)?;
                let values = [Value::Null, Value::Undefined];
                self.connection.send_command(0, "_result", command.transaction, &values)?;
                self.events.push_back(ServerEvent::ReleaseStream { stream_name });
                Ok(())
            }
            "FCPublish" => {
                let stream_name = stream_name(command)?;
                let info = info(Level::Status, "NetStream.Publish.Start", "The stream may be published.");
                self.connection.send_command(0, "onFCPublish", 0.0, &[Value::Null, Value::Object(info)])?;
                self.events.push_back(ServerEvent::FcPublish { stream_name });
                Ok(())
            }
            "createStream" => self.handle_create_stream(command),
            "publish" => self.handle_publish(command, stream_id),
            "FCUnpublish" => {
                let stream_name = stream_name(command)?;
                let info = info(Level::Status, "NetStream.Unpublish.Success", "The stream has ended.");
                self.connection.send_command(0, "onFCUnpublish", 0.0, &[Value::Null, Value::Object(info)])?;
                self.events.push_back(ServerEvent::FcUnpublish { stream_name });
                Ok(())
            }
            // The stream is an argument of the one (RTMP 1.0, 7.2.2.3) and the message stream of the other.
            "deleteStream" => {
                let number = command.argument(0).and_then(Value::as_number).unwrap_or_default();
                self.end_stream(number as u32);
                Ok(())
            }
            "closeStream" => {
                self.end_stream(stream_id);
                Ok(())
            }
            name => {
                self.events.push_back(ServerEvent::OtherCommand { name: String::from(name) });
                Ok(())
            }
        }
    }

    fn handle_connect(&mut self, command: &Command) -> Result<(), Error> {
        if self.state != State::AwaitingConnect {
            return Err(Error::Misbehaved { reason: "connect came twice" });
        }
        let object = command
            .object()
            .filter(|object| object.properties().is_some())
            .ok_or(Error::malformed(Layer::Command, "connect without a command object"))?;
        let text = |name| String::from(object.get(name).and_then(Value::as_str).unwrap_or_default());
        let capabilities = Capabilities::read(object);
        self.client = capabilities.clone();
        self.state = State::ConnectVerdict { transaction: command.transaction };
        self.events.push_back(ServerEvent::Connect(ConnectRequest {
            app: text("app"),
            tc_url: text("tcUrl"),
            flash_ver: text("flashVer"),
            capabilities,
            object: object.clone(),
        }));
        Ok(())
    }

    fn handle_create_stream(&mut self, command: &Command) -> Result<(), Error> {
        if self.streams >= MAX_STREAMS {
            return Err(Error::TooLarge { what: "message streams", limit: u64::from(MAX_STREAMS) });
        }
        self.streams += 1;
        let stream_id = self.streams;
        let values = [Value::Null, Value::from(f64::from(stream_id))];
        self.connection.send_command(0, "_result", command.transaction, &values)?;
        self.events.push_back(ServerEvent::CreateStream { stream_id });
        Ok(())
    }

    fn handle_publish(&mut self, command: &Command, stream_id: u32) -> Result<(), Error> {
        if self.state != State::Connected {
            return Err(Error::Misbehaved { reason: "publish came while a stream was published" });
        }
        if stream_id == 0 || stream_id > self.streams {
            return Err(Error::Misbehaved { reason: "publish came on a stream that was not created" });
        }
        let stream_name = stream_name(command)?;
        let kind = String::from(command.argument(1).and_then(Value::as_str).unwrap_or_default());
        self.state = State::PublishVerdict { stream_id };
        self.events.push_back(ServerEvent::Publish { stream_name, kind });
        Ok(())
    }

    fn end_stream(&mut self, stream_id: u32) {
        if self.state == (State::Publishing { stream_id }) {
            self.state = State::Connected;
            self.events.push_back(ServerEvent::DeleteStream { stream_id });
        }
    }
}

/// Limit type of Set Peer Bandwidth (RTMP 1.0, 5.4.5).
const PEER_BANDWIDTH_DYNAMIC: u8 = 2;

fn stream_name(command: &Command) -> Result<Secret, Error> {
    let name = command.argument(0).and_then(Value::as_str);
    name.map(Secret::new).ok_or(Error::malformed(Layer::Command, "a command without a stream name"))
}
