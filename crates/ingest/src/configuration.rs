//! What GetClientConfiguration and FindIngest answer.

use hyper::StatusCode;
use ivs::Protocol;
use ivs::client_configuration::{
    AudioConfiguration, ClientConfiguration, Endpoint, Gpu, Message, ReceivedRequest, Status, validate,
};
use ivs::ladder::{EncoderFamily, Promise, Rung, Unpromised, grant};
use ivs::limits::{CONFIGURED_KEY_VALIDITY, MAX_MULTITRACK_BITRATE};
use serde_json::json;
use units::{Kbps, VideoCodec};

use crate::config::{ConfigurationFaults, ScriptedAnswer};
use crate::event_log::uuid;
use crate::https::{Said, malformed, play};
use crate::inquiry::{InquiryOutcome, InquiryReport};
use crate::listener::Addresses;
use crate::service::Service;
use crate::stream_keys::{ChannelKey, Granted};

/// Sound as the service was seen to grant it (obs-multitrack.md 1.12).
const AUDIO_BITRATE: Kbps = Kbps(160);

/// Longest name and version of a client that are kept together, in characters.
const CLIENT_CHARACTERS: usize = 120;

/// Answers a request of GetClientConfiguration.
///
/// What is wrong with its form is answered with HTTP 400 and nothing else, as the service does with schema 2025-01-25
/// (obs-multitrack.md 1.5); a refusal is HTTP 200 with the reason in its status (ibid. 1.11).
pub(crate) async fn answer(
    body: &[u8],
    faults: &ConfigurationFaults,
    report: &mut InquiryReport,
    service: &Service,
) -> Said {
    let value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let why = format!("the body is no JSON (line {line}, column {column})");
            return malformed(report, StatusCode::BAD_REQUEST, why);
        }
    };
    let request = match validate(&value) {
        Ok(request) => request,
        Err(complaints) => {
            for complaint in complaints {
                malformed(report, StatusCode::BAD_REQUEST, service.keys.clean(&complaint.to_string()));
            }
            return Said::empty(StatusCode::BAD_REQUEST);
        }
    };
    let client = format!("{} {}", request.client.name, request.client.version);
    report.client = Some(service.keys.clean(&client.chars().take(CLIENT_CHARACTERS).collect::<String>()));
    for field in &request.unknown_fields {
        report.complaints.push(service.keys.clean(&format!("{field} is in no document and was ignored")));
    }
    let status = match &faults.answer {
        None => Status::Success,
        Some(ScriptedAnswer::Error { html }) => {
            report.outcome = InquiryOutcome::Fault;
            return said(&refusal(&request, html, service));
        }
        Some(ScriptedAnswer::Warning { html }) => Status::Warning(Message::from_html(html)),
        Some(ScriptedAnswer::UnknownStatus { result }) => {
            Status::Unknown { result: result.clone(), message: Message::default() }
        }
        Some(scripted) => {
            // What the truth would have noted is not what was answered.
            let mut unseen = report.clone();
            let truth = || said(&decide(&request, faults, &mut unseen, service)).body;
            return play(scripted, truth, report).await;
        }
    };
    let mut decided = decide(&request, faults, report, service);
    if decided.status == Status::Success {
        decided.status = status;
    }
    said(&decided)
}

/// Grants a ladder or refuses it, and notes which.
fn decide(
    request: &ReceivedRequest,
    faults: &ConfigurationFaults,
    report: &mut InquiryReport,
    service: &Service,
) -> ClientConfiguration {
    match grant_ladder(request, faults, service) {
        Ok((configuration, rungs)) => {
            report.config_id = Some(configuration.config_id.clone());
            report.granted = rungs.iter().map(describe).collect();
            configuration
        }
        Err(reason) => {
            report.outcome = InquiryOutcome::Refused;
            let refused = refusal(request, &escape(&reason), service);
            report.complaints.push(reason);
            refused
        }
    }
}

/// A ladder by the policy, within the limits of the channel. The reason of a refusal is a sentence for a person (the
/// guide, "Handling Warnings and Errors").
///
/// The service wants a graphics card that encodes, and a recent driver; a rehearsal grants encoders of the processor
/// instead, so that it can be held on any machine.
fn grant_ladder(
    request: &ReceivedRequest,
    faults: &ConfigurationFaults,
    service: &Service,
) -> Result<(ClientConfiguration, Vec<Rung>), String> {
    let now = service.now();
    let config = &service.config;
    let channel_key = service
        .keys
        .find(&request.authentication, now)
        .ok_or("The stream key provided is invalid. Copy it again from the channel.")?;
    let maximum_resolution = config.rules.multitrack.maximum_resolution().ok_or(
        "The channel is not configured to support multitrack video. Stream a single track, or enable multitrack \
         input on the channel.",
    )?;
    if request.further_canvases > 0 {
        return Err(String::from("A rehearsal grants renditions of one canvas only."));
    }
    let mut wish = request.wish();
    wish.max_resolution =
        Some(wish.max_resolution.map_or(maximum_resolution, |own| own.min(maximum_resolution)));
    let limit = MAX_MULTITRACK_BITRATE.value;
    wish.max_bitrate = Some(wish.max_bitrate.map_or(limit, |own| own.min(limit)));
    wish.max_tracks = wish.max_tracks.into_iter().chain(faults.maximum_tracks).min();
    // The list of codecs is in no order. H.264 is granted to everybody else, also to those who do not name it, as the
    // service was seen to do (obs-multitrack.md 1.11).
    let is_hevc = config.offers_hevc && request.client.supported_codecs.contains(&VideoCodec::Hevc);
    wish.codecs = vec![if is_hevc { VideoCodec::Hevc } else { VideoCodec::Avc }];
    let rungs = grant(&wish).map_err(|refusal| sentence(&refusal.to_string()))?;
    let family = encoder_family(request);
    let sound = |track_id| AudioConfiguration {
        codec: String::from("aac"),
        track_id,
        channels: 2,
        bitrate: Some(AUDIO_BITRATE),
    };
    let wants_vod = request.preferences.as_ref().is_some_and(|preferences| preferences.vod_track_audio);
    let mut configuration = blank(request);
    configuration.encoder_configurations =
        rungs.iter().map(|rung| rung.configuration(family, request.version)).collect();
    configuration.live_audio = vec![sound(0)];
    configuration.vod_audio = wants_vod.then(|| sound(1)).into_iter().collect();
    let validity = faults.key_validity.unwrap_or(CONFIGURED_KEY_VALIDITY.value);
    let promised = register(configuration, service, channel_key, validity);
    let configuration = promised.map_err(|open| sentence(&open.to_string()))?;
    Ok((configuration, rungs))
}

/// Gives `configuration` an id, a key that carries its promise, and the addresses of this ingest.
///
/// # Errors
/// It leaves open what a promise must say.
pub(crate) fn register(
    mut configuration: ClientConfiguration,
    service: &Service,
    channel_key: ChannelKey,
    validity: units::Span,
) -> Result<ClientConfiguration, Unpromised> {
    let promise = Promise::try_from(&configuration)?;
    configuration.config_id = uuid();
    let granted = Granted { config_id: configuration.config_id.clone(), promise };
    let key = service.keys.grant(channel_key, granted, service.now() + validity);
    configuration.ingest_endpoints = endpoints(&service.addresses);
    for endpoint in &mut configuration.ingest_endpoints {
        endpoint.authentication = Some(key.clone());
    }
    Ok(configuration)
}

/// As the service refuses: an id, endpoints without keys, and nothing granted (obs-multitrack.md 1.13).
fn refusal(request: &ReceivedRequest, html: &str, service: &Service) -> ClientConfiguration {
    let mut refused = blank(request);
    refused.config_id = uuid();
    refused.status = Status::Error(Message::from_html(html));
    refused.ingest_endpoints = endpoints(&service.addresses);
    refused
}

/// An answer that says nothing yet, in the schema of the request.
fn blank(request: &ReceivedRequest) -> ClientConfiguration {
    let mut blank = ClientConfiguration::default();
    request.version.name().clone_into(&mut blank.schema_version);
    blank
}

/// RTMP first, as the service gives them (obs-multitrack.md 1.11).
fn endpoints(addresses: &Addresses) -> Vec<Endpoint> {
    [(Protocol::Rtmp, &addresses.rtmp), (Protocol::Rtmps, &addresses.rtmps)]
        .map(|(protocol, address)| Endpoint {
            protocol,
            url_template: template(address),
            authentication: None,
        })
        .into()
}

/// By the vendor of the graphics card that composes, or else of the first one that encodes.
fn encoder_family(request: &ReceivedRequest) -> EncoderFamily {
    let gpus = &request.capabilities.gpus;
    let index = request.preferences.as_ref().and_then(|preferences| preferences.composition_gpu_index);
    let composing = index.and_then(|index| gpus.get(usize::try_from(index).ok()?));
    let family = |gpu: &Gpu| EncoderFamily::of_vendor(gpu.vendor_id);
    composing.and_then(family).or_else(|| gpus.iter().find_map(family)).unwrap_or(EncoderFamily::Software)
}

fn said(configuration: &ClientConfiguration) -> Said {
    Said::json(configuration.to_json().expose().into())
}

fn describe(rung: &Rung) -> String {
    let Rung { size, rate, codec, bitrate, .. } = rung;
    format!("{size} {rate} fps {codec} {bitrate}")
}

/// `text` as a sentence: with a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase).into_iter().flatten();
    let end = if text.ends_with('.') { "" } else { "." };
    first.chain(characters).collect::<String>() + end
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn template(address: &str) -> String {
    format!("{address}/{{stream_key}}")
}

/// The answer of FindIngest: one that is closed first, for those who take the first without looking; then this ingest
/// twice, the better one last. Written here, not by `ivs`, so that a mistake there is not met by the same one here.
pub(crate) fn servers(addresses: &Addresses) -> Vec<u8> {
    let server = |id: u32, name: &str, availability: f32, priority: u32, urls: [&str; 2]| {
        json!({
            "_id": id, "name": name, "availability": availability, "priority": priority, "default": priority == 1,
            "url_template": template(urls[0]), "url_template_secure": template(urls[1]),
        })
    };
    let own = [addresses.rtmp.as_str(), addresses.rtmps.as_str()];
    // Port 1 is nobody's (IANA: tcpmux, long unused), so a connection is refused at once.
    let closed = ["rtmp://127.0.0.1:1/app", "rtmps://127.0.0.1:1/app"];
    let ingests = json!({ "ingests": [
        server(1, "Rehearsal: Closed (deprecated)", 0.0, 0, closed),
        server(2, "Rehearsal: The long way round", 1.0, 2, own),
        server(3, "Rehearsal: This machine", 1.0, 1, own),
    ]});
    ingests.to_string().into_bytes()
}

#[cfg(test)]
mod tests;
