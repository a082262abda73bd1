//! Which encoders work here: each is offered only after it coded pictures that a decoder gave back.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};
use std::time::Instant;

use gstreamer as gst;
use units::{FrameRate, Kbps, Size, TrackId, VideoCodec, VideoProfile};

use crate::backend::{BackendKind, CODECS, FALLBACK_ORDER};
use crate::worker::lock;
use crate::{Error, RenditionConfig, interpret, nvenc, pipeline, self_test};

/// What trying an encoder showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendReport {
    /// The encoder.
    pub kind: BackendKind,
    /// What it was to make.
    pub codec: VideoCodec,
    /// Name of what codes: its GStreamer element, the family's first where it makes no such code, or the driver's
    /// library.
    pub element: &'static str,
    /// Whether it is installed.
    pub available: bool,
    /// Whether it coded pictures that a decoder gave back as they were.
    pub passed: bool,
    /// In words: how it went.
    pub reason: String,
    /// How long the test took, in milliseconds.
    pub took_ms: u64,
}

/// An encoder for a rendition, and why this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The encoder.
    pub kind: BackendKind,
    /// Why, in words, for the person.
    pub reason: String,
}

/// What decides how a self-test goes: everything but the track's number and the wish for an encoder.
type Cached = Mutex<HashMap<(BackendKind, RenditionConfig), BackendReport>>;

fn cache() -> &'static Cached {
    static CACHE: OnceLock<Cached> = OnceLock::new();
    CACHE.get_or_init(Mutex::default)
}

/// Tries every encoder we know at 640x360 and 30 frames per second: H.264 in the fallback order, then H.265. Each is
/// tried once per process.
pub fn probe() -> Vec<BackendReport> {
    CODECS.into_iter().flat_map(probe_codec).collect()
}

fn probe_codec(codec: VideoCodec) -> Vec<BackendReport> {
    let Some(config) = probe_config(codec) else { return Vec::new() };
    makers(codec).map(|kind| test_backend(kind, &config)).collect()
}

/// What every encoder is tried with.
fn probe_config(codec: VideoCodec) -> Option<RenditionConfig> {
    let size = Size::new(640, 360).ok()?;
    let mut config = RenditionConfig::new(TrackId::PRIMARY, size, FrameRate::FPS_30, Kbps(1500));
    config.codec = codec;
    config.profile = VideoProfile::Main;
    Some(config)
}

/// The families that make `codec`, in the fallback order.
fn makers(codec: VideoCodec) -> impl Iterator<Item = BackendKind> {
    FALLBACK_ORDER.into_iter().filter(move |kind| kind.element_for(codec).is_some())
}

/// The codes that can be made here while a show runs: those for which an encoder gave pictures that a decoder gave back.
/// H.264 first. In software H.265 takes several times as long as H.264, so there only hardware counts.
pub fn usable_codecs() -> Vec<VideoCodec> {
    let counts = |codec, kind: BackendKind| codec == VideoCodec::Avc || kind.is_hardware();
    let usable = |codec: &VideoCodec| {
        let config = probe_config(*codec);
        let mut candidates = makers(*codec).filter(|kind| counts(*codec, *kind));
        config.is_some_and(|config| candidates.any(|kind| test_backend(kind, &config).passed))
    };
    CODECS.into_iter().filter(usable).collect()
}

/// Tries `kind` at the settings of `config`; once per process for each combination.
pub fn test_backend(kind: BackendKind, config: &RenditionConfig) -> BackendReport {
    let key =
        (kind, RenditionConfig { track: TrackId::PRIMARY, backend: None, requested: None, ..config.clone() });
    if let Some(known) = lock(cache()).get(&key) {
        return known.clone();
    }
    let report = test_now(kind, &key.1);
    tracing::info!(encoder = %kind, passed = report.passed, reason = %report.reason, took_ms = report.took_ms, "tried an encoder");
    lock(cache()).insert(key, report.clone());
    report
}

fn test_now(kind: BackendKind, config: &RenditionConfig) -> BackendReport {
    let codec = config.codec;
    let element = kind.element_for(codec).unwrap_or(kind.element());
    let mut report = BackendReport {
        kind,
        codec,
        element,
        available: false,
        passed: false,
        reason: String::new(),
        took_ms: 0,
    };
    if kind.element_for(codec).is_none() {
        report.reason = format!("it makes no {codec}");
        return report;
    }
    if let Err(error) = pipeline::init() {
        report.reason = error.to_string();
        return report;
    }
    let mut fake = None;
    if kind == BackendKind::NvencDirect {
        match nvenc::driver() {
            Ok(driver) => fake.clone_from(&driver.fake),
            Err(reason) => {
                report.reason = reason;
                return report;
            }
        }
    } else if gst::ElementFactory::find(element).is_none() {
        report.reason = format!("“{element}” is not installed");
        return report;
    }
    report.available = true;
    let begun = Instant::now();
    match self_test::run(kind, config) {
        Ok(words) => {
            report.passed = true;
            report.reason = words;
        }
        Err(words) => report.reason = words,
    }
    if let Some(name) = fake {
        report.reason = format!("{}; not a GPU: the library is {name}", report.reason);
    }
    report.took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    report
}

/// Chooses the encoder for a rendition: the one it names; or the family its requested settings name, if that passes its
/// self-test at the rendition's own settings; or the first of the fallback order that does.
///
/// # Errors
/// [`Error::BackendUnusable`] when the named one fails its test, [`Error::NoBackend`] when all do, or the first
/// setting that no encoder could honour.
pub fn choose(config: &RenditionConfig) -> Result<Choice, Error> {
    config.check()?;
    if let Some(kind) = config.backend {
        let report = test_backend(kind, config);
        return if report.passed {
            Ok(Choice { kind, reason: format!("asked for; {}", report.reason) })
        } else {
            Err(Error::BackendUnusable { kind, reason: report.reason })
        };
    }
    let mut passed_over = Vec::new();
    let mut first = "first choice";
    let requested = config.requested.as_ref().map(|requested| interpret(requested));
    let preferred = requested.as_ref().and_then(|requested| requested.backend);
    if let Some(requested) = &requested {
        match (requested.family, preferred) {
            (_, Some(_)) => first = "what the service asked for",
            (Some(family), None) => {
                passed_over
                    .push(format!("{family}, which the service asked for: it is not of this platform"));
            }
            (None, None) => passed_over.push("what the service asked for: nobody knows it".to_owned()),
        }
    }
    let others = makers(config.codec).filter(|kind| Some(*kind) != preferred);
    for kind in preferred.into_iter().chain(others) {
        let report = test_backend(kind, config);
        if report.passed {
            let reason = if passed_over.is_empty() {
                format!("{first}; {}", report.reason)
            } else {
                format!("{}; not {}", report.reason, passed_over.join(", not "))
            };
            return Ok(Choice { kind, reason });
        }
        let wish = if Some(kind) == preferred { ", which the service asked for" } else { "" };
        passed_over.push(format!("{kind}{wish}: {}", report.reason));
    }
    Err(Error::NoBackend { reasons: passed_over })
}
