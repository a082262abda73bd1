//! Reading an address. Nothing of the text is repeated in an error, since any part of it may be the key.

use core::str::FromStr;

use units::Secret;

use super::{Argument, IngestAddress, PRIORITY, Protocol, percent};
use crate::limits::{MAX_PRIORITY, RTMP_APP};
use crate::{Error, is_key_shaped, redact};

/// Schemes people try that are no ingest's; only these are repeated in the error.
const OTHER_SCHEMES: [&str; 16] = [
    "http", "https", "ws", "wss", "rtsp", "rtsps", "rtmpe", "rtmpt", "rtmpts", "rtp", "rist", "udp", "tcp",
    "file", "ftp", "whip",
];

/// Hosts of the service end so (the guide, "RTMPS/RTMP" and "SRT"); theirs is always the application `app`.
const SERVICE_DOMAIN: &str = ".live-video.net";

/// What `url_template` of FindIngest and GetClientConfiguration has in the key's place ("Using a FindIngest Server
/// for Auto Streaming Destination").
const KEY_PLACEHOLDER: &str = "{stream_key}";

/// Begins an SRT stream id made of fields ("Stream Takeover").
const STREAM_ID_FIELDS: &str = "#!::";

impl FromStr for IngestAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::AddressEmpty);
        }
        if is_key_shaped(text) {
            return Err(Error::AddressIsKey);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Error::AddressUnreadable);
        }
        let (scheme, rest) = text.split_once("://").ok_or(Error::SchemeMissing)?;
        let protocol = protocol_of(scheme)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (host, port) = host_and_port(authority)?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut address = Self {
            protocol,
            host,
            port,
            app: String::new(),
            key: None,
            passphrase: None,
            arguments: arguments(query, '&'),
            stream_id_fields: Vec::new(),
        };
        match protocol {
            Protocol::Srt => address.read_srt_arguments(path)?,
            Protocol::Rtmp | Protocol::Rtmps => address.read_rtmp_path(path)?,
        }
        for argument in address.priority_place().iter().filter(|argument| argument.name == PRIORITY) {
            check_priority(argument)?;
        }
        Ok(address)
    }
}

impl IngestAddress {
    fn read_rtmp_path(&mut self, path: &str) -> Result<(), Error> {
        let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let last_is_key = segments.len() >= 2 && !path.ends_with('/')
            || segments.last().is_some_and(|last| is_key_shaped(last) || *last == KEY_PLACEHOLDER);
        if last_is_key {
            let key = segments.pop().unwrap_or_default();
            if key != KEY_PLACEHOLDER {
                self.key = Some(Secret::new(key));
            }
        }
        if segments.iter().any(|segment| holds_key(segment)) {
            return Err(Error::AppMissing);
        }
        self.app = segments.join("/");
        if self.app.is_empty() {
            if !(self.key.is_some() || self.host.ends_with(SERVICE_DOMAIN)) {
                return Err(Error::AppMissing);
            }
            self.app = String::from(RTMP_APP.value);
        }
        Ok(())
    }

    fn read_srt_arguments(&mut self, path: &str) -> Result<(), Error> {
        if !path.trim_matches('/').is_empty() {
            return Err(Error::PathInSrt);
        }
        let mut kept = Vec::new();
        for argument in core::mem::take(&mut self.arguments) {
            let Some(value) = &argument.value else {
                kept.push(argument);
                continue;
            };
            match argument.name.as_str() {
                "streamid" => {
                    let stream_id = percent::decode(value.expose()).ok_or(Error::AddressUnreadable)?;
                    self.read_stream_id(&stream_id);
                }
                "passphrase" => {
                    let passphrase = percent::decode(value.expose()).ok_or(Error::AddressUnreadable)?;
                    self.passphrase = (!passphrase.is_empty()).then(|| Secret::new(passphrase));
                }
                _ => kept.push(argument),
            }
        }
        self.arguments = kept;
        Ok(())
    }

    fn read_stream_id(&mut self, stream_id: &str) {
        let mut key = None;
        if let Some(fields) = stream_id.strip_prefix(STREAM_ID_FIELDS) {
            self.stream_id_fields = arguments(fields, ',');
            if let Some(at) = self.stream_id_fields.iter().position(|field| field.name == "u") {
                key = self.stream_id_fields.remove(at).value;
            }
        } else {
            key = Some(Secret::new(stream_id));
        }
        self.key = key.filter(|key| !key.is_empty() && key.expose() != KEY_PLACEHOLDER);
    }
}

/// Whether a part of the address that will be shown has a key in it.
fn holds_key(part: &str) -> bool {
    redact(part) != part
}

fn protocol_of(scheme: &str) -> Result<Protocol, Error> {
    let scheme = scheme.to_ascii_lowercase();
    if scheme.is_empty() {
        return Err(Error::SchemeMissing);
    }
    Protocol::ALL.into_iter().find(|protocol| protocol.scheme() == scheme).ok_or_else(|| {
        let known = OTHER_SCHEMES.contains(&scheme.as_str());
        Error::SchemeUnknown { scheme: if known { scheme } else { String::new() } }
    })
}

fn host_and_port(authority: &str) -> Result<(String, Option<u16>), Error> {
    if authority.contains('@') {
        return Err(Error::UserInfo);
    }
    // The colons of an IPv6 address are inside its brackets.
    let colon = authority.rfind(':').filter(|at| authority.rfind(']').is_none_or(|bracket| bracket < *at));
    let (host, port) = match colon {
        Some(at) => {
            let (host, port) = authority.split_at(at);
            let digits = port.trim_start_matches(':');
            if !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(Error::PortUnreadable);
            }
            let port: u16 = digits.parse().map_err(|_| Error::PortUnreadable)?;
            if port == 0 {
                return Err(Error::PortUnreadable);
            }
            (host, Some(port))
        }
        None => (authority, None),
    };
    if host.is_empty() {
        return Err(Error::HostMissing);
    }
    let host = url::Host::parse(host).map_err(|_| Error::HostUnreadable)?.to_string();
    if holds_key(&host) {
        return Err(Error::HostMissing);
    }
    Ok((host, port))
}

pub(super) fn arguments(text: &str, separator: char) -> Vec<Argument> {
    text.split(separator)
        .filter(|argument| !argument.is_empty())
        .map(|argument| match argument.split_once('=') {
            Some((name, value)) => Argument { name: String::from(name), value: Some(Secret::new(value)) },
            None => Argument { name: String::from(argument), value: None },
        })
        .collect()
}

pub(super) fn check_priority(argument: &Argument) -> Result<(), Error> {
    let value = argument.value.as_ref().map(Secret::expose).unwrap_or_default();
    // `parse` would take a plus sign.
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let number: u32 = value.parse().map_err(|_| Error::PriorityOutOfRange)?;
    if digits && (1..=MAX_PRIORITY.value).contains(&number) { Ok(()) } else { Err(Error::PriorityOutOfRange) }
}

#[cfg(test)]
mod tests;
