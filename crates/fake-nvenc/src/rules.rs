//! What settings a chip takes, and what a stream of them looks like.
#![expect(unsafe_code, reason = "fields of C unions and structures behind pointers")]

use nvenc_api::*;

use crate::bits::Bits;
use crate::wishes;

/// What the coders need to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    pub(crate) hevc: bool,
    /// `profile_idc`.
    pub(crate) profile: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Pictures per second, as a fraction.
    pub(crate) rate: (u32, u32),
    pub(crate) b_frames: u32,
    /// One of the `B_REFERENCE_` numbers.
    pub(crate) b_reference: u32,
    /// Parameter sets before every IDR.
    pub(crate) repeats_sets: bool,
    pub(crate) vui: VuiParameters,
}

impl Stream {
    /// Chroma samples that are coded and not shown, at the right and at the bottom.
    pub(crate) fn cut_off(&self) -> (u32, u32) {
        let beyond = |side: u32| (side.next_multiple_of(16) - side) / 2;
        (beyond(self.width), beyond(self.height))
    }

    /// Pictures that are shown after one that was coded behind them, at most.
    pub(crate) fn reordered(&self) -> u32 {
        match (self.b_frames, self.b_reference) {
            (0, _) => 0,
            (1, _) | (_, B_REFERENCE_DISABLED) => 1,
            _ => 2,
        }
    }

    /// References at most.
    pub(crate) fn references(&self) -> u32 {
        1 + self.reordered()
    }

    /// The lowest level that takes size and rate (ITU-T H.264, table A-1).
    pub(crate) fn avc_level(&self) -> u32 {
        let blocks = self.width.div_ceil(16) * self.height.div_ceil(16);
        let per_second = u64::from(blocks) * u64::from(self.rate.0) / u64::from(self.rate.1.max(1));
        [
            (1620, 40_500, 30),
            (3600, 108_000, 31),
            (8192, 245_760, 40),
            (8704, 522_240, 42),
            (36_864, 2_073_600, 52),
        ]
        .into_iter()
        .find(|(size, rate, _)| blocks <= *size && per_second <= *rate)
        .map_or(62, |(_, _, level)| level)
    }

    /// A level of thirty times its number (ITU-T H.265, A.4.1).
    pub(crate) fn hevc_level(&self) -> u32 {
        match u64::from(self.width) * u64::from(self.height) {
            0..=983_040 => 93,
            983_041..=2_228_224 => 123,
            _ => 153,
        }
    }

    /// `video_signal_type_present_flag` and what follows it, the same in both codes.
    pub(crate) fn write_signal(&self, bits: &mut Bits) {
        let vui = &self.vui;
        bits.bit(vui.video_signal_type_present != 0);
        if vui.video_signal_type_present == 0 {
            return;
        }
        bits.number(vui.video_format, 3);
        bits.bit(vui.full_range != 0);
        bits.bit(vui.colour_description_present != 0);
        if vui.colour_description_present != 0 {
            for value in [vui.primaries, vui.transfer, vui.matrix] {
                bits.number(value, 8);
            }
        }
    }
}

/// A refusal: which status, and why.
pub(crate) type Refusal = (Status, String);

pub(crate) fn refuse<T>(status: Status, why: impl Into<String>) -> Result<T, Refusal> {
    Err((status, why.into()))
}

/// Refuses a structure whose version word or whose reserved words are not as they must be.
macro_rules! check_form {
    ($name:literal, $form:expr, $version:expr $(, $reserved:expr)* $(,)?) => {{
        if $form.version != $version {
            return $crate::rules::refuse(
                nvenc_api::Status::INVALID_VERSION,
                format!("{}: the wrong version word, {:#010x}", $name, $form.version),
            );
        }
        $(if !$crate::rules::is_zero($reserved) {
            return $crate::rules::refuse(
                nvenc_api::Status::INVALID_PARAM,
                concat!($name, ": ", stringify!($reserved), " is not zero"),
            );
        })*
    }};
}
pub(crate) use check_form;

/// Whether something of plain numbers is zero.
pub(crate) fn is_zero<T: Copy>(value: &T) -> bool {
    // SAFETY: only called with arrays of integers and pointers, all of whose bytes are initialised.
    let bytes =
        unsafe { core::slice::from_raw_parts(std::ptr::from_ref(value).cast::<u8>(), size_of::<T>()) };
    bytes.iter().all(|byte| *byte == 0)
}

/// The value of a capability: as wished, or of a chip that can do it all.
pub(crate) fn capability(code: Guid, number: u32) -> i64 {
    wishes::get(&format!("caps.{number}")).unwrap_or(match number {
        CAPS_NUM_MAX_BFRAMES => 4,
        CAPS_RATECONTROL_MODES | CAPS_BFRAME_REF_MODE => 3,
        CAPS_CABAC => i64::from(code == CODEC_H264),
        CAPS_WIDTH_MAX | CAPS_HEIGHT_MAX => 4096,
        CAPS_WIDTH_MIN => 145,
        CAPS_HEIGHT_MIN => 49,
        CAPS_DYN_BITRATE_CHANGE
        | CAPS_CUSTOM_VBV
        | CAPS_LOOKAHEAD
        | CAPS_TEMPORAL_AQ
        | CAPS_NUM_ENCODER_ENGINES => 1,
        _ => 0,
    })
}

/// The codes there are.
pub(crate) fn codes() -> Vec<Guid> {
    if wishes::get("hevc") == Some(0) { vec![CODEC_H264] } else { vec![CODEC_H264, CODEC_HEVC] }
}

/// Refuses what no chip would take, or this one does not.
pub(crate) fn check(params: &InitializeParams, config: &Config) -> Result<Stream, Refusal> {
    let invalid = |why: String| refuse(Status::INVALID_PARAM, why);
    let unsupported = |why: &str| refuse(Status::UNSUPPORTED_PARAM, why);
    check_form!(
        "NV_ENC_INITIALIZE_PARAMS",
        params,
        InitializeParams::VERSION,
        &params.flags,
        &params.priv_data_size,
        &params.priv_data,
        &params.me_hint_counts,
        &params.num_state_buffers,
        &params.output_stats_level,
        &params.reserved,
        &params.reserved2,
    );
    check_form!(
        "NV_ENC_CONFIG",
        config,
        Config::VERSION,
        &config.monochrome,
        &config.reserved,
        &config.reserved2
    );
    let rc = &config.rc;
    check_form!("NV_ENC_RC_PARAMS", rc, RcParams::VERSION, &rc.reserved2, &rc.reserved, &rc.qp_map_mode);
    if rc.flags & RcParams::RESERVED != 0 {
        return invalid("NV_ENC_RC_PARAMS: reserved bits are set".to_owned());
    }
    let code = params.encode;
    if !codes().contains(&code) {
        return refuse(Status::INVALID_PARAM, "there is no such code");
    }
    let hevc = code == CODEC_HEVC;
    if !PRESETS.contains(&params.preset) {
        return refuse(Status::INVALID_PARAM, "there is no such preset");
    }
    if !(TUNING_HIGH_QUALITY..=TUNING_LOSSLESS).contains(&params.tuning) {
        return refuse(Status::INVALID_PARAM, "presets P1 to P7 want a tuning");
    }
    if params.tuning == TUNING_LOSSLESS && rc.mode != RC_CONSTQP {
        return refuse(Status::INVALID_PARAM, "without loss there is no bitrate");
    }
    let can = |number| capability(code, number);
    let within = |side: u32, least, most| (can(least)..=can(most)).contains(&i64::from(side));
    if !within(params.width, CAPS_WIDTH_MIN, CAPS_WIDTH_MAX)
        || !within(params.height, CAPS_HEIGHT_MIN, CAPS_HEIGHT_MAX)
        || params.width % 2 + params.height % 2 != 0
    {
        return invalid(format!("no pictures of {}x{}", params.width, params.height));
    }
    if params.max_width < params.width || params.max_height < params.height {
        return refuse(Status::INVALID_PARAM, "pictures are larger than they may become");
    }
    if params.frame_rate_num == 0
        || params.frame_rate_den == 0
        || params.dar_width == 0
        || params.dar_height == 0
    {
        return refuse(Status::INVALID_PARAM, "no rate or no shape");
    }
    if params.enable_ptd != 1 {
        return refuse(Status::UNSUPPORTED_PARAM, "kinds of pictures are decided here");
    }
    if params.enable_async != 0 {
        return refuse(Status::UNSUPPORTED_PARAM, "there are no events here");
    }
    if params.buffer_format != FORMAT_NV12 {
        return refuse(Status::UNSUPPORTED_PARAM, "only NV12 goes in");
    }
    if config.frame_field_mode != FRAME_MODE {
        return refuse(Status::UNSUPPORTED_PARAM, "only frames");
    }
    if rc.mode > RC_CBR || rc.mode != RC_CONSTQP && can(CAPS_RATECONTROL_MODES) & i64::from(rc.mode) == 0 {
        return unsupported("there is no such rate control");
    }
    if rc.mode != RC_CONSTQP {
        if rc.average_bit_rate == 0 {
            return refuse(Status::INVALID_PARAM, "a bitrate of nothing");
        }
        if rc.max_bit_rate < rc.average_bit_rate
            || rc.mode == RC_CBR && rc.max_bit_rate != rc.average_bit_rate
        {
            return invalid(format!("{} at most, {} on average", rc.max_bit_rate, rc.average_bit_rate));
        }
    }
    if rc.vbv_buffer_size != 0 && can(CAPS_CUSTOM_VBV) == 0 {
        return unsupported("the size of the buffer is the chip's");
    }
    if rc.vbv_initial_delay > rc.vbv_buffer_size {
        return refuse(Status::INVALID_PARAM, "there is more in the buffer than goes in");
    }
    if rc.multi_pass > MULTI_PASS_FULL {
        return refuse(Status::INVALID_PARAM, "there is no such multipass");
    }
    let looks = rc.flags & RcParams::ENABLE_LOOKAHEAD != 0;
    if looks && (can(CAPS_LOOKAHEAD) == 0 || rc.lookahead_depth > 32) {
        return unsupported("it does not look so far ahead");
    }
    if looks && params.tuning != TUNING_HIGH_QUALITY {
        return refuse(Status::INVALID_PARAM, "low latency and lookahead exclude each other");
    }
    if rc.flags & RcParams::ENABLE_TEMPORAL_AQ != 0 && can(CAPS_TEMPORAL_AQ) == 0 {
        return unsupported("there is no temporal adaptive quantisation");
    }
    if rc.aq_strength() != 0 && rc.flags & RcParams::ENABLE_AQ == 0 {
        return refuse(Status::INVALID_PARAM, "a strength of an adaptive quantisation that is off");
    }
    let Ok(b_frames) = u32::try_from(config.frame_interval_p - 1) else {
        return unsupported("intra pictures only are not made here");
    };
    if i64::from(b_frames) > can(CAPS_NUM_MAX_BFRAMES) {
        return unsupported("so many B-frames it does not code");
    }
    if b_frames > 0 && params.tuning != TUNING_HIGH_QUALITY {
        return refuse(Status::INVALID_PARAM, "low latency and B-frames exclude each other");
    }
    // SAFETY: both members are made of integers and pointers, for which any bits are a value.
    let (h264, h265) = unsafe { (&config.codec.h264, &config.codec.hevc) };
    let (profile, idr_period, b_reference, sets, vui) = if hevc {
        if config.profile != PROFILE_HEVC_MAIN
            || h265.flags & ConfigHevc::CHROMA_MASK != ConfigHevc::CHROMA_420
        {
            return refuse(Status::INVALID_PARAM, "only Main, 4:2:0");
        }
        if h265.flags & (ConfigHevc::RESERVED | ConfigHevc::DISABLE_SPSPPS | ConfigHevc::OUTPUT_AUD) != 0 {
            return refuse(Status::INVALID_PARAM, "bits of H.265 that are not for us");
        }
        let repeats = h265.flags & ConfigHevc::REPEAT_SPSPPS != 0;
        (1, h265.idr_period, h265.b_frames_as_reference, repeats, h265.vui)
    } else {
        let profile = match config.profile {
            PROFILE_H264_BASELINE => 66,
            PROFILE_H264_MAIN => 77,
            PROFILE_H264_HIGH => 100,
            _ => return refuse(Status::INVALID_PARAM, "there is no such profile"),
        };
        if h264.chroma_format != 1 {
            return refuse(Status::INVALID_PARAM, "only 4:2:0");
        }
        if profile == 66 && (b_frames > 0 || h264.entropy_mode == ENTROPY_CABAC) {
            return refuse(Status::INVALID_PARAM, "Baseline has neither B-frames nor CABAC");
        }
        if h264.flags & (ConfigH264::RESERVED | ConfigH264::DISABLE_SPSPPS | ConfigH264::OUTPUT_AUD) != 0 {
            return refuse(Status::INVALID_PARAM, "bits of H.264 that are not for us");
        }
        let repeats = h264.flags & ConfigH264::REPEAT_SPSPPS != 0;
        (profile, h264.idr_period, h264.b_frames_as_reference, repeats, h264.vui)
    };
    if config.gop_length != INFINITE_GOP || idr_period != INFINITE_GOP {
        return refuse(Status::UNSUPPORTED_PARAM, "here groups of pictures end when they are told to");
    }
    if b_reference > B_REFERENCE_MIDDLE
        || i64::from(b_reference) & !can(CAPS_BFRAME_REF_MODE) != 0
        || b_reference == B_REFERENCE_EACH && b_frames < 1
        || b_reference == B_REFERENCE_MIDDLE && b_frames < 2
    {
        return unsupported("no B-frame is referred to in this way");
    }
    if !is_zero(&vui.reserved) {
        return refuse(Status::INVALID_PARAM, "NV_ENC_CONFIG_VUI_PARAMETERS: reserved is not zero");
    }
    Ok(Stream {
        hevc,
        profile,
        width: params.width,
        height: params.height,
        rate: (params.frame_rate_num, params.frame_rate_den),
        b_frames,
        b_reference,
        repeats_sets: sets,
        vui,
    })
}

/// Refuses what can not change in a running session (`nvEncodeAPI.h`, `NvEncReconfigureEncoder`).
pub(crate) fn check_change(
    (old, was): (&InitializeParams, &Config),
    (new, is): (&InitializeParams, &Config),
) -> Result<(), Refusal> {
    let same = |what, same: bool| {
        if same { Ok(()) } else { refuse(Status::INVALID_PARAM, format!("{what} can not change")) }
    };
    same("the code", old.encode == new.encode)?;
    same("the preset", old.preset == new.preset && old.tuning == new.tuning)?;
    same("the size", (old.width, old.height) == (new.width, new.height))?;
    same("who decides on kinds of pictures", old.enable_ptd == new.enable_ptd)?;
    same("events", old.enable_async == new.enable_async)?;
    same("the profile", was.profile == is.profile)?;
    same(
        "the group of pictures",
        (was.gop_length, was.frame_interval_p) == (is.gop_length, is.frame_interval_p),
    )?;
    let kept = RcParams::ENABLE_LOOKAHEAD | RcParams::ENABLE_AQ | RcParams::ENABLE_TEMPORAL_AQ;
    same("lookahead and adaptive quantisation", was.rc.flags & kept == is.rc.flags & kept)?;
    same("lookahead", was.rc.lookahead_depth == is.rc.lookahead_depth)?;
    if capability(new.encode, CAPS_DYN_BITRATE_CHANGE) == 0 {
        return refuse(Status::UNSUPPORTED_PARAM, "no bitrate changes here");
    }
    Ok(())
}

/// What a preset means with a tuning: enough of it that whoever takes it over has whole settings.
pub(crate) fn preset(config: &mut Config, code: Guid, tuning: u32) {
    config.version = Config::VERSION;
    config.profile = if code == CODEC_HEVC { PROFILE_HEVC_MAIN } else { PROFILE_H264_HIGH };
    config.gop_length = 250;
    config.frame_interval_p = if tuning == TUNING_HIGH_QUALITY { 3 } else { 1 };
    config.frame_field_mode = FRAME_MODE;
    config.rc.version = RcParams::VERSION;
    config.rc.mode = RC_VBR;
    config.rc.average_bit_rate = 5_000_000;
    config.rc.max_bit_rate = 7_500_000;
    if code == CODEC_HEVC {
        config.codec.hevc =
            ConfigHevc { flags: ConfigHevc::CHROMA_420, idr_period: 250, ..ConfigHevc::default() };
    } else {
        config.codec.h264 = ConfigH264 { chroma_format: 1, idr_period: 250, ..ConfigH264::default() };
    }
}

/// A field by its name in the header.
pub(crate) fn field(name: &str, params: &InitializeParams, config: &Config) -> Option<i64> {
    let rc = &config.rc;
    let hevc = params.encode == CODEC_HEVC;
    // SAFETY: as above.
    let (h264, h265) = unsafe { (&config.codec.h264, &config.codec.hevc) };
    let own = |avc: u32, other: u32| i64::from(if hevc { other } else { avc });
    let bit =
        |avc: u32, other: u32| i64::from(if hevc { h265.flags & other != 0 } else { h264.flags & avc != 0 });
    let flag = |bits: u32| i64::from(rc.flags & bits != 0);
    Some(match name {
        "averageBitRate" => i64::from(rc.average_bit_rate),
        "maxBitRate" => i64::from(rc.max_bit_rate),
        "rateControlMode" => i64::from(rc.mode),
        "vbvBufferSize" => i64::from(rc.vbv_buffer_size),
        "vbvInitialDelay" => i64::from(rc.vbv_initial_delay),
        "gopLength" => i64::from(config.gop_length),
        "frameIntervalP" => i64::from(config.frame_interval_p),
        "presetGUID" => (1..).zip(PRESETS).find(|(_, preset)| *preset == params.preset)?.0,
        "tuningInfo" => i64::from(params.tuning),
        "multiPass" => i64::from(rc.multi_pass),
        "lookaheadDepth" => flag(RcParams::ENABLE_LOOKAHEAD) * i64::from(rc.lookahead_depth),
        "enableAQ" => flag(RcParams::ENABLE_AQ),
        "enableTemporalAQ" => flag(RcParams::ENABLE_TEMPORAL_AQ),
        "aqStrength" => i64::from(rc.aq_strength()),
        "zeroReorderDelay" => flag(RcParams::ZERO_REORDER_DELAY),
        "disableIadapt" => flag(RcParams::DISABLE_I_ADAPT),
        "strictGOPTarget" => flag(RcParams::STRICT_GOP),
        "useBFramesAsRef" => own(h264.b_frames_as_reference, h265.b_frames_as_reference),
        "repeatSPSPPS" => bit(ConfigH264::REPEAT_SPSPPS, ConfigHevc::REPEAT_SPSPPS),
        "outputAUD" => bit(ConfigH264::OUTPUT_AUD, ConfigHevc::OUTPUT_AUD),
        "enableFillerDataInsertion" => bit(ConfigH264::FILLER_DATA, ConfigHevc::FILLER_DATA),
        _ => return None,
    })
}
