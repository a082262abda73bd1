//! Encoders that misbehave, played by hand: what comes out is handed to a run as a pipeline would.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;

use crossbeam_channel::Receiver;
use units::{Clock, FrameRate, Kbps, Size, TrackId};

use super::*;
use crate::alignment::AlignmentWatch;
use crate::worker::WorkerSetup;
use crate::{BackendKind, LatencyTuning, RenditionConfig};

/// Constrained Baseline 640x360 as OpenH264 2.3 writes it, and a picture parameter set.
const SETS: &[u8] = &[
    0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0x8c, 0x8d, 0x40, 0x50, 0x17, 0xfc, 0xb0, 0x0f, 0x08, 0x84, 0x6a, 0, 0,
    1, 0x68, 0xce, 0x3c, 0x80,
];
const IDR: &[u8] = &[0, 0, 1, 0x65, 0xb8, 0x04];
const OTHER: &[u8] = &[0, 0, 1, 0x41, 0x9a, 0x04];

struct Still;

impl Clock for Still {
    fn now(&self) -> MediaTime {
        MediaTime::ZERO
    }
}

struct Played {
    run: Run,
    receiver: Receiver<EncoderOutput>,
    heal: Arc<AtomicBool>,
}

impl Played {
    fn new(b_frames: u8) -> Self {
        let size = Size::new(640, 360).unwrap();
        let mut config = RenditionConfig::new(TrackId::PRIMARY, size, FrameRate::FPS_30, Kbps(1000));
        if b_frames > 0 {
            config.settings.tuning = Some(LatencyTuning::Quality);
            config.settings.b_frames = Some(b_frames);
        }
        let (events, receiver) = crossbeam_channel::bounded(100);
        let heal = Arc::new(AtomicBool::new(false));
        let track = TrackState::new(WorkerSetup {
            config,
            kind: BackendKind::X264,
            divisor: 1,
            canvas: FrameRate::FPS_30,
            clock: Arc::new(Still),
            events,
            heal: heal.clone(),
            watch: Arc::new(AlignmentWatch::new(std::iter::once(TrackId::PRIMARY))),
            fail_after: VecDeque::new(),
        });
        Self { run: Run::new(Arc::new(track)), receiver, heal }
    }

    fn goes_in(&self, index: u64, idr: bool) {
        let tick = Tick { index, idr, ..Tick::default() };
        self.run.took(tick, FrameRate::FPS_30.pts_of(index));
    }

    /// The picture of `index` comes out, its time off by `off_ns`.
    fn comes_out(&self, index: u64, parts: &[&[u8]], off_ns: i64) {
        let at = (FrameRate::FPS_30.pts_of(index) + EPOCH).as_nanos() + off_ns;
        self.run.encoded(Some(at), &parts.concat(), None);
    }

    fn events(&self) -> Vec<String> {
        let word = |event| match event {
            EncoderOutput::Config(_) => "config".to_owned(),
            EncoderOutput::Unit(unit) => {
                format!("{}{} at {}", if unit.is_idr { "I" } else { "P" }, unit.index, unit.dts.as_millis())
            }
            EncoderOutput::Slip { index, kind, .. } => format!("{index} {kind}"),
            EncoderOutput::Died { reason, .. } => format!("died: {reason}"),
            EncoderOutput::AudioConfig(_) => "sound".to_owned(),
        };
        self.receiver.try_iter().map(word).collect()
    }
}

#[test]
fn an_idr_out_of_turn_and_one_that_is_missing_are_slips_and_ask_to_be_healed() {
    let played = Played::new(0);
    for (index, idr) in [(0, true), (1, false), (2, true)] {
        played.goes_in(index, idr);
    }
    played.comes_out(0, &[SETS, IDR], 0);
    assert!(!played.heal.load(Ordering::Acquire));
    // Media Foundation counts 100 ns, Quick Sync 1/90000 s.
    played.comes_out(1, &[IDR], -11_000);
    assert!(played.heal.swap(false, Ordering::AcqRel));
    played.comes_out(2, &[OTHER], 99);
    assert!(played.heal.load(Ordering::Acquire));
    let expected = [
        "config",
        "I0 at 0",
        "I1 at 33",
        "1 made an IDR where none was scheduled",
        "P2 at 66",
        "2 made no IDR where one was scheduled",
    ];
    assert_eq!(played.events(), expected);
}

#[test]
fn pictures_an_encoder_swallows_are_counted_and_a_swallowed_idr_is_a_slip() {
    let played = Played::new(0);
    for (index, idr) in [(0, true), (1, false), (2, true), (3, false)] {
        played.goes_in(index, idr);
    }
    played.comes_out(0, &[SETS, IDR], 0);
    played.comes_out(3, &[OTHER], 0);
    assert_eq!(played.events(), ["config", "I0 at 0", "2 made no IDR where one was scheduled", "P3 at 100"]);
    let stats = played.run.track.stats(0, true);
    assert_eq!((stats.output, stats.skipped, stats.slips), (2, 2, 1));
}

#[test]
fn decoding_times_rise_and_never_pass_presentation_times() {
    let played = Played::new(2);
    for index in 0..7 {
        played.goes_in(index, index == 0);
    }
    for index in [0, 3, 1, 2, 6, 4, 5] {
        played.comes_out(index, if index == 0 { &[SETS, IDR] } else { &[OTHER] }, 0);
    }
    let expected =
        ["config", "I0 at -34", "P3 at 0", "P1 at 33", "P2 at 66", "P6 at 100", "P4 at 133", "P5 at 166"];
    assert_eq!(played.events(), expected);
}

#[test]
fn nonsense_is_the_end_of_the_run() {
    for (index, bytes, reason) in [
        (0, OTHER, "died: it gave a picture before its parameter sets"),
        (0, &[0, 0, 1, 0x06, 0x80][..], "died: the encoder gave a malformed access unit without a slice"),
        (9, &[SETS, IDR].concat()[..], "died: it gave back a picture that it was not given"),
    ] {
        let played = Played::new(0);
        played.goes_in(0, true);
        played.comes_out(index, &[bytes], 0);
        played.comes_out(index, &[bytes], 0);
        assert_eq!(played.events(), [reason], "said once");
        assert!(played.run.is_dead());
    }
}
