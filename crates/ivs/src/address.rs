//! Where to stream to: the URL forms of the guide, with everything secret split off.

mod parse;
mod percent;
mod srt;

use core::fmt;

use serde::{Deserialize, Serialize};
use units::Secret;

pub use srt::SrtTarget;
pub(crate) use srt::{SRT_PASSPHRASE_BYTES, SRT_STREAM_ID_BYTES};

use crate::Error;
use crate::limits::MAX_PRIORITY;

/// How a stream travels to the ingest (the guide, "Stream Ingest: Codecs and Ingest Protocols").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// RTMP without encryption, for channels that allow insecure ingest.
    Rtmp,
    /// RTMP over TLS 1.2 or later.
    Rtmps,
    /// Secure Reliable Transport.
    Srt,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rtmp, Self::Rtmps, Self::Srt];

    /// The scheme of its URLs.
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Rtmp => "rtmp",
            Self::Rtmps => "rtmps",
            Self::Srt => "srt",
        }
    }

    /// The port when the URL names none: 1935 is registered for RTMP; 443 for RTMPS and 9000 for SRT are the guide's.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Rtmp => 1935,
            Self::Rtmps => 443,
            Self::Srt => 9000,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme())
    }
}

/// A query argument of an address, or a field of an SRT stream id. Its value may be anything, so it is kept secret;
/// only the values of [`SHOWN_ARGUMENTS`] are ever printed.
#[derive(Clone, PartialEq, Eq)]
struct Argument {
    name: String,
    /// `None` when there was no `=`.
    value: Option<Secret>,
}

impl Argument {
    fn write_to(&self, text: &mut String) {
        text.push_str(&self.name);
        if let Some(value) = &self.value {
            text.push('=');
            text.push_str(value.expose());
        }
    }
}

impl fmt::Debug for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A key without a name in front of it was read as a name.
        write!(f, "{}={:?}", crate::redact(&self.name), self.value)
    }
}

/// Arguments that are no secret: the takeover priority ("Stream Takeover"), the multitrack configuration and the
/// bandwidth test ("Connect Using Enhanced RTMP").
const SHOWN_ARGUMENTS: [&str; 3] = [PRIORITY, "clientConfigId", "bandwidthtest"];
const PRIORITY: &str = "priority";

/// The address of an ingest. Reads and prints the guide's forms:
///
/// * `rtmps://host:443/app/KEY`, `rtmp://host/app/KEY`, with or without port, key and trailing slash, and with
///   query arguments such as `?priority=2`;
/// * `srt://host:9000?streamid=KEY&passphrase=P` and `streamid=#!::u=KEY,priority=2`.
///
/// A key or passphrase inside the URL is split off. `Display` and `Debug` never show one; [`Self::to_url`] makes the
/// complete URL, as a [`Secret`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngestAddress {
    protocol: Protocol,
    /// IPv6 addresses in brackets.
    host: String,
    port: Option<u16>,
    /// Empty for SRT.
    app: String,
    key: Option<Secret>,
    passphrase: Option<Secret>,
    arguments: Vec<Argument>,
    /// SRT only: fields of a `#!::` stream id other than `u`.
    stream_id_fields: Vec<Argument>,
}

/// What RTMP's `connect` and `publish` are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtmpTarget {
    /// `app` of `connect`.
    pub app: String,
    /// `tcUrl` of `connect`: the address without the key.
    pub tc_url: String,
    /// The stream name of `publish`: key and query arguments.
    pub stream_name: Secret,
}

impl IngestAddress {
    /// How to connect.
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Name or IP address to connect to and to verify the certificate against; IPv6 without brackets.
    pub fn host(&self) -> &str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host)
    }

    /// TCP or UDP port to connect to: the one in the URL, or the protocol's.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(self.protocol.default_port())
    }

    /// The RTMP application; empty for SRT.
    pub fn app(&self) -> &str {
        &self.app
    }

    /// The stream key that was inside the URL.
    pub const fn key(&self) -> Option<&Secret> {
        self.key.as_ref()
    }

    /// The SRT passphrase that was inside the URL.
    pub const fn passphrase(&self) -> Option<&Secret> {
        self.passphrase.as_ref()
    }

    /// The takeover priority in the URL, 1 to [`MAX_PRIORITY`].
    pub fn priority(&self) -> Option<u32> {
        let found = self.priority_place().iter().find(|argument| argument.name == PRIORITY)?;
        found.value.as_ref()?.expose().parse().ok()
    }

    /// Where this protocol carries its priority: RTMP behind the key, SRT in the stream id ("Stream Takeover").
    const fn priority_place(&self) -> &Vec<Argument> {
        match self.protocol {
            Protocol::Srt => &self.stream_id_fields,
            Protocol::Rtmp | Protocol::Rtmps => &self.arguments,
        }
    }

    /// The same address with this takeover priority.
    ///
    /// # Errors
    /// [`Error::PriorityOutOfRange`] outside of 1 to [`MAX_PRIORITY`].
    pub fn with_priority(mut self, priority: u32) -> Result<Self, Error> {
        if priority == 0 || priority > MAX_PRIORITY.value {
            return Err(Error::PriorityOutOfRange);
        }
        let place = match self.protocol {
            Protocol::Srt => &mut self.stream_id_fields,
            Protocol::Rtmp | Protocol::Rtmps => &mut self.arguments,
        };
        place.retain(|argument| argument.name != PRIORITY);
        place.push(Argument { name: String::from(PRIORITY), value: Some(Secret::new(priority.to_string())) });
        Ok(self)
    }

    /// The address of `template`, `{stream_key}` in the key's place (the guide, "Using a FindIngest Server for Auto
    /// Streaming Destination"), with `key` in it. Query arguments behind the key become the address's; a key that the
    /// template has itself stays.
    ///
    /// # Errors
    /// What is wrong with the template, or with an argument behind the key.
    pub fn from_template(template: &str, key: &Secret) -> Result<Self, Error> {
        let mut address: Self = template.parse()?;
        let (key, query) = key.expose().split_once('?').unwrap_or((key.expose(), ""));
        if address.key.is_none() && !key.is_empty() {
            address.key = Some(Secret::new(key));
        }
        for argument in parse::arguments(query, '&') {
            address = address.with(argument)?;
        }
        Ok(address)
    }

    /// The same address with a query argument, in place of one with the same name.
    ///
    /// # Errors
    /// [`Error::AddressUnreadable`] when name or value hold what would end them; [`Error::PriorityOutOfRange`] as with
    /// [`Self::with_priority`].
    pub fn with_argument(self, name: &str, value: &str) -> Result<Self, Error> {
        self.with(Argument { name: String::from(name), value: Some(Secret::new(value)) })
    }

    fn with(mut self, argument: Argument) -> Result<Self, Error> {
        let value = argument.value.as_ref().map(Secret::expose).unwrap_or_default();
        let ends = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '&' | '?' | '#');
        if argument.name.is_empty() || argument.name.contains(|c| ends(c) || c == '=') || value.contains(ends)
        {
            return Err(Error::AddressUnreadable);
        }
        if argument.name == PRIORITY {
            parse::check_priority(&argument)?;
        }
        let place = match self.protocol {
            Protocol::Srt if argument.name == PRIORITY => &mut self.stream_id_fields,
            _ => &mut self.arguments,
        };
        place.retain(|other| other.name != argument.name);
        place.push(argument);
        Ok(self)
    }

    /// The same address with `key` in it.
    #[must_use]
    pub fn with_key(mut self, key: Secret) -> Self {
        self.key = Some(key);
        self
    }

    /// The same address without key and passphrase.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        self.key = None;
        self.passphrase = None;
        self
    }

    /// What to tell the server. `key` is used when the URL has none; query arguments behind either are joined.
    ///
    /// # Errors
    /// [`Error::NotRtmp`] for an SRT address.
    pub fn rtmp_target(&self, key: &Secret) -> Result<RtmpTarget, Error> {
        if self.protocol == Protocol::Srt {
            return Err(Error::NotRtmp);
        }
        let key = self.key.as_ref().unwrap_or(key).expose();
        let mut stream_name = String::from(key);
        let mut separator = if key.contains('?') { '&' } else { '?' };
        for argument in &self.arguments {
            stream_name.push(separator);
            argument.write_to(&mut stream_name);
            separator = '&';
        }
        Ok(RtmpTarget {
            app: self.app.clone(),
            tc_url: format!("{}/{}", self.origin(), self.app),
            stream_name: Secret::new(stream_name),
        })
    }

    /// The complete URL with `key` (used when the URL had none) and passphrase, for the credential store and for
    /// other programs.
    pub fn to_url(&self, key: &Secret) -> Secret {
        let key = self.key.as_ref().unwrap_or(key);
        let mut url = self.origin();
        match self.protocol {
            Protocol::Rtmp | Protocol::Rtmps => {
                url.push('/');
                url.push_str(&self.app);
                // A trailing slash keeps the last part of an application from being read as a key.
                url.push('/');
                url.push_str(key.expose());
                append_arguments(&mut url, &self.arguments, '?');
            }
            Protocol::Srt => {
                url.push_str("?streamid=");
                percent::encode_into(&mut url, &self.stream_id(key));
                if let Some(passphrase) = &self.passphrase {
                    url.push_str("&passphrase=");
                    percent::encode_into(&mut url, passphrase.expose());
                }
                append_arguments(&mut url, &self.arguments, '&');
            }
        }
        Secret::new(url)
    }

    /// Scheme, host and port as they were written.
    fn origin(&self) -> String {
        let mut origin = format!("{}://{}", self.protocol, self.host);
        if let Some(port) = self.port {
            origin.push_str(&format!(":{port}"));
        }
        origin
    }
}

fn append_arguments(text: &mut String, arguments: &[Argument], first_separator: char) {
    let mut separator = first_separator;
    for argument in arguments {
        text.push(separator);
        argument.write_to(text);
        if separator == '?' {
            separator = '&';
        }
    }
}

impl fmt::Display for IngestAddress {
    /// The address as it may be shown anywhere: without key and passphrase, and of the query only what is known to be
    /// harmless.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())?;
        if self.protocol != Protocol::Srt {
            write!(f, "/{}", self.app)?;
        }
        let mut separator = '?';
        for argument in &self.arguments {
            if SHOWN_ARGUMENTS.contains(&argument.name.as_str()) {
                let value = argument.value.as_ref().map(Secret::expose).unwrap_or_default();
                if crate::is_key_shaped(value) {
                    continue;
                }
                write!(f, "{separator}{}={value}", argument.name)?;
                separator = '&';
            }
        }
        Ok(())
    }
}
