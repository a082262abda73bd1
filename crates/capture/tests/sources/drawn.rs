//! What Genlock draws itself, and the placeholder of a camera that is not there.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::support::{bgr, context, lost_reason, source, wait_for};
use capture::{LiveSource, SourceState};
use scene::{Color, SourceKind, TextAlign};
use units::{Clock, FrameRate, MediaTime, PixelFormat, span_from_samples};

/// A clock that the test turns.
#[derive(Default)]
struct TurnedClock(AtomicI64);

impl Clock for TurnedClock {
    fn now(&self) -> MediaTime {
        MediaTime::from_nanos(self.0.load(Ordering::SeqCst))
    }
}

#[test]
fn flash_and_beep_begin_at_the_same_instant() {
    let (mut context, heard) = context(".".as_ref());
    let clock = Arc::new(TurnedClock::default());
    context.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    let source = capture::open(&source(SourceKind::TestPattern { beep: true }), &context).unwrap();
    let square = capture::flash_square(context.canvas);
    let (x, y) = ((square.left_px + 4) as usize, (square.top_px + 4) as usize);
    let rate = FrameRate::FPS_30;
    let white: Vec<u64> =
        (0..90).filter(|frame| source.frame_at(rate.pts_of(*frame)).unwrap().row(0, y)[x] == 235).collect();
    assert_eq!(white, [0, 1, 2, 30, 31, 32, 60, 61, 62]);
    assert!(Arc::ptr_eq(
        &source.frame_at(rate.pts_of(5)).unwrap(),
        &source.frame_at(rate.pts_of(5)).unwrap()
    ));

    // Half a second at a time, each waited for, so nothing depends on how fast this is.
    for step in 0..5i64 {
        clock.0.store(step * 500_000_000, Ordering::SeqCst);
        let due = usize::try_from(step * 50 + 5).unwrap();
        wait_for("sound up to the lead", || (heard.lock().unwrap().len() >= due).then_some(()));
        assert_eq!(heard.lock().unwrap().len(), due, "50 ms ahead and no more");
    }
    let blocks = heard.lock().unwrap().clone();
    for pair in blocks.windows(2) {
        let end = pair[0].1.captured_at + span_from_samples(pair[0].1.frames() as u64);
        assert_eq!(pair[1].1.captured_at, end, "end to end");
    }
    for (_, block) in &blocks {
        let nanos = block.captured_at.as_nanos();
        assert_eq!(nanos % 10_000_000, 0);
        let beeps = nanos % 1_000_000_000 < 100_000_000;
        assert_eq!(block.samples.iter().any(|s| *s != 0.0), beeps, "{:?}", block.captured_at);
    }
    assert_eq!(source.newest_frame().unwrap().captured_at(), MediaTime::from_millis(2000));
}

#[test]
fn a_pattern_without_a_beep_is_silent() {
    let (context, heard) = context(".".as_ref());
    let source = capture::open(&source(SourceKind::TestPattern { beep: false }), &context).unwrap();
    assert_eq!(source.newest_frame().unwrap().format(), PixelFormat::Nv12);
    drop(source);
    assert!(heard.lock().unwrap().is_empty());
}

#[test]
fn colour_and_text_are_there_at_once() {
    let (context, _) = context(".".as_ref());
    let color = Color { r: 1.0, g: 0.5, b: 0.0, a: 0.25 };
    let plain = capture::open(&source(SourceKind::Color { color }), &context).unwrap();
    let frame = plain.newest_frame().unwrap();
    assert_eq!(frame.row(0, 1)[4..8], [255, 128, 0, 64]);
    assert_eq!(plain.state(), SourceState::Running);

    let kind = |size_px| SourceKind::Text {
        text: "Starting\nsoon".into(),
        font: None,
        size_px,
        color: Color { r: 1.0, g: 1.0, b: 1.0, a: 1.0 },
        align: TextAlign::Center,
    };
    let text = capture::open(&source(kind(40.0)), &context).unwrap();
    assert!(text.size().unwrap().height_px() >= 80);
    let Err(refused) = capture::open(&source(kind(0.0)), &context) else {
        panic!("no letters are 0 pixels high")
    };
    assert_eq!(refused.to_string(), "letters cannot be 0 pixels high; use 1 or more");
}

#[test]
fn a_camera_that_is_not_there_is_named() {
    let (context, _) = context(".".as_ref());
    let kind = SourceKind::Camera { device: Some("HD Pro of a dream".into()) };
    let source: Box<dyn LiveSource> = capture::open(&source(kind), &context).unwrap();
    let reason = wait_for("the loss", || lost_reason(source.as_ref()));
    assert!(reason.starts_with("Camera “HD Pro of a dream” is not there: "), "{reason}");
    let placeholder = wait_for("the placeholder", || source.newest_frame());
    assert_eq!(placeholder.size(), context.canvas);
    let ink = (0..320 * 180).filter(|n| bgr(&placeholder, n % 320, n / 320)[0] > 120).count();
    assert!(ink > 200, "letters on the card: {ink}");
}
