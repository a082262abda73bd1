//! Sizes, offsets, numbers and bits are those of the bindings that were made from NVIDIA's header.
#![expect(unsafe_code, reason = "fields of the bindings' structures are set to see which bits they are")]

use std::mem::{MaybeUninit, align_of, offset_of, size_of};

use nvenc_api as ours;
use nvidia_video_codec_sdk::sys::nvEncodeAPI as theirs;

macro_rules! same {
    ($ours:ident, $theirs:ident, { $($field:ident: $their_field:ident),* $(,)? }) => {
        assert_eq!(size_of::<ours::$ours>(), size_of::<theirs::$theirs>(), stringify!($ours));
        assert_eq!(align_of::<ours::$ours>(), align_of::<theirs::$theirs>(), stringify!($ours));
        $(assert_eq!(
            offset_of!(ours::$ours, $field), offset_of!(theirs::$theirs, $their_field),
            "{}.{}", stringify!($ours), stringify!($field)
        );)*
    };
}

#[test]
fn structures_are_laid_out_as_in_the_header() {
    same!(Guid, GUID, { data1: Data1, data2: Data2, data3: Data3, data4: Data4 });
    same!(OpenSession, NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS, {
        version: version, device_type: deviceType, device: device, api_version: apiVersion, reserved2: reserved2,
    });
    same!(CapsParam, NV_ENC_CAPS_PARAM, { caps: capsToQuery });
    same!(RcParams, NV_ENC_RC_PARAMS, {
        mode: rateControlMode, const_qp: constQP, average_bit_rate: averageBitRate, max_bit_rate: maxBitRate,
        vbv_buffer_size: vbvBufferSize, vbv_initial_delay: vbvInitialDelay, flags: _bitfield_1, min_qp: minQP,
        max_qp: maxQP, initial_qp: initialRCQP, temporal_layer_mask: temporallayerIdxMask,
        target_quality: targetQuality, lookahead_depth: lookaheadDepth, qp_map_mode: qpMapMode,
        multi_pass: multiPass, cb_qp_offset: cbQPIndexOffset, reserved: reserved,
    });
    same!(VuiParameters, NV_ENC_CONFIG_H264_VUI_PARAMETERS, {
        video_signal_type_present: videoSignalTypePresentFlag, video_format: videoFormat,
        full_range: videoFullRangeFlag, colour_description_present: colourDescriptionPresentFlag,
        primaries: colourPrimaries, transfer: transferCharacteristics, matrix: colourMatrix,
        chroma_location_present: chromaSampleLocationFlag, bitstream_restriction: bitstreamRestrictionFlag,
        timing_info_present: timingInfoPresentFlag, num_units_in_tick: numUnitInTicks, time_scale: timeScale,
    });
    same!(ConfigH264, NV_ENC_CONFIG_H264, {
        flags: _bitfield_1, level: level, idr_period: idrPeriod, entropy_mode: entropyCodingMode,
        max_num_ref_frames: maxNumRefFrames, slice_mode: sliceMode, vui: h264VUIParameters,
        chroma_format: chromaFormatIDC, b_frames_as_reference: useBFramesAsRef, reserved2: reserved2,
    });
    same!(ConfigHevc, NV_ENC_CONFIG_HEVC, {
        level: level, tier: tier, flags: _bitfield_1, idr_period: idrPeriod, max_num_ref_frames: maxNumRefFramesInDPB,
        vui: hevcVUIParameters, b_frames_as_reference: useBFramesAsRef, reserved2: reserved2,
    });
    same!(CodecConfig, NV_ENC_CODEC_CONFIG, {});
    same!(Config, NV_ENC_CONFIG, {
        profile: profileGUID, gop_length: gopLength, frame_interval_p: frameIntervalP,
        frame_field_mode: frameFieldMode, rc: rcParams, codec: encodeCodecConfig, reserved2: reserved2,
    });
    same!(PresetConfig, NV_ENC_PRESET_CONFIG, { config: presetCfg, reserved2: reserved2 });
    same!(InitializeParams, NV_ENC_INITIALIZE_PARAMS, {
        encode: encodeGUID, preset: presetGUID, width: encodeWidth, height: encodeHeight, dar_width: darWidth,
        frame_rate_num: frameRateNum, frame_rate_den: frameRateDen, enable_async: enableEncodeAsync,
        enable_ptd: enablePTD, flags: _bitfield_1, priv_data: privData, config: encodeConfig, max_width: maxEncodeWidth,
        me_hint_counts: maxMEHintCountsPerBlock, tuning: tuningInfo, buffer_format: bufferFormat,
        output_stats_level: outputStatsLevel, reserved2: reserved2,
    });
    same!(ReconfigureParams, NV_ENC_RECONFIGURE_PARAMS, { initialize: reInitEncodeParams, flags: _bitfield_1 });
    same!(CreateInputBuffer, NV_ENC_CREATE_INPUT_BUFFER, {
        width: width, height: height, format: bufferFmt, buffer: inputBuffer, reserved2: reserved2,
    });
    same!(LockInputBuffer, NV_ENC_LOCK_INPUT_BUFFER, {
        flags: _bitfield_1, buffer: inputBuffer, data: bufferDataPtr, pitch: pitch, reserved2: reserved2,
    });
    same!(CreateBitstreamBuffer, NV_ENC_CREATE_BITSTREAM_BUFFER, { buffer: bitstreamBuffer, reserved2: reserved2 });
    same!(FencePointD3d12, NV_ENC_FENCE_POINT_D3D12, {
        fence: pFence, wait_value: waitValue, signal_value: signalValue, flags: _bitfield_1,
    });
    same!(InputResourceD3d12, NV_ENC_INPUT_RESOURCE_D3D12, { buffer: pInputBuffer, fence_point: inputFencePoint });
    same!(OutputResourceD3d12, NV_ENC_OUTPUT_RESOURCE_D3D12, {
        buffer: pOutputBuffer, fence_point: outputFencePoint,
    });
    same!(RegisterResource, NV_ENC_REGISTER_RESOURCE, {
        resource_type: resourceType, width: width, pitch: pitch, subresource: subResourceIndex,
        resource: resourceToRegister, registered: registeredResource, format: bufferFormat, usage: bufferUsage,
        input_fence_point: pInputFencePoint, reserved2: reserved2,
    });
    same!(MapInputResource, NV_ENC_MAP_INPUT_RESOURCE, {
        registered: registeredResource, mapped: mappedResource, mapped_format: mappedBufferFmt, reserved2: reserved2,
    });
    same!(CodecPicParams, NV_ENC_CODEC_PIC_PARAMS, {});
    same!(PicParams, NV_ENC_PIC_PARAMS, {
        width: inputWidth, pitch: inputPitch, flags: encodePicFlags, timestamp: inputTimeStamp, input: inputBuffer,
        output: outputBitstream, completion_event: completionEvent, format: bufferFmt, picture_struct: pictureStruct,
        picture_type: pictureType, codec: codecPicParams, me_hints: meExternalHints, qp_delta_map: qpDeltaMap,
        alpha: alphaBuffer, reconstruction: outputReconBuffer, reserved4: reserved4,
    });
    same!(LockBitstream, NV_ENC_LOCK_BITSTREAM, {
        flags: _bitfield_1, output: outputBitstream, size: bitstreamSizeInBytes, timestamp: outputTimeStamp,
        data: bitstreamBufferPtr, picture_type: pictureType, stats: outputStatsPtr, reserved2: reserved2,
        reserved_internal: reservedInternal,
    });
    same!(FunctionList, NV_ENCODE_API_FUNCTION_LIST, {
        encode_guid_count: nvEncGetEncodeGUIDCount, encode_guids: nvEncGetEncodeGUIDs, encode_caps: nvEncGetEncodeCaps,
        initialize: nvEncInitializeEncoder, create_input_buffer: nvEncCreateInputBuffer,
        destroy_input_buffer: nvEncDestroyInputBuffer, create_bitstream_buffer: nvEncCreateBitstreamBuffer,
        destroy_bitstream_buffer: nvEncDestroyBitstreamBuffer, encode_picture: nvEncEncodePicture,
        lock_bitstream: nvEncLockBitstream, unlock_bitstream: nvEncUnlockBitstream,
        lock_input_buffer: nvEncLockInputBuffer, unlock_input_buffer: nvEncUnlockInputBuffer,
        map_input_resource: nvEncMapInputResource, unmap_input_resource: nvEncUnmapInputResource,
        destroy_encoder: nvEncDestroyEncoder, open_session_ex: nvEncOpenEncodeSessionEx,
        register_resource: nvEncRegisterResource, unregister_resource: nvEncUnregisterResource,
        reconfigure: nvEncReconfigureEncoder, last_error: nvEncGetLastErrorString,
        preset_config_ex: nvEncGetEncodePresetConfigEx, reserved2: reserved2,
    });
}

/// The first word of a structure of theirs in which one field was set.
macro_rules! bit {
    ($theirs:ident, $set:ident, $value:expr) => {{
        // SAFETY: the structure is only ever looked at through a pointer to its flags, which are integers; its
        // enumerations are never read.
        unsafe {
            let mut made = MaybeUninit::<theirs::$theirs>::zeroed();
            (*made.as_mut_ptr()).$set($value);
            (&raw const (*made.as_ptr())._bitfield_1).cast::<u32>().read_unaligned()
        }
    }};
}

#[test]
fn bits_are_where_the_header_has_them() {
    assert_eq!(bit!(NV_ENC_RC_PARAMS, set_enableAQ, 1), ours::RcParams::ENABLE_AQ);
    assert_eq!(bit!(NV_ENC_RC_PARAMS, set_enableLookahead, 1), ours::RcParams::ENABLE_LOOKAHEAD);
    assert_eq!(bit!(NV_ENC_RC_PARAMS, set_disableIadapt, 1), ours::RcParams::DISABLE_I_ADAPT);
    assert_eq!(bit!(NV_ENC_RC_PARAMS, set_disableBadapt, 1), ours::RcParams::DISABLE_B_ADAPT);
    assert_eq!(bit!(NV_ENC_RC_PARAMS, set_enableTemporalAQ, 1), ours::RcParams::ENABLE_TEMPORAL_AQ);
    assert_eq!(bit!(NV_ENC_RC_PARAMS, set_zeroReorderDelay, 1), ours::RcParams::ZERO_REORDER_DELAY);
    assert_eq!(bit!(NV_ENC_RC_PARAMS, set_strictGOPTarget, 1), ours::RcParams::STRICT_GOP);
    assert_eq!(
        bit!(NV_ENC_RC_PARAMS, set_reservedBitFields, 0x7fff)
            | bit!(NV_ENC_RC_PARAMS, set_reservedBitField1, 1),
        ours::RcParams::RESERVED
    );
    let mut rc = ours::RcParams::default();
    rc.set_aq_strength(11);
    assert_eq!(bit!(NV_ENC_RC_PARAMS, set_aqStrength, 11), rc.flags);
    assert_eq!(rc.aq_strength(), 11);
    assert_eq!(bit!(NV_ENC_CONFIG_H264, set_outputAUD, 1), ours::ConfigH264::OUTPUT_AUD);
    assert_eq!(bit!(NV_ENC_CONFIG_H264, set_disableSPSPPS, 1), ours::ConfigH264::DISABLE_SPSPPS);
    assert_eq!(bit!(NV_ENC_CONFIG_H264, set_repeatSPSPPS, 1), ours::ConfigH264::REPEAT_SPSPPS);
    assert_eq!(bit!(NV_ENC_CONFIG_H264, set_enableFillerDataInsertion, 1), ours::ConfigH264::FILLER_DATA);
    assert_eq!(bit!(NV_ENC_CONFIG_H264, set_reservedBitFields, 0x3ff), ours::ConfigH264::RESERVED);
    assert_eq!(bit!(NV_ENC_CONFIG_HEVC, set_outputAUD, 1), ours::ConfigHevc::OUTPUT_AUD);
    assert_eq!(bit!(NV_ENC_CONFIG_HEVC, set_disableSPSPPS, 1), ours::ConfigHevc::DISABLE_SPSPPS);
    assert_eq!(bit!(NV_ENC_CONFIG_HEVC, set_repeatSPSPPS, 1), ours::ConfigHevc::REPEAT_SPSPPS);
    assert_eq!(bit!(NV_ENC_CONFIG_HEVC, set_chromaFormatIDC, 1), ours::ConfigHevc::CHROMA_420);
    assert_eq!(bit!(NV_ENC_CONFIG_HEVC, set_chromaFormatIDC, 3), ours::ConfigHevc::CHROMA_MASK);
    assert_eq!(bit!(NV_ENC_CONFIG_HEVC, set_enableFillerDataInsertion, 1), ours::ConfigHevc::FILLER_DATA);
    assert_eq!(bit!(NV_ENC_CONFIG_HEVC, set_reserved, 0xfff), ours::ConfigHevc::RESERVED);
    assert_eq!(bit!(NV_ENC_RECONFIGURE_PARAMS, set_resetEncoder, 1), ours::ReconfigureParams::RESET_ENCODER);
    assert_eq!(bit!(NV_ENC_RECONFIGURE_PARAMS, set_forceIDR, 1), ours::ReconfigureParams::FORCE_IDR);
    assert_eq!(bit!(NV_ENC_FENCE_POINT_D3D12, set_bWait, 1), ours::FencePointD3d12::WAIT);
    assert_eq!(bit!(NV_ENC_FENCE_POINT_D3D12, set_bSignal, 1), ours::FencePointD3d12::SIGNAL);
}

fn same_guid(our: ours::Guid, their: theirs::GUID) {
    assert_eq!(
        (our.data1, our.data2, our.data3, our.data4),
        (their.Data1, their.Data2, their.Data3, their.Data4)
    );
}

#[test]
fn names_and_numbers_are_the_headers() {
    same_guid(ours::CODEC_H264, theirs::NV_ENC_CODEC_H264_GUID);
    same_guid(ours::CODEC_HEVC, theirs::NV_ENC_CODEC_HEVC_GUID);
    same_guid(ours::PROFILE_H264_BASELINE, theirs::NV_ENC_H264_PROFILE_BASELINE_GUID);
    same_guid(ours::PROFILE_H264_MAIN, theirs::NV_ENC_H264_PROFILE_MAIN_GUID);
    same_guid(ours::PROFILE_H264_HIGH, theirs::NV_ENC_H264_PROFILE_HIGH_GUID);
    same_guid(ours::PROFILE_HEVC_MAIN, theirs::NV_ENC_HEVC_PROFILE_MAIN_GUID);
    let presets = [
        theirs::NV_ENC_PRESET_P1_GUID,
        theirs::NV_ENC_PRESET_P2_GUID,
        theirs::NV_ENC_PRESET_P3_GUID,
        theirs::NV_ENC_PRESET_P4_GUID,
        theirs::NV_ENC_PRESET_P5_GUID,
        theirs::NV_ENC_PRESET_P6_GUID,
        theirs::NV_ENC_PRESET_P7_GUID,
    ];
    for (our, their) in ours::PRESETS.into_iter().zip(presets) {
        same_guid(our, their);
    }
    macro_rules! numbers {
        ($($our:ident = $type:ident::$their:ident),* $(,)?) => {
            $(assert_eq!(ours::$our, theirs::$type::$their as u32, stringify!($our));)*
        };
    }
    numbers!(
        DEVICE_DIRECTX = NV_ENC_DEVICE_TYPE::NV_ENC_DEVICE_TYPE_DIRECTX,
        DEVICE_CUDA = NV_ENC_DEVICE_TYPE::NV_ENC_DEVICE_TYPE_CUDA,
        FORMAT_NV12 = NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_NV12,
        FORMAT_U8 = NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_U8,
        USAGE_OUTPUT_BITSTREAM = NV_ENC_BUFFER_USAGE::NV_ENC_OUTPUT_BITSTREAM,
        RC_VBR = NV_ENC_PARAMS_RC_MODE::NV_ENC_PARAMS_RC_VBR,
        RC_CBR = NV_ENC_PARAMS_RC_MODE::NV_ENC_PARAMS_RC_CBR,
        MULTI_PASS_QUARTER = NV_ENC_MULTI_PASS::NV_ENC_TWO_PASS_QUARTER_RESOLUTION,
        MULTI_PASS_FULL = NV_ENC_MULTI_PASS::NV_ENC_TWO_PASS_FULL_RESOLUTION,
        TUNING_HIGH_QUALITY = NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_HIGH_QUALITY,
        TUNING_LOW_LATENCY = NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_LOW_LATENCY,
        TUNING_ULTRA_LOW_LATENCY = NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY,
        TUNING_LOSSLESS = NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_LOSSLESS,
        B_REFERENCE_EACH = NV_ENC_BFRAME_REF_MODE::NV_ENC_BFRAME_REF_MODE_EACH,
        B_REFERENCE_MIDDLE = NV_ENC_BFRAME_REF_MODE::NV_ENC_BFRAME_REF_MODE_MIDDLE,
        ENTROPY_CABAC = NV_ENC_H264_ENTROPY_CODING_MODE::NV_ENC_H264_ENTROPY_CODING_MODE_CABAC,
        ENTROPY_CAVLC = NV_ENC_H264_ENTROPY_CODING_MODE::NV_ENC_H264_ENTROPY_CODING_MODE_CAVLC,
        PICTURE_FRAME = NV_ENC_PIC_STRUCT::NV_ENC_PIC_STRUCT_FRAME,
        FRAME_MODE = NV_ENC_PARAMS_FRAME_FIELD_MODE::NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME,
        PICTURE_P = NV_ENC_PIC_TYPE::NV_ENC_PIC_TYPE_P,
        PICTURE_B = NV_ENC_PIC_TYPE::NV_ENC_PIC_TYPE_B,
        PICTURE_I = NV_ENC_PIC_TYPE::NV_ENC_PIC_TYPE_I,
        PICTURE_IDR = NV_ENC_PIC_TYPE::NV_ENC_PIC_TYPE_IDR,
        FLAG_FORCE_IDR = NV_ENC_PIC_FLAGS::NV_ENC_PIC_FLAG_FORCEIDR,
        FLAG_OUTPUT_SPSPPS = NV_ENC_PIC_FLAGS::NV_ENC_PIC_FLAG_OUTPUT_SPSPPS,
        FLAG_EOS = NV_ENC_PIC_FLAGS::NV_ENC_PIC_FLAG_EOS,
        CAPS_NUM_MAX_BFRAMES = NV_ENC_CAPS::NV_ENC_CAPS_NUM_MAX_BFRAMES,
        CAPS_RATECONTROL_MODES = NV_ENC_CAPS::NV_ENC_CAPS_SUPPORTED_RATECONTROL_MODES,
        CAPS_CABAC = NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_CABAC,
        CAPS_WIDTH_MAX = NV_ENC_CAPS::NV_ENC_CAPS_WIDTH_MAX,
        CAPS_HEIGHT_MAX = NV_ENC_CAPS::NV_ENC_CAPS_HEIGHT_MAX,
        CAPS_DYN_BITRATE_CHANGE = NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_DYN_BITRATE_CHANGE,
        CAPS_CUSTOM_VBV = NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_CUSTOM_VBV_BUF_SIZE,
        CAPS_LOOKAHEAD = NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_LOOKAHEAD,
        CAPS_TEMPORAL_AQ = NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_TEMPORAL_AQ,
        CAPS_BFRAME_REF_MODE = NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_BFRAME_REF_MODE,
        CAPS_WIDTH_MIN = NV_ENC_CAPS::NV_ENC_CAPS_WIDTH_MIN,
        CAPS_HEIGHT_MIN = NV_ENC_CAPS::NV_ENC_CAPS_HEIGHT_MIN,
        CAPS_NUM_ENCODER_ENGINES = NV_ENC_CAPS::NV_ENC_CAPS_NUM_ENCODER_ENGINES,
    );
    let statuses = [
        (ours::Status::SUCCESS, theirs::NVENCSTATUS::NV_ENC_SUCCESS),
        (ours::Status::INVALID_PARAM, theirs::NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM),
        (ours::Status::OUT_OF_MEMORY, theirs::NVENCSTATUS::NV_ENC_ERR_OUT_OF_MEMORY),
        (ours::Status::INVALID_VERSION, theirs::NVENCSTATUS::NV_ENC_ERR_INVALID_VERSION),
        (ours::Status::NEED_MORE_INPUT, theirs::NVENCSTATUS::NV_ENC_ERR_NEED_MORE_INPUT),
        (ours::Status::INCOMPATIBLE_CLIENT_KEY, theirs::NVENCSTATUS::NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY),
        (ours::Status::NEED_MORE_OUTPUT, theirs::NVENCSTATUS::NV_ENC_ERR_NEED_MORE_OUTPUT),
    ];
    for (our, their) in statuses {
        assert_eq!(our.0, their as u32);
    }
}

#[test]
fn version_words_are_the_headers() {
    use theirs as words;
    assert_eq!(ours::API_VERSION, theirs::NVENCAPI_VERSION);
    for (our, their) in [
        (ours::OpenSession::VERSION, words::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER),
        (ours::CapsParam::VERSION, words::NV_ENC_CAPS_PARAM_VER),
        (ours::RcParams::VERSION, words::NV_ENC_RC_PARAMS_VER),
        (ours::Config::VERSION, words::NV_ENC_CONFIG_VER),
        (ours::PresetConfig::VERSION, words::NV_ENC_PRESET_CONFIG_VER),
        (ours::InitializeParams::VERSION, words::NV_ENC_INITIALIZE_PARAMS_VER),
        (ours::ReconfigureParams::VERSION, words::NV_ENC_RECONFIGURE_PARAMS_VER),
        (ours::CreateInputBuffer::VERSION, words::NV_ENC_CREATE_INPUT_BUFFER_VER),
        (ours::LockInputBuffer::VERSION, words::NV_ENC_LOCK_INPUT_BUFFER_VER),
        (ours::CreateBitstreamBuffer::VERSION, words::NV_ENC_CREATE_BITSTREAM_BUFFER_VER),
        (ours::FencePointD3d12::VERSION, words::NV_ENC_FENCE_POINT_D3D12_VER),
        (ours::InputResourceD3d12::VERSION, words::NV_ENC_INPUT_RESOURCE_D3D12_VER),
        (ours::OutputResourceD3d12::VERSION, words::NV_ENC_OUTPUT_RESOURCE_D3D12_VER),
        (ours::RegisterResource::VERSION, words::NV_ENC_REGISTER_RESOURCE_VER),
        (ours::MapInputResource::VERSION, words::NV_ENC_MAP_INPUT_RESOURCE_VER),
        (ours::PicParams::VERSION, words::NV_ENC_PIC_PARAMS_VER),
        (ours::LockBitstream::VERSION, words::NV_ENC_LOCK_BITSTREAM_VER),
        (ours::FunctionList::VERSION, words::NV_ENCODE_API_FUNCTION_LIST_VER),
    ] {
        assert_eq!(our, their);
    }
}
