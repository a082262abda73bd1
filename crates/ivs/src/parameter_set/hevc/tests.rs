use proptest::prelude::*;
use scuffle_h265::SpsNALUnit;

use super::*;

/// Records that x265 and ffmpeg wrote: 720p Main with BT.709; 768p Main 10 at 25 frames per second; 480p in full range
/// with scaling lists, HRD and 30000/1001; 144p with three temporal layers; 1080p 4:4:4 at 60 with HRD.
const RECORDS: [&str; 5] = [
    "0101600000009000000000005df000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003005d959809a10001002e42010101600000030090000003000003005da00280802d165959a4932bc05a808080820000030002000003003c10a2000100074401c172b46240",
    "01022000000090000000000078f000fcfdfafa00000f03a00001001840010c01ffff022000000300900000030000030078959809a10001002b420101022000000300900000030000030078a002ac80301d6d96566924caf0168080000003008000000c84a2000100074401c172b46240",
    "0101600000009000000000005af000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003005a959809a10001003442010101600000030090000003000003005aa006b201e1df96566924e5780b60400000fa40001d4c1827259b800249f000493e20a2000100074401c172b46240",
    "0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c959409a10001002942010101600000030090000003000003003ca00808091659596af2bc05a02000000300200000030301a2000100064401c173d189",
    "0104080000009e08000000007bf000fcfff8f800000f03a00001001740010c01ffff0408000003009e0800000300007b959809a1000100364201010408000003009e0800000300007b90007810021cb2cacd24995e02d010000003001000000303c609c987e0002dc6c0005b8d88a2000100084401c172860c4624",
];

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks_exact(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The sequence parameter set in a record of three arrays with one set each.
fn set(record: &[u8]) -> &[u8] {
    let video = usize::from(u16::from_be_bytes([record[26], record[27]]));
    let at = 28 + video + 3;
    let length = usize::from(u16::from_be_bytes([record[at], record[at + 1]]));
    &record[at + 2..at + 2 + length]
}

#[test]
fn reads_what_an_encoder_wrote() {
    let read: Vec<_> =
        RECORDS.iter().map(|record| HevcDecoderConfig::parse(&bytes(record)).unwrap()).collect();
    for config in &read {
        assert_eq!((config.length_size, config.vps_count, config.sps_count, config.pps_count), (4, 1, 1, 1));
    }
    let said: Vec<String> = read
        .iter()
        .map(|config| {
            let sps = &config.sps;
            format!(
                "{} {} level {} chroma {} bits {} rate {:?} colour {:?} progressive {}",
                sps.size,
                sps.profile_name(),
                sps.level_idc,
                sps.chroma_format_idc,
                sps.bit_depth_luma,
                sps.timing.and_then(|timing| timing.frames_per_second()),
                sps.colour.map(|colour| (colour.is_bt709_limited(), colour.full_range)),
                sps.progressive,
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            "1280x720 Main level 93 chroma 1 bits 8 rate Some(30.0) colour Some((true, false)) progressive true",
            "1366x768 Main 10 level 120 chroma 1 bits 10 rate Some(25.0) colour Some((false, false)) progressive true",
            "852x480 Main level 90 chroma 1 bits 8 rate Some(29.97002997002997) colour Some((false, true)) \
             progressive true",
            "256x144 Main level 60 chroma 1 bits 8 rate Some(24.0) colour Some((false, false)) progressive true",
            "1920x1080 Rext level 123 chroma 3 bits 8 rate Some(60.0) colour Some((false, false)) progressive true",
        ]
    );
}

/// The same sets read by the `scuffle-h265` crate.
#[test]
fn agrees_with_another_reader() {
    for record in RECORDS {
        let record = bytes(record);
        let ours = HevcSequenceParameterSet::parse(set(&record)).unwrap();
        let theirs = SpsNALUnit::parse(set(&record)).unwrap().rbsp;
        let size = [u64::from(ours.size.width_px()), u64::from(ours.size.height_px())];
        assert_eq!(size, [theirs.cropped_width(), theirs.cropped_height()]);
        let general = &theirs.profile_tier_level.general_profile;
        assert_eq!(ours.profile_idc, general.profile_idc);
        assert_eq!(Some(ours.level_idc), general.level_idc);
        assert_eq!(ours.high_tier, general.tier_flag);
        assert_eq!(ours.bit_depth_luma, theirs.bit_depth_y());
        let timing = theirs.vui_parameters.and_then(|vui| vui.vui_timing_info).unwrap();
        let ours = ours.timing.unwrap();
        assert_eq!(
            (ours.num_units_in_tick, ours.time_scale),
            (timing.num_units_in_tick.get(), timing.time_scale.get())
        );
    }
}

#[test]
fn cut_records_are_refused() {
    for record in RECORDS {
        let record = bytes(record);
        for end in 0..record.len() {
            assert!(HevcDecoderConfig::parse(&record[..end]).is_err(), "{end}");
        }
    }
}

proptest! {
    #[test]
    fn never_panics_on_noise(noise in proptest::collection::vec(any::<u8>(), 0..120)) {
        let _ = HevcDecoderConfig::parse(&noise);
        let mut set = vec![0x42, 0x01];
        set.extend_from_slice(&noise);
        let _ = HevcSequenceParameterSet::parse(&set);
    }

    #[test]
    fn never_panics_on_damage(record in 0usize..5, at in 0usize..120, bit in 0u8..8, cut in 0usize..60) {
        let mut record = bytes(RECORDS[record]);
        let at = at % record.len();
        record[at] ^= 1 << bit;
        record.truncate(record.len().saturating_sub(cut));
        let _ = HevcDecoderConfig::parse(&record);
    }
}
