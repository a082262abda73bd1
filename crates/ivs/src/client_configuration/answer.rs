//! The answer: the ladder, where to send it and with which key, and what the person should be told.

use serde_json::{Value, json};
use units::{Kbps, Secret};

use super::json::{Node, Object, Surplus, UnknownValues, parse};
use super::{AnswerError, EncoderConfiguration, Message, SERVICE, SchemaVersion};
use crate::Protocol;

/// An answer of GetClientConfiguration.
///
/// Every top-level member may be missing, as OBS Studio takes it; inside of `meta` and of each track of sound every
/// member must be there (the API reference, ConfigurationMetadata and AudioTrackConfiguration).
#[derive(Clone, Debug, PartialEq)]
pub struct ClientConfiguration {
    /// The service, [`SERVICE`] as far as is known; empty when it did not say.
    pub service: String,
    /// The schema of the answer; empty when it did not say.
    pub schema_version: String,
    /// What this answer is called when a stream is published by it; empty when it did not say.
    pub config_id: String,
    /// How much of the encoders the service thinks this takes, in percent. Not documented; seen in answers.
    pub encode_resource_percent: Option<u32>,
    /// Whether the person may go on.
    pub status: Status,
    /// Where to send the stream; those with a protocol that we do not know are left out and reported.
    pub ingest_endpoints: Vec<Endpoint>,
    /// The renditions, in the order of their tracks.
    pub encoder_configurations: Vec<EncoderConfiguration>,
    /// The sound that viewers hear.
    pub live_audio: Vec<AudioConfiguration>,
    /// The sound of the recording; only when asked for.
    pub vod_audio: Vec<AudioConfiguration>,
    /// Paths of what the answer holds that means nothing to us; [`Self::to_json`] still writes it.
    pub unknown_fields: Vec<String>,
    /// The values at those paths.
    pub unknown_values: UnknownValues,
}

/// Whether the person may go on (the guide, "Handling Warnings and Errors").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// They may. The service says so by saying nothing.
    #[default]
    Success,
    /// They are told, and may go on or cancel.
    Warning(Message),
    /// They are told, and may not go on.
    Error(Message),
    /// The service said something that is not documented; they are told, and may go on or cancel.
    Unknown {
        /// What it called it, at most 40 characters.
        result: String,
        /// What it has to say.
        message: Message,
    },
}

/// A place that takes the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// How to speak to it.
    pub protocol: Protocol,
    /// Its URL with `{stream_key}` in the key's place.
    pub url_template: String,
    /// The key to publish with there, which carries the promised ladder. Valid for 48 hours (the guide, "Automatically
    /// Reconnecting"). Missing in refusals.
    pub authentication: Option<Secret>,
}

/// A track of sound (the API reference, AudioTrackConfiguration).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioConfiguration {
    /// Its code; `aac` is the only one documented.
    pub codec: String,
    /// Its number on the wire.
    pub track_id: u32,
    /// Its channels.
    pub channels: u32,
    /// Its bitrate.
    pub bitrate: Option<Kbps>,
}

impl Default for ClientConfiguration {
    /// An answer that grants nothing, in the default schema.
    fn default() -> Self {
        Self {
            service: SERVICE.into(),
            schema_version: SchemaVersion::default().name().into(),
            config_id: String::new(),
            encode_resource_percent: None,
            status: Status::Success,
            ingest_endpoints: Vec::new(),
            encoder_configurations: Vec::new(),
            live_audio: Vec::new(),
            vod_audio: Vec::new(),
            unknown_fields: Vec::new(),
            unknown_values: UnknownValues::default(),
        }
    }
}

impl ClientConfiguration {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`AnswerError`] with the path of what is wrong. A refusal is no error here; it is in [`Self::status`].
    pub fn parse(body: &[u8]) -> Result<Self, AnswerError> {
        let value = parse(body)?;
        let mut surplus = Surplus::default();
        let mut top = Node::root(&value).object()?;
        let mut configuration =
            Self { service: String::new(), schema_version: String::new(), ..Self::default() };
        if let Some(meta) = top.may("meta") {
            configuration.read_meta(&meta, &mut surplus)?;
        }
        if let Some(status) = top.may("status") {
            configuration.status = Status::read(&status, &mut surplus)?;
        }
        for endpoint in top.list("ingest_endpoints")? {
            configuration.ingest_endpoints.extend(Endpoint::read(&endpoint, &mut surplus)?);
        }
        for rendition in top.list("encoder_configurations")? {
            configuration.encoder_configurations.push(EncoderConfiguration::read(&rendition, &mut surplus)?);
        }
        if let Some(audio) = top.may("audio_configurations") {
            let mut audio = audio.object()?;
            configuration.live_audio = read_audio(&mut audio, "live", &mut surplus)?;
            configuration.vod_audio = read_audio(&mut audio, "vod", &mut surplus)?;
            audio.report_rest(&mut surplus);
        }
        top.report_rest(&mut surplus);
        configuration.unknown_fields = surplus.paths;
        configuration.unknown_values = surplus.values;
        Ok(configuration)
    }

    fn read_meta(&mut self, meta: &Node<'_>, surplus: &mut Surplus) -> Result<(), AnswerError> {
        let mut meta = meta.object()?;
        self.service = meta.must("service")?.text()?.into();
        self.schema_version = meta.must("schema_version")?.text()?.into();
        self.config_id = meta.must("config_id")?.text()?.into();
        if let Some(percent) = meta.may("required_encode_resource_estimate_percent") {
            match percent.whole() {
                Ok(percent) => self.encode_resource_percent = Some(percent),
                // Undocumented, and nothing depends on it.
                Err(_) => percent.report(surplus),
            }
        }
        meta.report_rest(surplus);
        Ok(())
    }

    /// Bitrate of all renditions and all live sound together.
    pub fn total_bitrate(&self) -> Kbps {
        let video = self.encoder_configurations.iter().filter_map(EncoderConfiguration::bitrate);
        video.chain(self.live_audio.iter().chain(&self.vod_audio).filter_map(|audio| audio.bitrate)).sum()
    }

    /// The first endpoint that speaks `protocol`.
    pub fn endpoint(&self, protocol: Protocol) -> Option<&Endpoint> {
        self.ingest_endpoints.iter().find(|endpoint| endpoint.protocol == protocol)
    }

    /// The answer as JSON, what was unknown in it included. Secret because the keys are in it.
    pub fn to_json(&self) -> Secret {
        let mut meta = json!({
            "service": self.service,
            "schema_version": self.schema_version,
            "config_id": self.config_id,
        });
        if let (Value::Object(meta), Some(percent)) = (&mut meta, self.encode_resource_percent) {
            meta.insert("required_encode_resource_estimate_percent".into(), percent.into());
        }
        let mut audio = json!({ "live": values(&self.live_audio, AudioConfiguration::to_value) });
        if let (Value::Object(audio), false) = (&mut audio, self.vod_audio.is_empty()) {
            audio.insert("vod".into(), values(&self.vod_audio, AudioConfiguration::to_value));
        }
        let mut answer = json!({
            "meta": meta,
            "ingest_endpoints": values(&self.ingest_endpoints, Endpoint::to_value),
            "encoder_configurations": values(&self.encoder_configurations, EncoderConfiguration::to_value),
            "audio_configurations": audio,
        });
        if let (Value::Object(answer), Some(status)) = (&mut answer, self.status.to_value()) {
            answer.insert("status".into(), status);
        }
        self.unknown_values.restore(&mut answer);
        Secret::new(answer.to_string())
    }
}

fn values<T>(parts: &[T], to_value: impl Fn(&T) -> Value) -> Value {
    Value::Array(parts.iter().map(to_value).collect())
}

fn read_audio(
    audio: &mut Object<'_>,
    name: &'static str,
    surplus: &mut Surplus,
) -> Result<Vec<AudioConfiguration>, AnswerError> {
    audio.list(name)?.iter().map(|track| AudioConfiguration::read(track, surplus)).collect()
}

impl Status {
    fn read(node: &Node<'_>, surplus: &mut Surplus) -> Result<Self, AnswerError> {
        let mut status = node.object()?;
        let result = status.may("result").map(|result| result.text().map(String::from)).transpose()?;
        let html = status.may("html_en_us").map(|html| html.text()).transpose()?.unwrap_or_default();
        status.report_rest(surplus);
        let message = Message::from_html(html);
        Ok(match result.unwrap_or_default().as_str() {
            "success" => Self::Success,
            "warning" => Self::Warning(message),
            "error" => Self::Error(message),
            other => Self::Unknown { result: other.chars().take(40).collect(), message },
        })
    }

    /// What to tell the person, if anything.
    pub const fn message(&self) -> Option<&Message> {
        match self {
            Self::Success => None,
            Self::Warning(message) | Self::Error(message) | Self::Unknown { message, .. } => Some(message),
        }
    }

    fn to_value(&self) -> Option<Value> {
        let (result, message) = match self {
            Self::Success => return None,
            Self::Warning(message) => ("warning", message),
            Self::Error(message) => ("error", message),
            Self::Unknown { result, message } => (result.as_str(), message),
        };
        Some(json!({ "result": result, "html_en_us": message.html() }))
    }
}

impl Endpoint {
    fn read(node: &Node<'_>, surplus: &mut Surplus) -> Result<Option<Self>, AnswerError> {
        let mut endpoint = node.object()?;
        let spelled = endpoint.must("protocol")?;
        let name = spelled.text()?;
        let protocol =
            Protocol::ALL.into_iter().find(|protocol| protocol.scheme().eq_ignore_ascii_case(name));
        let url_template = endpoint.must("url_template")?.text()?.into();
        let authentication =
            endpoint.may("authentication").map(|key| key.text().map(Secret::new)).transpose()?;
        let Some(protocol) = protocol else {
            surplus.paths.push(spelled.describe());
            return Ok(None);
        };
        endpoint.report_rest(surplus);
        Ok(Some(Self { protocol, url_template, authentication }))
    }

    fn to_value(&self) -> Value {
        let mut endpoint = json!({
            "protocol": self.protocol.scheme().to_ascii_uppercase(),
            "url_template": self.url_template,
        });
        if let (Value::Object(endpoint), Some(key)) = (&mut endpoint, &self.authentication) {
            endpoint.insert("authentication".into(), key.expose().into());
        }
        endpoint
    }
}

impl AudioConfiguration {
    fn read(node: &Node<'_>, surplus: &mut Surplus) -> Result<Self, AnswerError> {
        let mut track = node.object()?;
        let codec = track.must("codec")?.text()?.into();
        let track_id = track.must("track_id")?.whole()?;
        let channels = track.must("channels")?.whole()?;
        let mut settings = track.must("settings")?.object()?;
        let bitrate = settings.may("bitrate").map(|bitrate| bitrate.whole().map(Kbps)).transpose()?;
        settings.report_rest(surplus);
        track.report_rest(surplus);
        Ok(Self { codec, track_id, channels, bitrate })
    }

    fn to_value(&self) -> Value {
        let settings = self.bitrate.map_or_else(|| json!({}), |bitrate| json!({ "bitrate": bitrate.0 }));
        json!({
            "codec": self.codec,
            "track_id": self.track_id,
            "channels": self.channels,
            "settings": settings,
        })
    }
}
