//! Decoder configurations that a parser takes for real ones.

use units::{FrameRate, Size};

use crate::bit_writer::BitWriter;

/// `profile_idc` of High (ITU-T H.264, A.2.4).
const HIGH: u8 = 100;
/// `level_idc` 4.0: up to 1920x1080 at 30 per second (ITU-T H.264, table A-1).
const LEVEL_4_0: u8 = 40;

/// An `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 5.3.3.1) with 4-byte lengths, of one sequence and one picture
/// parameter set: High profile, level 4.0, progressive 4:2:0, BT.709 in limited range, a fixed frame rate.
pub fn avc_decoder_configuration(size: Size, rate: FrameRate) -> Vec<u8> {
    let sequence = sequence_parameter_set(size, rate);
    let picture = picture_parameter_set();
    let mut record = vec![1, HIGH, 0, LEVEL_4_0, 0xfc | 3, 0xe0 | 1];
    record.extend(u16::try_from(sequence.len()).unwrap_or(u16::MAX).to_be_bytes());
    record.extend(&sequence);
    record.push(1);
    record.extend(u16::try_from(picture.len()).unwrap_or(u16::MAX).to_be_bytes());
    record.extend(&picture);
    // chroma_format_idc 1, 8 bits of luma and chroma, no extension: demanded behind the sets for High.
    record.extend([0xfc | 1, 0xf8, 0xf8, 0]);
    record
}

/// An `AudioSpecificConfig` (ISO/IEC 14496-3, 1.6.2.1): AAC-LC, 48 kHz, two channels.
pub fn audio_specific_config() -> Vec<u8> {
    vec![0x11, 0x90]
}

fn sequence_parameter_set(size: Size, rate: FrameRate) -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.bits(u32::from(HIGH), 8);
    bits.bits(0, 8);
    bits.bits(u32::from(LEVEL_4_0), 8);
    bits.ue(0); // seq_parameter_set_id
    bits.ue(1); // chroma_format_idc: 4:2:0
    bits.ue(0); // bit_depth_luma_minus8
    bits.ue(0); // bit_depth_chroma_minus8
    bits.bits(0, 1); // qpprime_y_zero_transform_bypass_flag
    bits.bits(0, 1); // seq_scaling_matrix_present_flag
    bits.ue(4); // log2_max_frame_num_minus4: 8 bits
    bits.ue(2); // pic_order_cnt_type: output order is decoding order
    bits.ue(1); // max_num_ref_frames
    bits.bits(0, 1); // gaps_in_frame_num_value_allowed_flag
    let (columns, rows) = (size.width_px().div_ceil(16), size.height_px().div_ceil(16));
    bits.ue(columns - 1);
    bits.ue(rows - 1);
    bits.bits(1, 1); // frame_mbs_only_flag
    bits.bits(1, 1); // direct_8x8_inference_flag
    let (right, bottom) = (columns * 16 - size.width_px(), rows * 16 - size.height_px());
    let cropped = right > 0 || bottom > 0;
    bits.bits(u32::from(cropped), 1);
    if cropped {
        // Offsets count two luma samples each in progressive 4:2:0.
        bits.ue(0);
        bits.ue(right / 2);
        bits.ue(0);
        bits.ue(bottom / 2);
    }
    bits.bits(1, 1); // vui_parameters_present_flag
    video_usability(&mut bits, rate);
    nal_unit(0x67, bits.finish())
}

/// E.1.1 of ITU-T H.264.
fn video_usability(bits: &mut BitWriter, rate: FrameRate) {
    bits.bits(0, 1); // aspect_ratio_info_present_flag
    bits.bits(0, 1); // overscan_info_present_flag
    bits.bits(1, 1); // video_signal_type_present_flag
    bits.bits(5, 3); // video_format: unspecified
    bits.bits(0, 1); // video_full_range_flag
    bits.bits(1, 1); // colour_description_present_flag
    for _ in 0..3 {
        bits.bits(1, 8); // BT.709 primaries, transfer and matrix
    }
    bits.bits(0, 1); // chroma_loc_info_present_flag
    bits.bits(1, 1); // timing_info_present_flag
    bits.bits(rate.denominator() >> 16, 16);
    bits.bits(rate.denominator() & 0xffff, 16);
    let ticks = rate.numerator() * 2;
    bits.bits(ticks >> 16, 16);
    bits.bits(ticks & 0xffff, 16);
    bits.bits(1, 1); // fixed_frame_rate_flag
    bits.bits(0, 1); // nal_hrd_parameters_present_flag
    bits.bits(0, 1); // vcl_hrd_parameters_present_flag
    bits.bits(0, 1); // pic_struct_present_flag
    bits.bits(0, 1); // bitstream_restriction_flag
}

fn picture_parameter_set() -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.ue(0); // pic_parameter_set_id
    bits.ue(0); // seq_parameter_set_id
    bits.bits(0, 1); // entropy_coding_mode_flag: CAVLC
    bits.bits(0, 1); // bottom_field_pic_order_in_frame_present_flag
    bits.ue(0); // num_slice_groups_minus1
    bits.ue(0); // num_ref_idx_l0_default_active_minus1
    bits.ue(0); // num_ref_idx_l1_default_active_minus1
    bits.bits(0, 1); // weighted_pred_flag
    bits.bits(0, 2); // weighted_bipred_idc
    bits.se(0); // pic_init_qp_minus26
    bits.se(0); // pic_init_qs_minus26
    bits.se(0); // chroma_qp_index_offset
    bits.bits(1, 1); // deblocking_filter_control_present_flag
    bits.bits(0, 1); // constrained_intra_pred_flag
    bits.bits(0, 1); // redundant_pic_cnt_present_flag
    nal_unit(0x68, bits.finish())
}

/// The header byte and the payload with emulation prevention (ITU-T H.264, 7.3.1).
pub(crate) fn nal_unit(header: u8, payload: Vec<u8>) -> Vec<u8> {
    let mut unit = vec![header];
    let mut zeros = 0;
    for byte in payload {
        if zeros >= 2 && byte <= 3 {
            unit.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        unit.push(byte);
    }
    unit
}
