//! The service's side of a request: every member checked against the guide and the API reference, strict on types.
//!
//! Written from the documents, not from [`super::Request`]: names, types, ranges and what is required of schema
//! 2024-06-04 are the API reference's (CapabilitiesDescription and the structures in it, ClientDescription,
//! PreferencesDescription, Framerate); those of 2025-01-25 are obs-multitrack.md 1.3. Two rules of the former are not
//! kept, since a rehearsal runs anywhere: `system.name` may be other than Windows, and a frame rate that the service
//! does not take is no wrong request; it is refused with a message instead (the guide, "Handling Warnings and Errors").

mod check;

use core::fmt;

use serde_json::Value;
use units::{FrameRate, Kbps, Secret, Size, VideoCodec};

use self::check::{Check, Members};
use super::{
    Capabilities, Client, Cpu, GamingFeatures, Gpu, Memory, Preferences, SERVICE, SchemaVersion, System,
};
use crate::ladder::Wish;
use crate::limits::{AUDIO_SAMPLE_RATES_HZ, ResolutionClass};
use crate::metrics::UtcMillis;

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Where, such as `preferences.canvases[0].width`.
    pub path: String,
    /// What belongs there.
    pub expected: &'static str,
    /// What is there; never the value itself, it may be the key.
    pub found: &'static str,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, not {}", self.path, self.found, self.expected)
    }
}

/// A request that is in order.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedRequest {
    /// The schema it follows, which the answer must follow too.
    pub version: SchemaVersion,
    /// The person's stream key, with the query arguments they typed.
    pub authentication: Secret,
    /// The software.
    pub client: Client,
    /// The machine.
    pub capabilities: Capabilities,
    /// The canvas and what the person allows; the earlier schema lets it be left out.
    pub preferences: Option<Preferences>,
    /// Canvases beyond the first, which the later schema allows.
    pub further_canvases: usize,
    /// When going live was asked for, as RFC 3339; the later schema lets it be left out.
    pub stream_attempt_start_time: Option<String>,
    /// Paths of members that no document knows. The service ignores them.
    pub unknown_fields: Vec<String>,
}

impl ReceivedRequest {
    /// What the ladder policy is asked for: AVC, unless the client has only another code. Without preferences, 1920 x
    /// 1080 at 30 frames per second.
    pub fn wish(&self) -> Wish {
        let codecs = &self.client.supported_codecs;
        let has_avc = codecs.is_empty() || codecs.contains(&VideoCodec::Avc);
        let codecs = if has_avc { vec![VideoCodec::Avc] } else { codecs.clone() };
        let Some(preferences) = &self.preferences else {
            #[expect(clippy::unwrap_used, reason = "both sides are between 1 and 16384")]
            let canvas = Size::new(1920, 1080).unwrap();
            let rate = FrameRate::FPS_30;
            return Wish { canvas, rate, max_tracks: None, max_bitrate: None, max_resolution: None, codecs };
        };
        Wish {
            canvas: preferences.output,
            rate: preferences.rate,
            max_tracks: preferences.maximum_video_tracks,
            max_bitrate: preferences.maximum_aggregate_bitrate,
            max_resolution: preferences.maximum_resolution,
            codecs,
        }
    }
}

/// Checks a request as the service does, and more: the service answers a wrong type with HTTP 400 and an empty body.
///
/// # Errors
/// Everything that is wrong with it, at least one complaint.
pub fn validate(body: &Value) -> Result<ReceivedRequest, Vec<Complaint>> {
    let mut check = Check::default();
    let received = read(&mut check, body);
    match received {
        Some(received) if check.complaints.is_empty() => {
            Ok(ReceivedRequest { unknown_fields: check.unknown, ..received })
        }
        _ => Err(check.complaints),
    }
}

/// The parts that could be read; `None` only after a complaint.
fn read(check: &mut Check, body: &Value) -> Option<ReceivedRequest> {
    let mut top = Members::top(check, body)?;
    let version = top.must("schema_version").text(check, "2024-06-04 or 2025-01-25", |text| {
        SchemaVersion::ALL.into_iter().find(|version| version.name() == text)
    });
    top.must("service").text(check, "IVS", |text| (text == SERVICE).then_some(()));
    let authentication = top
        .must("authentication")
        .text(check, "a stream key", |text| (!text.is_empty()).then(|| text.to_owned()));
    // Which members there must be depends on it.
    let version = version?;
    let is_early = version == SchemaVersion::V2024_06_04;
    let time = |text: &str| is_rfc_3339(text).then(|| text.to_owned());
    let started = top.member("stream_attempt_start_time", is_early, false);
    let started = started.text(check, "a time as RFC 3339 writes it", time);
    let client = top.must("client").object(check).and_then(|members| client(check, members, version));
    let capabilities =
        top.must("capabilities").object(check).and_then(|members| capabilities(check, members, version));
    let preferences = top.member("preferences", !is_early, false);
    let is_without = preferences.is_missing();
    let preferences = preferences.object(check).and_then(|members| match version {
        SchemaVersion::V2024_06_04 => early_preferences(check, members).map(|preferences| (preferences, 0)),
        SchemaVersion::V2025_01_25 => late_preferences(check, members),
    });
    top.finish(check);
    if preferences.is_none() && !is_without {
        return None;
    }
    let (preferences, further_canvases) = preferences.unzip();
    Some(ReceivedRequest {
        version,
        authentication: Secret::new(authentication?),
        client: client?,
        capabilities: capabilities?,
        preferences,
        further_canvases: further_canvases.unwrap_or(0),
        stream_attempt_start_time: started,
        unknown_fields: Vec::new(),
    })
}

/// RFC 3339, 5.6, from 1970 on.
fn is_rfc_3339(text: &str) -> bool {
    let Some((local, offset)) = text.len().checked_sub(6).and_then(|at| text.split_at_checked(at)) else {
        return false;
    };
    let (hours, minutes) = offset.strip_prefix(['+', '-']).and_then(|offset| offset.split_once(':')).unzip();
    let two_digits = |part: &str, limit| {
        part.len() == 2
            && part.bytes().all(|b| b.is_ascii_digit())
            && part.parse().is_ok_and(|n: u8| n < limit)
    };
    let has_offset = hours.is_some_and(|h| two_digits(h, 24)) && minutes.is_some_and(|m| two_digits(m, 60));
    UtcMillis::parse(text).is_some() || has_offset && UtcMillis::parse(&format!("{local}Z")).is_some()
}

fn between(range: core::ops::RangeInclusive<usize>) -> impl Fn(&str) -> Option<String> {
    move |text| range.contains(&text.chars().count()).then(|| text.to_owned())
}

fn any_text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

const SHORT_NAME: &str = "a text of 1 to 128 characters";
const LONG_NAME: &str = "a text of 1 to 4096 characters";

/// The API reference, ClientDescription. OBS Studio also names AV1, which we have no use for.
fn client(check: &mut Check, mut members: Members<'_>, version: SchemaVersion) -> Option<Client> {
    let name = members.must("name").text(check, SHORT_NAME, between(1..=128));
    let program_version = members.must("version").text(check, SHORT_NAME, between(1..=128));
    let mut supported_codecs = Vec::new();
    for codec in members.member("supported_codecs", false, false).elements(check) {
        let codec = match version {
            SchemaVersion::V2024_06_04 => {
                codec.text(check, "h264 or h265", |text| codec_of(text).filter(Option::is_some))
            }
            SchemaVersion::V2025_01_25 => codec.text(check, "h264, h265 or av1", codec_of),
        };
        supported_codecs.extend(codec.flatten());
    }
    members.finish(check);
    Some(Client { name: name?, version: program_version?, supported_codecs })
}

/// `Some(None)` for AV1.
fn codec_of(text: &str) -> Option<Option<VideoCodec>> {
    match text {
        "h264" => Some(Some(VideoCodec::Avc)),
        "h265" => Some(Some(VideoCodec::Hevc)),
        "av1" => Some(None),
        _ => None,
    }
}

fn capabilities(check: &mut Check, mut members: Members<'_>, version: SchemaVersion) -> Option<Capabilities> {
    let is_early = version == SchemaVersion::V2024_06_04;
    let cpu = members.must("cpu").object(check).and_then(|members| cpu(check, members, version));
    let memory = members.must("memory").object(check).and_then(|members| memory(check, members));
    let features = members.member("gaming_features", is_early, !is_early);
    let gaming_features = features.object(check).map(|members| gaming_features(check, members));
    let system = members.must("system").object(check).and_then(|members| system(check, members, version));
    let mut gpus = Vec::new();
    for card in members.member("gpu", true, !is_early).elements(check) {
        gpus.extend(card.object(check).and_then(|members| gpu(check, members, version)));
    }
    members.finish(check);
    Some(Capabilities { cpu: cpu?, memory: memory?, gaming_features, system: system?, gpus })
}

const CORES: &str = "a whole number of cores, at least 1";

/// The API reference, CpuDescription.
fn cpu(check: &mut Check, mut members: Members<'_>, version: SchemaVersion) -> Option<Cpu> {
    let is_early = version == SchemaVersion::V2024_06_04;
    let some = |cores: u64| u32::try_from(cores).ok().filter(|cores| (1..=0x7fff_ffff).contains(cores));
    let logical = members.member("logical_cores", !is_early, false).whole(check, CORES, some);
    let physical = members.member("physical_cores", !is_early, false).whole(check, CORES, some);
    let megahertz = |speed: u64| u32::try_from(speed).ok().filter(|speed| *speed >= 1);
    let speed_mhz = members.member("speed", false, !is_early).whole(
        check,
        "a whole number of MHz, at least 1",
        megahertz,
    );
    let name = members.member("name", true, !is_early).text(check, LONG_NAME, between(1..=4096));
    members.finish(check);
    Some(Cpu {
        physical_cores: physical.unwrap_or_default(),
        logical_cores: logical.unwrap_or_default(),
        speed_mhz,
        name,
    })
}

const BYTES: &str = "a whole number of bytes, at least 1";

fn some_bytes(bytes: u64) -> Option<u64> {
    (bytes >= 1).then_some(bytes)
}

/// The API reference, MemoryDescription.
fn memory(check: &mut Check, mut members: Members<'_>) -> Option<Memory> {
    let total_bytes = members.must("total").whole(check, BYTES, some_bytes);
    let free_bytes = members.must("free").whole(check, BYTES, some_bytes);
    members.finish(check);
    Some(Memory { total_bytes: total_bytes?, free_bytes: free_bytes? })
}

/// The API reference, GamingFeaturesDescription and the request syntax, which differ; and obs-multitrack.md 1.3.
fn gaming_features(check: &mut Check, mut members: Members<'_>) -> GamingFeatures {
    let mut flag = |name| members.member(name, false, true).flag(check);
    let features = GamingFeatures {
        game_bar_enabled: flag("game_bar_enabled"),
        game_dvr_allowed: flag("game_dvr_allowed"),
        game_dvr_enabled: flag("game_dvr_enabled"),
        game_dvr_bg_recording: flag("game_dvr_bg_recording"),
        game_mode_enabled: flag("game_mode_enabled"),
        hags_enabled: flag("hags_enabled"),
    };
    members.finish(check);
    features
}

/// The API reference, SystemDescription.
fn system(check: &mut Check, mut members: Members<'_>, version: SchemaVersion) -> Option<System> {
    let is_early = version == SchemaVersion::V2024_06_04;
    let name = members.must("name").text(check, "the name of a system", between(1..=usize::MAX));
    let system_version = members.must("version").text(check, SHORT_NAME, between(1..=128));
    let release = members.must("release").text(check, "a text", any_text);
    let revision = members.must("revision").text(check, "a text", any_text);
    let build = members.must("build").whole(check, "a whole number", |build| u32::try_from(build).ok());
    let bits = |bits: u64| u8::try_from(bits).ok().filter(|bits| matches!(bits, 32 | 64));
    let bits = members.member("bits", !is_early, false).whole(check, "32 or 64", bits);
    let arm = members.member("arm", !is_early, false).flag(check);
    let emulation = if is_early { "arm_emulation" } else { "armEmulation" };
    let arm_emulation = members.member(emulation, !is_early, false).flag(check);
    members.finish(check);
    Some(System {
        version: system_version?,
        name: name?,
        build: build?,
        release: release?,
        revision: revision?,
        bits: bits.unwrap_or(64),
        arm: arm.unwrap_or(false),
        arm_emulation: arm_emulation.unwrap_or(false),
    })
}

/// The API reference, GpuDescription.
fn gpu(check: &mut Check, mut members: Members<'_>, version: SchemaVersion) -> Option<Gpu> {
    let is_early = version == SchemaVersion::V2024_06_04;
    let id = |id: u64| u32::try_from(id).ok();
    let model = members.must("model").text(check, LONG_NAME, between(1..=4096));
    let vendor_id = members.must("vendor_id").whole(check, "a PCI vendor id as a number", id);
    let device_id = members.must("device_id").whole(check, "a PCI device id as a number", id);
    let driver_version =
        members.member("driver_version", true, !is_early).text(check, SHORT_NAME, between(1..=128));
    // OBS Studio writes 0 for memory it knows nothing of.
    let bytes = |bytes: u64| (bytes >= 1 || !is_early).then_some(bytes);
    let dedicated = members.member("dedicated_video_memory", false, false).whole(check, BYTES, bytes);
    let shared = members.member("shared_system_memory", false, false).whole(check, BYTES, bytes);
    let luid =
        if is_early { members.member("luid", false, false).text(check, "a text", any_text) } else { None };
    members.finish(check);
    Some(Gpu {
        model: model?,
        vendor_id: vendor_id?,
        device_id: device_id?,
        dedicated_video_memory: dedicated.filter(|bytes| *bytes > 0),
        shared_system_memory: shared.filter(|bytes| *bytes > 0),
        driver_version,
        luid,
    })
}

/// A canvas, what is made of it, and how often.
struct Canvas {
    canvas: Size,
    output: Size,
    rate: FrameRate,
}

/// The API reference, PreferencesDescription and Framerate.
fn canvas(check: &mut Check, members: &mut Members<'_>) -> Option<Canvas> {
    const PIXELS: &str = "a whole number of pixels from 1 to 16384";
    let pixels = |side: u64| u32::try_from(side).ok().filter(|side| (1..=Size::MAX_SIDE_PX).contains(side));
    let canvas_width = members.must("canvas_width").whole(check, PIXELS, pixels);
    let canvas_height = members.must("canvas_height").whole(check, PIXELS, pixels);
    let within =
        |limit: Option<u32>| move |side| pixels(side).filter(|side| limit.is_none_or(|limit| *side <= limit));
    let width =
        members.must("width").whole(check, "a number of pixels within canvas_width", within(canvas_width));
    let height =
        members.must("height").whole(check, "a number of pixels within canvas_height", within(canvas_height));
    let rate = members.must("framerate").object(check).and_then(|mut rate| {
        let part = |part: u64| u32::try_from(part).ok().filter(|part| *part >= 1);
        let numerator = rate.must("numerator").whole(check, "a whole number, at least 1", part);
        let denominator = rate.must("denominator").whole(check, "a whole number, at least 1", part);
        let read = FrameRate::new(numerator?, denominator?).ok();
        if read.is_none() {
            rate.complain(check, "a frame rate between 1 and 240 per second");
        }
        rate.finish(check);
        read
    });
    Some(Canvas {
        canvas: Size::new(canvas_width?, canvas_height?).ok()?,
        output: Size::new(width?, height?).ok()?,
        rate: rate?,
    })
}

/// What both schema versions have. The earlier gives `null` as a default for the limits alone.
struct Limits {
    tracks: Option<u32>,
    bitrate: Option<Kbps>,
    resolution: Option<ResolutionClass>,
    vod_track_audio: Option<bool>,
    composition_gpu_index: Option<u32>,
}

fn limits(check: &mut Check, members: &mut Members<'_>, version: SchemaVersion) -> Limits {
    let is_early = version == SchemaVersion::V2024_06_04;
    let bitrate = if is_early { "maximum_streaming_bandwidth" } else { "maximum_aggregate_bitrate" };
    let number = |number: u64| u32::try_from(number).ok();
    let class = |text: &str| ResolutionClass::ALL.into_iter().find(|class| class.name() == text);
    Limits {
        tracks: members.member("maximum_video_tracks", false, true).whole(
            check,
            "a whole number of tracks",
            number,
        ),
        bitrate: members
            .member(bitrate, false, true)
            .whole(check, "a whole number of kbps", number)
            .map(Kbps),
        resolution: members.member("maximum_resolution", false, true).text(check, "SD, HD or FULL_HD", class),
        vod_track_audio: members.member("vod_track_audio", false, false).flag(check),
        composition_gpu_index: members.member("composition_gpu_index", false, !is_early).whole(
            check,
            "the place of a graphics card in the list",
            number,
        ),
    }
}

fn early_preferences(check: &mut Check, mut members: Members<'_>) -> Option<Preferences> {
    let canvas = canvas(check, &mut members);
    let limits = limits(check, &mut members, SchemaVersion::V2024_06_04);
    members.finish(check);
    // The earlier schema says nothing of sound; the guide's rate and OBS Studio's delay stand for it.
    Some(preferences(
        &canvas?,
        &limits,
        Sound { hertz: 48_000, channels: 2, max_buffering_ms: 960, is_fixed: false },
    ))
}

fn late_preferences(check: &mut Check, mut members: Members<'_>) -> Option<(Preferences, usize)> {
    let limits = limits(check, &mut members, SchemaVersion::V2025_01_25);
    let hertz = |hertz: u64| AUDIO_SAMPLE_RATES_HZ.value.into_iter().find(|rate| u64::from(*rate) == hertz);
    let number = |number: u64| u32::try_from(number).ok();
    let channels = |channels: u64| number(channels).filter(|channels| *channels >= 1);
    let hertz = members.must("audio_samples_per_sec").whole(check, "44100 or 48000", hertz);
    let channels = members.must("audio_channels").whole(check, "a number of channels, at least 1", channels);
    let max_buffering =
        members.must("audio_max_buffering_ms").whole(check, "a whole number of milliseconds", number);
    let is_fixed = members.must("audio_fixed_buffering").flag(check);
    let mut canvases = Vec::new();
    let list = members.must("canvases");
    let is_empty = list.is_empty_list();
    if is_empty {
        list.complain(check, "a list of at least one canvas");
    }
    for entry in list.elements(check) {
        canvases.extend(entry.object(check).and_then(|mut members| {
            let canvas = canvas(check, &mut members);
            members.finish(check);
            canvas
        }));
    }
    members.finish(check);
    let (first, further) = canvases.split_first()?;
    let sound =
        Sound { hertz: hertz?, channels: channels?, max_buffering_ms: max_buffering?, is_fixed: is_fixed? };
    Some((preferences(first, &limits, sound), further.len()))
}

#[derive(Clone, Copy)]
struct Sound {
    hertz: u32,
    channels: u32,
    max_buffering_ms: u32,
    is_fixed: bool,
}

fn preferences(canvas: &Canvas, limits: &Limits, sound: Sound) -> Preferences {
    Preferences {
        canvas: canvas.canvas,
        output: canvas.output,
        rate: canvas.rate,
        maximum_video_tracks: limits.tracks,
        maximum_aggregate_bitrate: limits.bitrate,
        maximum_resolution: limits.resolution,
        vod_track_audio: limits.vod_track_audio.unwrap_or(false),
        composition_gpu_index: limits.composition_gpu_index,
        audio_samples_per_sec: sound.hertz,
        audio_channels: sound.channels,
        audio_max_buffering_ms: sound.max_buffering_ms,
        audio_fixed_buffering: sound.is_fixed,
    }
}

#[cfg(test)]
mod tests;
