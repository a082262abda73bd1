//! Decoder configuration records of both codes, and the bare sets inside: what is read is a picture that can be.

#![no_main]

use ivs::{AvcDecoderConfig, HevcDecoderConfig, HevcSequenceParameterSet, SequenceParameterSet};
use libfuzzer_sys::fuzz_target;
use units::Size;

fn is_possible(size: Size, bit_depth: u8, chroma: u8) -> bool {
    size.shortest_px() > 0
        && size.longest_px() <= Size::MAX_SIDE_PX
        && (8..=16).contains(&bit_depth)
        && chroma <= 3
}

fuzz_target!(|bytes: &[u8]| {
    let avc = [
        AvcDecoderConfig::parse(bytes).map(|config| config.sps).ok(),
        SequenceParameterSet::parse(bytes).ok(),
    ];
    for sps in avc.into_iter().flatten() {
        assert!(is_possible(sps.size, sps.bit_depth_luma, sps.chroma_format_idc), "{sps:?}");
    }
    let hevc = [
        HevcDecoderConfig::parse(bytes).map(|config| config.sps).ok(),
        HevcSequenceParameterSet::parse(bytes).ok(),
    ];
    for sps in hevc.into_iter().flatten() {
        assert!(is_possible(sps.size, sps.bit_depth_luma, sps.chroma_format_idc), "{sps:?}");
    }
});
