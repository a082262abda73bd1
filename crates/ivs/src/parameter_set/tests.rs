use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::rbsp::{BitReader as OtherBitReader, decode_nal};
use proptest::prelude::*;

use super::*;

/// Records that x264 and ffmpeg wrote: 720p Main with HRD and BT.709; 1440p High; 768p High 10; 576i 4:2:2; 360p
/// Baseline.
const RECORDS: [&str; 5] = [
    "014d401fffe10026674d401feca02802dd80b501010140000003004000000f1810003d090007a13928c01e30632c01000468efbc80",
    "0142c032ffe100196742c032da00a002d6c044000003000400000300f03c60ca8001000468ce0fc8",
    "016e002affe10018676e002aa6cb402b030f37808800001f48000ea60078c19501000468ce0fc8fdfafa00",
    "017a001effe10018677a001ebce80b424d808800000300080000030190f8a15501000468de0fc8fef8f800",
    "0142c01effe100196742c01eda0280bfe5c044000003000400000300f03c58ba8001000468ce0fc8",
];

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks_exact(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn reads_what_an_encoder_wrote() {
    let config = AvcDecoderConfig::parse(&bytes(RECORDS[0])).unwrap();
    assert_eq!((config.length_size, config.sps_count, config.pps_count), (4, 1, 1));
    let sps = config.sps;
    assert_eq!(sps.size, Size::new(1280, 720).unwrap());
    assert_eq!((sps.profile_name().as_str(), sps.level_idc, sps.progressive), ("Main", 31, true));
    assert!(sps.colour.unwrap().is_bt709_limited());
    assert_eq!(sps.timing.unwrap().frames_per_second(), Some(30.0));
    assert_eq!(sps.max_num_reorder_frames, Some(2));
    let cropped = AvcDecoderConfig::parse(&bytes(RECORDS[2])).unwrap().sps;
    assert_eq!((cropped.size, cropped.bit_depth_luma), (Size::new(1366, 768).unwrap(), 10));
    assert_eq!(
        AvcDecoderConfig::parse(&bytes(RECORDS[4])).unwrap().sps.profile_name(),
        "Constrained Baseline"
    );
}

/// The same sets read by the `h264-reader` crate.
#[test]
fn agrees_with_another_reader() {
    for record in RECORDS {
        let record = bytes(record);
        let ours = AvcDecoderConfig::parse(&record).unwrap().sps;
        let length = usize::from(u16::from_be_bytes([record[6], record[7]]));
        let rbsp = decode_nal(&record[8..8 + length]).unwrap();
        let theirs = SeqParameterSet::from_bits(OtherBitReader::new(&*rbsp)).unwrap();
        assert_eq!((ours.size.width_px(), ours.size.height_px()), theirs.pixel_dimensions().unwrap());
        assert_eq!(ours.profile_idc, u8::from(theirs.profile_idc));
        assert_eq!(ours.level_idc, theirs.level_idc);
        assert_eq!(ours.timing.and_then(|timing| timing.frames_per_second()), theirs.fps());
        let vui = theirs.vui_parameters.unwrap();
        assert_eq!(
            ours.max_num_reorder_frames,
            vui.bitstream_restrictions.map(|restrictions| restrictions.max_num_reorder_frames)
        );
        assert_eq!(ours.colour.is_some(), vui.video_signal_type.is_some());
    }
}

#[test]
fn cut_records_are_refused() {
    for record in RECORDS {
        let record = bytes(record);
        // High profiles have three bytes of extensions behind the sets, which nobody needs.
        for end in 0..record.len() - 8 {
            assert!(AvcDecoderConfig::parse(&record[..end]).is_err(), "{end}");
        }
    }
}

proptest! {
    #[test]
    fn never_panics_on_noise(noise in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = AvcDecoderConfig::parse(&noise);
        let mut set = vec![0x67];
        set.extend_from_slice(&noise);
        let _ = SequenceParameterSet::parse(&set);
    }

    #[test]
    fn never_panics_on_damage(record in 0usize..5, at in 0usize..60, bit in 0u8..8, cut in 0usize..60) {
        let mut record = bytes(RECORDS[record]);
        let at = at % record.len();
        record[at] ^= 1 << bit;
        record.truncate(record.len().saturating_sub(cut));
        let _ = AvcDecoderConfig::parse(&record);
    }
}
