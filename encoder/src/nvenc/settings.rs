//! The back-end table's assignments as fields of the driver's structures, checked against what the chip can do.

use nvenc_api::{
    B_REFERENCE_DISABLED, B_REFERENCE_EACH, B_REFERENCE_MIDDLE, CAPS_BFRAME_REF_MODE, CAPS_CABAC,
    CAPS_CUSTOM_VBV, CAPS_DYN_BITRATE_CHANGE, CAPS_HEIGHT_MAX, CAPS_HEIGHT_MIN, CAPS_LOOKAHEAD,
    CAPS_NUM_MAX_BFRAMES, CAPS_RATECONTROL_MODES, CAPS_TEMPORAL_AQ, CAPS_WIDTH_MAX, CAPS_WIDTH_MIN,
    CODEC_H264, CODEC_HEVC, COLOR_BT709, Config, ConfigH264, ConfigHevc, ENTROPY_CABAC, ENTROPY_CAVLC,
    FORMAT_NV12, FRAME_MODE, Guid, INFINITE_GOP, InitializeParams, LEVEL_AUTO, MULTI_PASS_DISABLED,
    MULTI_PASS_FULL, MULTI_PASS_QUARTER, PRESETS, PROFILE_H264_BASELINE, PROFILE_H264_HIGH,
    PROFILE_H264_MAIN, PROFILE_HEVC_MAIN, RC_CBR, RC_VBR, RcParams, TUNING_HIGH_QUALITY, TUNING_LOW_LATENCY,
    TUNING_ULTRA_LOW_LATENCY, VIDEO_FORMAT_UNSPECIFIED, VuiParameters,
};
use units::{VideoCodec, VideoProfile};

use super::session::Session;
use crate::backend::Mapping;
use crate::property::{Applied, Assignment, Honoured, NotHonoured, Value};
use crate::{Error, RenditionConfig};

/// What the chip can do with one code (`NvEncGetEncodeCaps`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Capabilities {
    b_frames: u32,
    rate_controls: u32,
    cabac: bool,
    width: (u32, u32),
    height: (u32, u32),
    pub(super) changes_bitrate: bool,
    own_buffer: bool,
    looks_ahead: bool,
    temporal: bool,
    b_references: u32,
}

impl Capabilities {
    fn of(session: &Session, code: Guid) -> Self {
        let ask = |capability| session.capability(code, capability);
        Self {
            b_frames: ask(CAPS_NUM_MAX_BFRAMES),
            rate_controls: ask(CAPS_RATECONTROL_MODES),
            cabac: ask(CAPS_CABAC) != 0,
            width: (ask(CAPS_WIDTH_MIN), ask(CAPS_WIDTH_MAX)),
            height: (ask(CAPS_HEIGHT_MIN), ask(CAPS_HEIGHT_MAX)),
            changes_bitrate: ask(CAPS_DYN_BITRATE_CHANGE) != 0,
            own_buffer: ask(CAPS_CUSTOM_VBV) != 0,
            looks_ahead: ask(CAPS_LOOKAHEAD) != 0,
            temporal: ask(CAPS_TEMPORAL_AQ) != 0,
            b_references: ask(CAPS_BFRAME_REF_MODE),
        }
    }
}

/// Everything a session is readied with, and what became of what was asked.
pub(super) struct Settings {
    pub(super) params: InitializeParams,
    pub(super) config: Config,
    pub(super) capabilities: Capabilities,
    /// Pictures that go in before the first comes out, at most.
    pub(super) delay: usize,
    pub(super) applied: Applied,
}

fn number(assignments: &[Assignment], name: &str) -> Option<i64> {
    assignments.iter().find(|assignment| assignment.names.contains(&name)).and_then(|found| {
        match found.value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    })
}

/// Works out the settings for `asked` on the chip that `session` is of.
///
/// # Errors
/// A code, size or required setting that the chip does not do, in words.
pub(super) fn plan(
    session: &Session,
    element: &str,
    asked: &RenditionConfig,
    profile: VideoProfile,
    mapping: Mapping,
) -> Result<Settings, Error> {
    let failed = |reason: String| Error::Open { element: element.to_owned(), reason };
    let code = match asked.codec {
        VideoCodec::Avc => CODEC_H264,
        VideoCodec::Hevc => CODEC_HEVC,
    };
    let codes = session.codes().map_err(|failure| failed(failure.to_string()))?;
    if !codes.contains(&code) {
        return Err(failed(format!("this GPU makes no {}; choose another encoder or code", asked.codec)));
    }
    let can = Capabilities::of(session, code);
    let (width, height) = (asked.size.width_px(), asked.size.height_px());
    let within = |side: u32, (least, most): (u32, u32)| side >= least && side <= most;
    if !within(width, can.width) || !within(height, can.height) {
        return Err(failed(format!(
            "this GPU codes pictures from {}x{} to {}x{}, and {} is outside of that",
            can.width.0, can.height.0, can.width.1, can.height.1, asked.size
        )));
    }
    let step = number(&mapping.assignments, "presetGUID").and_then(|step| usize::try_from(step - 1).ok());
    let preset = step.and_then(|step| PRESETS.get(step)).copied();
    let preset = preset.ok_or_else(|| failed("there is no such preset".to_owned()))?;
    let tuning = tuning_of(&mapping.assignments);
    let mut config = session.preset(code, preset, tuning).map_err(|failure| failed(failure.to_string()))?;
    begin(&mut config, asked.codec, profile, can);
    let mut applied =
        Applied { element: element.to_owned(), honoured: Vec::new(), not_honoured: mapping.not_honoured };
    for assignment in &mapping.assignments {
        let name = assignment.names.first().copied().unwrap_or_default();
        let setting = assignment.setting.to_owned();
        match apply(&mut config, asked.codec, can, name, &assignment.value) {
            Ok(value) => applied.honoured.push(Honoured { setting, property: name.to_owned(), value }),
            Err(reason) if assignment.required => return Err(failed(reason)),
            Err(reason) => applied.not_honoured.push(NotHonoured { setting, reason }),
        }
    }
    applied.honoured.extend(mapping.noted);
    if config.rc.mode == RC_CBR {
        config.rc.max_bit_rate = config.rc.average_bit_rate;
    }
    let ahead = if config.rc.flags & RcParams::ENABLE_LOOKAHEAD == 0 { 0 } else { config.rc.lookahead_depth };
    let reordered = usize::try_from(config.frame_interval_p - 1).unwrap_or(0);
    let params = InitializeParams {
        version: InitializeParams::VERSION,
        encode: code,
        preset,
        width,
        height,
        dar_width: width,
        dar_height: height,
        frame_rate_num: asked.rate.numerator(),
        frame_rate_den: asked.rate.denominator(),
        enable_ptd: 1,
        max_width: width,
        max_height: height,
        tuning,
        buffer_format: FORMAT_NV12,
        ..InitializeParams::default()
    };
    Ok(Settings { params, config, capabilities: can, delay: usize::from(ahead) + reordered, applied })
}

fn tuning_of(assignments: &[Assignment]) -> u32 {
    let found = assignments.iter().find(|assignment| assignment.names.contains(&"tuningInfo"));
    match found.map(|assignment| &assignment.value) {
        Some(Value::Nick(["low-latency"])) => TUNING_LOW_LATENCY,
        Some(Value::Nick(["ultra-low-latency"])) => TUNING_ULTRA_LOW_LATENCY,
        _ => TUNING_HIGH_QUALITY,
    }
}

/// What is so whatever is asked.
fn begin(config: &mut Config, codec: VideoCodec, profile: VideoProfile, can: Capabilities) {
    config.version = Config::VERSION;
    config.rc.version = RcParams::VERSION;
    config.frame_field_mode = FRAME_MODE;
    config.profile = match (codec, profile) {
        (VideoCodec::Hevc, _) => PROFILE_HEVC_MAIN,
        (VideoCodec::Avc, VideoProfile::ConstrainedBaseline) => PROFILE_H264_BASELINE,
        (VideoCodec::Avc, VideoProfile::Main) => PROFILE_H264_MAIN,
        (VideoCodec::Avc, VideoProfile::High) => PROFILE_H264_HIGH,
    };
    // What the compositor makes: BT.709 in limited range.
    let vui = VuiParameters {
        video_signal_type_present: 1,
        video_format: VIDEO_FORMAT_UNSPECIFIED,
        colour_description_present: 1,
        primaries: COLOR_BT709,
        transfer: COLOR_BT709,
        matrix: COLOR_BT709,
        // Decoders that are not told hold pictures back for as long as the level would allow.
        bitstream_restriction: 1,
        ..VuiParameters::default()
    };
    match codec {
        VideoCodec::Avc => with_h264(config, |h264| {
            h264.level = LEVEL_AUTO;
            h264.chroma_format = 1;
            h264.idr_period = INFINITE_GOP;
            h264.flags &= !ConfigH264::DISABLE_SPSPPS;
            h264.entropy_mode = if can.cabac && profile != VideoProfile::ConstrainedBaseline {
                ENTROPY_CABAC
            } else {
                ENTROPY_CAVLC
            };
            h264.b_frames_as_reference = B_REFERENCE_DISABLED;
            h264.vui = vui;
        }),
        VideoCodec::Hevc => with_hevc(config, |hevc| {
            hevc.level = LEVEL_AUTO;
            hevc.tier = 0;
            hevc.flags =
                hevc.flags & !(ConfigHevc::DISABLE_SPSPPS | ConfigHevc::CHROMA_MASK) | ConfigHevc::CHROMA_420;
            hevc.idr_period = INFINITE_GOP;
            hevc.b_frames_as_reference = B_REFERENCE_DISABLED;
            hevc.vui = vui;
        }),
    }
}

#[expect(unsafe_code, reason = "fields of a C union")]
fn with_h264(config: &mut Config, change: impl FnOnce(&mut ConfigH264)) {
    // SAFETY: both members are made of integers and pointers, for which any bits are a value.
    change(unsafe { &mut config.codec.h264 });
}

#[expect(unsafe_code, reason = "fields of a C union")]
fn with_hevc(config: &mut Config, change: impl FnOnce(&mut ConfigHevc)) {
    // SAFETY: as above.
    change(unsafe { &mut config.codec.hevc });
}

fn set_bit(config: &mut Config, codec: VideoCodec, h264: u32, hevc: u32, on: bool) {
    let put = |flags: &mut u32, bit: u32| *flags = if on { *flags | bit } else { *flags & !bit };
    match codec {
        VideoCodec::Avc => with_h264(config, |config| put(&mut config.flags, h264)),
        VideoCodec::Hevc => with_hevc(config, |config| put(&mut config.flags, hevc)),
    }
}

/// Sets the field `name`. Returns the value in words.
///
/// # Errors
/// In words, why the chip does not do it.
fn apply(
    config: &mut Config,
    codec: VideoCodec,
    can: Capabilities,
    name: &str,
    value: &Value,
) -> Result<String, String> {
    let shown = match value {
        Value::Nick(nicks) => nicks.first().copied().unwrap_or_default().to_owned(),
        other => other.to_string(),
    };
    let rc = &mut config.rc;
    match (name, value) {
        ("averageBitRate", Value::Number(bits)) => rc.average_bit_rate = whole(*bits)?,
        ("maxBitRate", Value::Number(bits)) => rc.max_bit_rate = whole(*bits)?,
        ("rateControlMode", Value::Nick(nicks)) => {
            rc.mode = if *nicks == ["cbr"] { RC_CBR } else { RC_VBR };
            if can.rate_controls & rc.mode == 0 {
                return Err(format!("this GPU has no {} rate control", shown.to_uppercase()));
            }
        }
        ("enableFillerDataInsertion", Value::Flag(on)) => {
            set_bit(config, codec, ConfigH264::FILLER_DATA, ConfigHevc::FILLER_DATA, *on);
        }
        ("gopLength", Value::Number(-1)) => {
            config.gop_length = INFINITE_GOP;
            return Ok("infinite".to_owned());
        }
        ("vbvBufferSize" | "vbvInitialDelay", Value::Number(_)) if !can.own_buffer => {
            return Err("this GPU chooses the size of the rate control buffer itself".to_owned());
        }
        ("vbvBufferSize", Value::Number(bits)) => rc.vbv_buffer_size = whole(*bits)?,
        ("vbvInitialDelay", Value::Number(bits)) => rc.vbv_initial_delay = whole(*bits)?,
        ("presetGUID", Value::Number(step)) => return Ok(format!("P{step}")),
        ("tuningInfo", Value::Nick(_)) => {}
        ("zeroReorderDelay", Value::Flag(on)) => rc.set(RcParams::ZERO_REORDER_DELAY, *on),
        ("frameIntervalP", Value::Number(interval)) => {
            let most = i64::from(can.b_frames) + 1;
            config.frame_interval_p = i32::try_from((*interval).min(most)).unwrap_or(1);
            if *interval > most {
                return Err(match can.b_frames {
                    0 => format!("this GPU codes no B-frames in {codec}"),
                    most => format!("this GPU codes {most} B-frames in a row at most, and so many it does"),
                });
            }
        }
        ("useBFramesAsRef", Value::Nick(nicks)) => {
            let mode = if *nicks == ["each"] { B_REFERENCE_EACH } else { B_REFERENCE_MIDDLE };
            if can.b_references & mode == 0 {
                return Err(format!("this GPU can not refer to {shown} B-frames in {codec}"));
            }
            if config.frame_interval_p < if mode == B_REFERENCE_MIDDLE { 3 } else { 2 } {
                return Err("there are too few B-frames for it".to_owned());
            }
            match codec {
                VideoCodec::Avc => with_h264(config, |config| config.b_frames_as_reference = mode),
                VideoCodec::Hevc => with_hevc(config, |config| config.b_frames_as_reference = mode),
            }
        }
        ("disableIadapt", Value::Flag(on)) => rc.set(RcParams::DISABLE_I_ADAPT, *on),
        ("strictGOPTarget", Value::Flag(on)) => rc.set(RcParams::STRICT_GOP, *on),
        ("outputAUD", Value::Flag(on)) => {
            set_bit(config, codec, ConfigH264::OUTPUT_AUD, ConfigHevc::OUTPUT_AUD, *on);
        }
        ("repeatSPSPPS", Value::Flag(on)) => {
            set_bit(config, codec, ConfigH264::REPEAT_SPSPPS, ConfigHevc::REPEAT_SPSPPS, *on);
        }
        ("lookaheadDepth", Value::Number(frames)) => {
            let on = *frames > 0;
            if on && !can.looks_ahead {
                return Err("this GPU does not look ahead".to_owned());
            }
            rc.set(RcParams::ENABLE_LOOKAHEAD, on);
            rc.lookahead_depth = u16::try_from(*frames).unwrap_or(0);
        }
        ("enableAQ", Value::Flag(on)) => rc.set(RcParams::ENABLE_AQ, *on),
        ("enableTemporalAQ", Value::Flag(on)) => {
            if *on && !can.temporal {
                return Err(format!("this GPU has no temporal adaptive quantisation in {codec}"));
            }
            rc.set(RcParams::ENABLE_TEMPORAL_AQ, *on);
        }
        ("aqStrength", Value::Number(strength)) => rc.set_aq_strength(whole(*strength)?.min(15)),
        ("multiPass", Value::Nick(nicks)) => {
            rc.multi_pass = match nicks {
                ["full-resolution"] => MULTI_PASS_FULL,
                ["quarter-resolution"] => MULTI_PASS_QUARTER,
                _ => MULTI_PASS_DISABLED,
            };
        }
        _ => return Err(format!("there is no field {name} that takes {value}")),
    }
    Ok(shown)
}

fn whole(number: i64) -> Result<u32, String> {
    u32::try_from(number).map_err(|_| format!("{number} is more than NVENC can count"))
}
