//! Media and image files, made by the test.

use std::collections::BTreeMap;

use crate::support::{context, lost_reason, made, source, wait_for, wait_until_running};
use capture::SourceState;
use scene::{SourceId, SourceKind};
use units::{AudioBlock, PixelFormat, Pts, Size, Span, span_from_samples};

fn media(path: &str, looping: bool) -> scene::Source {
    source(SourceKind::Media { path: path.into(), looping })
}

/// Sums of frames of sound, and the largest distance between the end of a block and the start of the next.
fn continuity(blocks: &[(SourceId, AudioBlock)]) -> (u64, Span) {
    let mut worst = Span::ZERO;
    for pair in blocks.windows(2) {
        let (before, after) = (&pair[0].1, &pair[1].1);
        let end = before.captured_at + span_from_samples(before.frames() as u64);
        worst = worst.max((after.captured_at - end).abs());
    }
    (blocks.iter().map(|(_, block)| block.frames() as u64).sum(), worst)
}

/// One second at 25 pictures: white with a tone in the first 200 ms, then black and silent.
const FLASH_AND_BEEP: [&str; 8] = [
    "-f",
    "lavfi",
    "-i",
    "color=white:s=320x180:r=25:d=1,drawbox=enable='gte(t,0.2)':color=black:t=fill",
    "-f",
    "lavfi",
    "-i",
    "sine=frequency=1000:sample_rate=48000:duration=1,volume=4:enable='lt(t,0.2)',volume=0:enable='gte(t,0.2)'",
];

#[test]
fn a_looping_file_keeps_its_lip_sync_over_the_seam() {
    let folder = tempfile::tempdir().unwrap();
    let codecs = ["-c:v", "mjpeg", "-q:v", "2", "-c:a", "pcm_s16le", "-t", "1"];
    made(folder.path(), "flash.mov", &[&FLASH_AND_BEEP[..], &codecs[..]].concat());
    let (context, heard) = context(folder.path());
    let source = capture::open(&media("flash.mov", true), &context).unwrap();
    wait_until_running(source.as_ref());
    assert!(source.via().contains("picture and sound"), "{}", source.via());

    // Watch until three seams were heard, noting which pictures are white.
    let mut pictures = BTreeMap::new();
    wait_for("three seams", || {
        if let Some(frame) = source.newest_frame() {
            assert_eq!(frame.size(), Size::new(320, 180).unwrap());
            assert_eq!(frame.format(), PixelFormat::I420, "not converted to RGB");
            pictures.insert(frame.captured_at(), frame.row(0, 90)[160] > 128);
        }
        (continuity(&heard.lock().unwrap()).0 > 4 * 48_000).then_some(())
    });
    let heard = heard.lock().unwrap().clone();
    assert!(heard.iter().all(|(id, block)| *id == SourceId(7) && block.rate_hz == 48_000));
    let (frames, worst) = continuity(&heard);
    assert!(frames >= 3 * 48_000, "{frames}");
    assert!(worst <= Span::from_millis(2), "no gap and no overlap at the seam: {worst:?}");

    // The beginning of each tone, from the samples.
    let mut beeps = Vec::new();
    let mut silent_for = 0u64;
    for (_, block) in &heard {
        for (number, frame) in block.samples.chunks(usize::from(block.channels)).enumerate() {
            if frame[0].abs() > 0.02 {
                if silent_for > 10_000 {
                    beeps.push(block.captured_at + span_from_samples(number as u64));
                }
                silent_for = 0;
            } else {
                silent_for += 1;
            }
        }
    }
    // The picture is white for the first 200 ms after each beginning of the tone: five pictures of 40 ms.
    assert!(beeps.len() >= 3);
    let (first, last) = (beeps[0], *beeps.last().unwrap());
    for (at, is_white) in pictures.range(first..last) {
        let since =
            beeps.iter().map(|beep| *at + Span::from_millis(5) - *beep).filter(|s| *s >= Span::ZERO).min();
        let since = since.unwrap() - Span::from_millis(5);
        assert_eq!(*is_white, since < Span::from_millis(195), "{since:?} after the beep");
    }
}

#[test]
fn pictures_are_chosen_by_the_time_they_are_due() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), "flash.mkv", &[&FLASH_AND_BEEP[..], &["-c:v", "mjpeg", "-an", "-t", "1"]].concat());
    let (context, heard) = context(folder.path());
    let source = capture::open(&media("flash.mkv", true), &context).unwrap();
    wait_until_running(source.as_ref());
    for _ in 0..20 {
        let now = context.clock.now();
        if let Some(frame) = source.frame_at(now.to_pts()) {
            assert!(frame.captured_at() <= now);
        }
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
    assert_eq!(source.via(), "uridecodebin: picture only");
    assert!(heard.lock().unwrap().is_empty());
    assert!(source.frame_at(Pts::from_nanos(i64::MAX)).is_some());
}

#[test]
fn a_file_that_does_not_loop_ends() {
    let folder = tempfile::tempdir().unwrap();
    let codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-t", "1"];
    made(folder.path(), "short.mp4", &[&FLASH_AND_BEEP[..], &codecs[..]].concat());
    let (context, heard) = context(folder.path());
    let source = capture::open(&media("short.mp4", false), &context).unwrap();
    let mut seen = false;
    wait_for("the end", || {
        seen |= source.newest_frame().is_some();
        (source.state() == SourceState::Ended).then_some(())
    });
    assert!(seen, "its pictures were shown");
    assert!(source.newest_frame().is_none(), "nothing is shown after the end");
    let (frames, _) = continuity(&heard.lock().unwrap());
    assert!((46_000..=50_000).contains(&frames), "a second of sound: {frames}");
}

#[test]
fn sound_alone_is_played_and_loops() {
    let folder = tempfile::tempdir().unwrap();
    let tone = ["-f", "lavfi", "-i", "sine=frequency=300:sample_rate=44100:duration=0.3", "-ac", "1"];
    made(folder.path(), "tone.wav", &tone);
    let (context, heard) = context(folder.path());
    let source = capture::open(&media("tone.wav", true), &context).unwrap();
    wait_for("three rounds", || {
        let heard = heard.lock().unwrap();
        (continuity(&heard).0 > 44_100).then_some(())
    });
    let heard = heard.lock().unwrap();
    assert!(heard.iter().all(|(_, block)| block.rate_hz == 44_100 && block.channels == 1));
    assert!(source.newest_frame().is_none());
    assert_eq!(source.via(), "uridecodebin: sound only");
}

#[test]
fn files_that_cannot_be_played_say_why_and_are_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("noise.mp4"), b"this is no media file at all, just words").unwrap();
    std::fs::create_dir(folder.path().join("folder.mp4")).unwrap();
    let (context, _) = context(folder.path());
    for (name, expected) in [
        ("absent.mp4", "os error 2"),
        ("noise.mp4", "cannot be played"),
        ("folder.mp4", "is not a file"),
        ("", "is not a file"),
    ] {
        let source = capture::open(&media(name, true), &context).unwrap();
        let reason = wait_for("the loss", || lost_reason(source.as_ref()));
        assert!(reason.starts_with(&format!("Media file “{name}” cannot be played: ")), "{reason}");
        assert!(reason.contains(expected), "{reason}");
        let placeholder = wait_for("the placeholder", || source.newest_frame());
        assert_eq!(placeholder.size(), context.canvas);
    }
}

#[test]
fn a_file_that_appears_later_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let (context, _) = context(folder.path());
    let source = capture::open(&media("late.mkv", true), &context).unwrap();
    wait_for("the loss", || lost_reason(source.as_ref()));
    let video = ["-c:v", "mjpeg", "-an", "-t", "1"];
    let other = made(folder.path(), "early.mkv", &[&FLASH_AND_BEEP[..], &video[..]].concat());
    std::fs::rename(other, folder.path().join("late.mkv")).unwrap();
    wait_for("the file", || (source.state() == SourceState::Running).then_some(()));
    wait_for("its pictures", || source.newest_frame().filter(|f| f.format() == PixelFormat::I420));
}

#[test]
fn images_keep_their_alpha() {
    let folder = tempfile::tempdir().unwrap();
    let half = "color=red@0.5:s=64x48,format=rgba";
    for name in ["half.png", "half.webp"] {
        let lossless = if name == "half.webp" { &["-lossless", "1"][..] } else { &[] };
        made(folder.path(), name, &[&["-f", "lavfi", "-i", half, "-frames:v", "1"][..], lossless].concat());
        let (context, _) = context(folder.path());
        let source = capture::open(&source(SourceKind::Image { path: name.into() }), &context).unwrap();
        wait_until_running(source.as_ref());
        let frame = source.newest_frame().unwrap();
        assert_eq!((frame.size(), frame.format()), (Size::new(64, 48).unwrap(), PixelFormat::Rgba8));
        let pixel = &frame.row(0, 20)[80..84];
        assert!(pixel[0] >= 250 && pixel[1] <= 4 && pixel[2] <= 4, "{pixel:?}");
        assert!((126..=129).contains(&pixel[3]), "{pixel:?}");
    }
}

#[test]
fn images_that_cannot_be_read_say_why_and_are_read_once_they_can() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("logo.png"), b"\x89PNG\r\n\x1a\n but then nothing").unwrap();
    let (context, _) = context(folder.path());
    let source = capture::open(&source(SourceKind::Image { path: "logo.png".into() }), &context).unwrap();
    let reason = wait_for("the loss", || lost_reason(source.as_ref()));
    assert!(reason.starts_with("Image “logo.png” cannot be shown: "), "{reason}");
    let card = ["-f", "lavfi", "-i", "color=green:s=32x32", "-frames:v", "1"];
    let other = made(folder.path(), "other.png", &card);
    std::fs::rename(other, folder.path().join("logo.png")).unwrap();
    wait_for("the image", || (source.state() == SourceState::Running).then_some(()));
    assert_eq!(source.size(), Size::new(32, 32).ok());
}
