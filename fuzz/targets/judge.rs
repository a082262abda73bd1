//! The first byte says what the channel takes and what the key promises, the rest is an FLV file. Whatever it holds, the
//! judge comes to a verdict of bounded size.

#![no_main]

use ivs::ladder::{Promise, PromisedTrack};
use ivs::{FlvFileJudge, MultitrackInput, ResolutionClass, Rules};
use libfuzzer_sys::fuzz_target;
use units::{FrameRate, Kbps, Size, VideoCodec};

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, file)) = bytes.split_first() else { return };
    let maximum_resolution = ResolutionClass::Hd;
    let multitrack = match choice & 3 {
        0 => MultitrackInput::NotAllowed,
        1 => MultitrackInput::Require { maximum_resolution },
        _ => MultitrackInput::Allow { maximum_resolution },
    };
    let mut judge = FlvFileJudge::new(Rules { multitrack, ..Rules::default() });
    if choice & 4 != 0 {
        let size = Size::new(1280, 720).expect("a picture");
        let codec = if choice & 8 == 0 { VideoCodec::Avc } else { VideoCodec::Hevc };
        let track = PromisedTrack { codec, size, rate: FrameRate::FPS_30, bitrate: Kbps(1000) };
        judge.promise(Promise { tracks: vec![track; usize::from(choice >> 4)], audio: vec![Kbps(160)] });
    }
    let _ = judge.push(file);
    let verdict = judge.finish();
    assert!(verdict.findings.len() < 100);
    assert!(verdict.figures.tracks.len() <= 64);
    if let Some(alignment) = verdict.figures.alignment {
        assert!(alignment.misaligned <= alignment.idrs);
    }
});
