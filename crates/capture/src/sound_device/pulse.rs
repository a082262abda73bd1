//! PulseAudio, which PipeWire speaks too. Desktop sound is the monitor that the server keeps for every output.
//!
//! Streams are opened with `no_move`: a server that loses a device otherwise moves its streams to another one without
//! a word. And the server may hold as much as it likes while pieces stay short: with a buffer of just one piece, as
//! cpal's PulseAudio host asks for, sound was lost several times a second on a loaded computer.

use std::ffi::{CStr, CString};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pollster::block_on;
use pulseaudio::protocol::stream::{BufferAttr, StreamFlags};
use pulseaudio::protocol::{ChannelMap, RecordStreamParams, SampleFormat, SampleSpec, SinkInfo, SourceInfo};
use pulseaudio::{Client, ClientError};
use units::{Clock, SAMPLE_RATE_HZ};

use super::Wanted;
use super::catalog::{Listed, not_among};
use super::intake::{self, Trouble};
use super::system::{Opened, Playing};
use crate::Error;

/// How long a server may take to answer the first time.
const GREETING: Duration = Duration::from_secs(2);
/// Length of one piece of sound: 20 ms.
const PIECE_FRAMES: u32 = SAMPLE_RATE_HZ / 50;
const BYTES_PER_SAMPLE: u32 = 4;

/// A connection to the sound server. There is one for the whole process, because the thread that keeps a connection
/// lives until the server goes away.
pub(super) struct Pulse {
    client: Client,
}

fn shared() -> &'static Mutex<Option<Client>> {
    static CLIENT: Mutex<Option<Client>> = Mutex::new(None);
    &CLIENT
}

#[expect(clippy::needless_pass_by_value, reason = "so that it can be given to map_err")]
fn failed(problem: ClientError) -> Error {
    Error::Device(format!("the sound server does not answer: {problem}"))
}

fn text(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}

/// What a person calls a device: its description, or its name where it has none.
fn called(name: &CStr, description: Option<&CString>) -> String {
    text(description.map_or(name, CString::as_c_str))
}

impl Pulse {
    /// Connects to the server of this session; `None` where none runs.
    pub(super) fn connect() -> Result<Option<Self>, Error> {
        let mut shared = shared().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = shared.as_ref() {
            // A client whose server went away answers nothing ever again.
            if block_on(client.server_info()).is_ok() {
                return Ok(Some(Self { client: client.clone() }));
            }
            *shared = None;
        }
        if pulseaudio::socket_path_from_env().is_none() {
            return Ok(None);
        }
        // The greeting waits for the server without a limit, so it waits in a thread of its own.
        let (answer, answered) = crossbeam_channel::bounded(1);
        std::thread::Builder::new().name("sound server greeting".into()).spawn(move || {
            // Nobody listens any more when the server took too long.
            let _ = answer.send(Client::from_env(c"Genlock"));
        })?;
        match answered.recv_timeout(GREETING) {
            Ok(Ok(client)) => {
                *shared = Some(client.clone());
                Ok(Some(Self { client }))
            }
            // A socket that nobody serves is left over from a server that ended.
            Ok(Err(ClientError::Io(problem))) if problem.kind() == std::io::ErrorKind::ConnectionRefused => {
                Ok(None)
            }
            Ok(Err(problem)) => Err(failed(problem)),
            Err(_) => Err(Error::Device("the sound server does not answer".into())),
        }
    }

    fn sources(&self) -> Result<Vec<SourceInfo>, Error> {
        block_on(self.client.list_sources()).map_err(failed)
    }

    fn sinks(&self) -> Result<Vec<SinkInfo>, Error> {
        block_on(self.client.list_sinks()).map_err(failed)
    }

    /// The source to record: the pinned one, the wanted input, or the monitor of the wanted output.
    fn find(&self, wanted: &Wanted, pinned: Option<&str>) -> Result<SourceInfo, Error> {
        let sources = self.sources()?;
        let index = match (pinned, wanted) {
            (Some(id), _) => {
                sources.iter().find(|source| text(&source.name) == id).map(|source| source.index)
            }
            (None, Wanted::Input(Some(name))) => {
                let inputs = || sources.iter().filter(|source| source.monitor_of_sink_index.is_none());
                let is_meant = |source: &&SourceInfo| {
                    called(&source.name, source.description.as_ref()) == *name || text(&source.name) == *name
                };
                let known: Vec<String> =
                    inputs().map(|source| called(&source.name, source.description.as_ref())).collect();
                let unknown = || not_among("sound input", known.iter().map(String::as_str));
                Some(inputs().find(is_meant).ok_or_else(unknown)?.index)
            }
            (None, Wanted::Input(None)) => {
                let default = block_on(self.client.server_info()).map_err(failed)?.default_source_name;
                // A server without microphones takes the monitor of an output for its default input.
                sources
                    .iter()
                    .find(|source| {
                        Some(&source.name) == default.as_ref() && source.monitor_of_sink_index.is_none()
                    })
                    .or_else(|| sources.iter().find(|source| source.monitor_of_sink_index.is_none()))
                    .map(|source| source.index)
            }
            (None, Wanted::Desktop(name)) => {
                let sinks = self.sinks()?;
                let sink = match name {
                    Some(name) => {
                        let is_meant = |sink: &&SinkInfo| {
                            called(&sink.name, sink.description.as_ref()) == *name
                                || text(&sink.name) == *name
                        };
                        let known: Vec<String> =
                            sinks.iter().map(|sink| called(&sink.name, sink.description.as_ref())).collect();
                        let unknown = || not_among("sound output", known.iter().map(String::as_str));
                        Some(sinks.iter().find(is_meant).ok_or_else(unknown)?.index)
                    }
                    None => {
                        let default = block_on(self.client.server_info()).map_err(failed)?.default_sink_name;
                        sinks.iter().find(|sink| Some(&sink.name) == default.as_ref()).map(|sink| sink.index)
                    }
                };
                sources
                    .iter()
                    .find(|source| sink.is_some() && source.monitor_of_sink_index == sink)
                    .map(|source| source.index)
            }
        };
        let absent = || Error::Device("it is not connected".into());
        let index = index.ok_or_else(absent)?;
        sources.into_iter().find(|source| source.index == index).ok_or_else(absent)
    }

    pub(super) fn listen_to(
        &self,
        wanted: &Wanted,
        pinned: Option<&str>,
        clock: Arc<dyn Clock>,
        trouble: &Arc<Trouble>,
    ) -> Result<Opened, Error> {
        let source = self.find(wanted, pinned)?;
        let name = called(&source.name, source.description.as_ref());
        // The server converts anything, so it is asked for what the mixer wants.
        let channels = if source.channel_map.num_channels() == 1 { 1u8 } else { 2 };
        let (mut intake, outtake) =
            intake::ring(SAMPLE_RATE_HZ, u16::from(channels), clock, Arc::clone(trouble));
        let params = RecordStreamParams {
            sample_spec: SampleSpec {
                format: if cfg!(target_endian = "little") {
                    SampleFormat::Float32Le
                } else {
                    SampleFormat::Float32Be
                },
                channels,
                sample_rate: SAMPLE_RATE_HZ,
            },
            channel_map: if channels == 1 { ChannelMap::mono() } else { ChannelMap::stereo() },
            source_index: Some(source.index),
            buffer_attr: BufferAttr {
                fragment_size: PIECE_FRAMES * u32::from(channels) * BYTES_PER_SAMPLE,
                ..BufferAttr::default()
            },
            flags: StreamFlags { no_move: true, adjust_latency: true, ..StreamFlags::default() },
            ..RecordStreamParams::default()
        };
        let frame_bytes = u64::from(channels) * u64::from(BYTES_PER_SAMPLE);
        let take = move |bytes: &[u8]| {
            // What arrives was recorded until just now, so its first sample is as old as it is long.
            let frames = bytes.len() as u64 / frame_bytes;
            intake.take_floats(bytes, units::span_from_samples(frames).to_duration());
        };
        let playing = block_on(self.client.create_record_stream(params, take))
            .map_err(|problem| Error::Device(format!("{name}: {problem}")))?;
        Ok(Opened {
            id: text(&source.name),
            name,
            rate_hz: SAMPLE_RATE_HZ,
            channels: u16::from(channels),
            outtake,
            playing: Playing::Pulse(playing),
        })
    }

    pub(super) fn is_present(&self, id: &str) -> bool {
        self.sources().is_ok_and(|sources| sources.iter().any(|source| text(&source.name) == id))
    }

    pub(super) fn list(&self) -> Result<(Vec<Listed>, Vec<Listed>), Error> {
        let server = block_on(self.client.server_info()).map_err(failed)?;
        let listed = |name: &CString, description: Option<&CString>, default: Option<&CString>| {
            let mark = if Some(name) == default { ", default" } else { "" };
            (called(name, description), format!("PulseAudio{mark}"))
        };
        let inputs = self.sources()?;
        let inputs = inputs
            .iter()
            .filter(|source| source.monitor_of_sink_index.is_none())
            .map(|s| listed(&s.name, s.description.as_ref(), server.default_source_name.as_ref()))
            .collect();
        let outputs = self.sinks()?;
        let outputs = outputs
            .iter()
            .map(|s| listed(&s.name, s.description.as_ref(), server.default_sink_name.as_ref()))
            .collect();
        Ok((inputs, outputs))
    }
}
