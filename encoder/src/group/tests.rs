//! What happens when encoders break: needs pipelines that break when told, which only the crate itself can make.

use std::sync::atomic::AtomicI64;

use units::{ColorSpace, PixelFormat, Size, Track, VideoFrame};

use super::*;
use crate::worker::MAX_RESTARTS;

#[derive(Default)]
struct Turned(AtomicI64);

impl Clock for Turned {
    fn now(&self) -> MediaTime {
        MediaTime::from_millis(self.0.load(Ordering::Relaxed))
    }
}

fn size() -> Size {
    Size::new(160, 90).unwrap()
}

fn rendition(track: u8, kind: BackendKind, rate: FrameRate) -> RenditionConfig {
    let mut config = RenditionConfig::new(TrackId(track), size(), rate, Kbps(300));
    config.backend = Some(kind);
    config.keyint = units::Span::from_secs(1);
    config
}

struct Stage {
    group: EncoderGroup,
    receiver: Receiver<EncoderOutput>,
    tracks: Vec<TrackId>,
    picture: Arc<VideoFrame>,
    clock: Arc<Turned>,
    next: u64,
    units: Vec<Arc<units::AccessUnit>>,
    deaths: Vec<(Track, String, bool)>,
    configs: usize,
}

impl Stage {
    /// Two renditions with x264, an IDR every second; runs of track 1 break after so many pictures.
    fn new(fail_after: &[i32]) -> Self {
        let rendition = |track| rendition(track, BackendKind::X264, FrameRate::FPS_30);
        Self::with(vec![rendition(0), rendition(1)], fail_after)
    }

    fn with(renditions: Vec<RenditionConfig>, fail_after: &[i32]) -> Self {
        let failures: VecDeque<i32> = fail_after.iter().copied().collect();
        let clock = Arc::new(Turned::default());
        let tracks = renditions.iter().map(|rendition| rendition.track).collect();
        let (group, receiver) = EncoderGroup::start_failing(
            FrameRate::FPS_30,
            renditions,
            &(clock.clone() as Arc<dyn Clock>),
            |track| {
                if track == TrackId(1) { failures.clone() } else { VecDeque::new() }
            },
        )
        .unwrap();
        let bytes = Arc::new(vec![128u8; 160 * 90 * 3 / 2]);
        let picture =
            VideoFrame::packed(PixelFormat::Nv12, size(), ColorSpace::default(), MediaTime::ZERO, bytes);
        let picture = Arc::new(picture.unwrap());
        let (units, deaths) = (Vec::new(), Vec::new());
        Self { group, receiver, tracks, picture, clock, next: 0, units, deaths, configs: 0 }
    }

    /// Hands in frames when every encoder takes one.
    fn push(&mut self, frames: u64) {
        for _ in 0..frames {
            assert!(self.group.wait_for_room(Duration::from_secs(60)), "an encoder hangs");
            self.push_now(1);
        }
    }

    /// Hands in frames as a live canvas does, ready or not.
    fn push_now(&mut self, frames: u64) {
        for index in self.next..self.next + frames {
            let pictures = self.tracks.iter().map(|track| (*track, self.picture.clone().into())).collect();
            let pts = FrameRate::FPS_30.pts_of(index);
            self.group
                .push(&CanvasFrame {
                    index,
                    pts,
                    composed_at: pts.at(),
                    rendered: index + 1,
                    lagged: 3,
                    pictures,
                })
                .unwrap();
            self.take();
        }
        self.next += frames;
    }

    fn take(&mut self) {
        for event in self.receiver.try_iter() {
            match event {
                EncoderOutput::Unit(unit) => self.units.push(unit),
                EncoderOutput::Died { track, reason, restarting } => {
                    self.deaths.push((track, reason, restarting));
                }
                EncoderOutput::Config(_) => self.configs += 1,
                other => panic!("{other:?}"),
            }
        }
    }

    fn of(&self, track: u8) -> Vec<(u64, bool)> {
        let of_track = self.units.iter().filter(|unit| unit.track == Track::Video(TrackId(track)));
        of_track.map(|unit| (unit.index, unit.is_idr)).collect()
    }
}

#[test]
fn a_broken_encoder_comes_back_with_an_idr_and_the_other_never_notices() {
    let mut stage = Stage::new(&[40]);
    stage.push(240);
    assert!(stage.group.finish());
    stage.take();
    assert_eq!(stage.deaths.len(), 1, "{:?}", stage.deaths);
    let (track, _, restarting) = &stage.deaths[0];
    assert_eq!((*track, *restarting), (Track::Video(TrackId(1)), true));
    let healthy: Vec<_> = (0..240).map(|index| (index, index % 30 == 0)).collect();
    assert_eq!(stage.of(0), healthy);
    let returned = stage.of(1);
    let gap = returned.windows(2).find(|pair| pair[1].0 > pair[0].0 + 1).expect("a gap");
    assert!(gap[1].1 && gap[1].0 % 30 == 0, "back with a scheduled IDR: {gap:?}");
    assert!(returned.iter().all(|(index, idr)| *idr == (index % 30 == 0)));
    assert_eq!(returned.last(), Some(&(239, false)));
    assert_eq!(stage.configs, 2, "the same decoder configuration is not announced again");
    let stats = stage.group.stats();
    assert_eq!((stats[0].restarts, stats[0].skipped), (0, 0));
    assert_eq!(stats[1].restarts, 1);
    assert_eq!(
        (stats[1].input, stats[1].skipped + stats[1].output),
        (240, 240),
        "what was inside is counted"
    );
    assert!(stats[1].skipped > 0);
    let last = stage.units.iter().rfind(|unit| unit.track == Track::Video(TrackId(1))).unwrap();
    let counts = last.stamps.counts;
    assert_eq!((counts.input, counts.skipped, counts.output), (240, stats[1].skipped, stats[1].output));
    assert_eq!((counts.rendered, counts.lagged), (240, 3));
    let alignment = stage.group.alignment();
    assert_eq!(alignment.idrs + alignment.misaligned, 8);
    assert_eq!(alignment.misaligned, stats[1].misaligned);
    assert_eq!((stats[0].misaligned, stats[0].last_idr_index), (0, Some(210)));
    assert_eq!(alignment.idrs, stage.of(1).iter().filter(|unit| unit.1).count() as u64);
}

#[test]
fn an_encoder_that_keeps_breaking_is_given_up() {
    let mut stage = Stage::new(&[5; 10]);
    for _ in 0..40 {
        stage.push(30);
    }
    assert!(stage.group.finish());
    stage.take();
    let outcomes: Vec<bool> = stage.deaths.iter().map(|death| death.2).collect();
    assert_eq!(outcomes, [true, true, true, false]);
    assert_eq!(u32::try_from(outcomes.len()).unwrap(), MAX_RESTARTS + 1);
    assert_eq!(stage.of(0).len(), 1200);
    assert!(!stage.group.stats()[1].running);
    let alignment = stage.group.alignment();
    assert_eq!(alignment.idrs + alignment.misaligned, 40, "the one that is left is aligned with itself");
    assert!(alignment.idrs > 30, "{alignment:?}");
}

#[test]
fn a_full_queue_skips_pictures_and_never_an_idr() {
    let mut stage = Stage::new(&[]);
    stage.push(1);
    stage.group.workers[1].hold(true);
    stage.push_now(99);
    let stats = stage.group.stats().remove(1);
    // Frame 0 may still wait, one may have left the queue since and be held; frames 30, 60 and 90 come on top of a full
    // queue.
    assert!((stats.queue_limit + 2..=stats.queue_limit + 4).contains(&stats.queue), "{stats:?}");
    stage.group.workers[1].hold(false);
    assert!(stage.group.finish());
    stage.take();
    assert_eq!(stage.deaths, []);
    let idrs: Vec<u64> = stage.of(1).into_iter().filter(|(_, idr)| *idr).map(|(index, _)| index).collect();
    assert_eq!(idrs, [0, 30, 60, 90]);
    let stats = stage.group.stats().remove(1);
    assert_eq!((stats.input, stats.skipped + stats.output, stats.slips), (100, 100, 0));
    assert!(stats.skipped >= 85, "{stats:?}");
}

#[test]
fn an_encoder_that_gives_nothing_back_is_taken_for_dead_and_replaced() {
    let mut stage = Stage::new(&[]);
    stage.push(1);
    stage.group.workers[1].hold(true);
    stage.push_now(1);
    // The other encoder must have given everything back before time passes.
    while stage.group.stats()[0].output < 2 {
        stage.group.workers[0].wait_for_change(Duration::from_millis(5));
    }
    stage.clock.0.store(10_000, Ordering::Relaxed);
    stage.group.workers[1].push(Tick { index: 2, ..Tick::default() }, None).unwrap();
    stage.next = 3;
    stage.take();
    assert_eq!(stage.deaths.len(), 1);
    let (track, reason, restarting) = stage.deaths[0].clone();
    assert_eq!((track, restarting), (Track::Video(TrackId(1)), true));
    assert!(reason.contains("nothing back for 5 seconds"), "{reason}");
    stage.push(60);
    assert!(stage.group.finish());
    stage.take();
    assert_eq!(stage.of(1).last(), Some(&(62, false)));
}

#[test]
fn a_slip_makes_the_next_common_frame_an_idr_on_all_tracks() {
    let mut stage = Stage::new(&[]);
    stage.push(10);
    stage.group.heal.store(true, Ordering::Release);
    stage.push(10);
    stage.group.request_idr();
    stage.push(1);
    assert!(stage.group.finish());
    stage.take();
    for track in [0, 1] {
        let idrs: Vec<u64> =
            stage.of(track).into_iter().filter(|(_, idr)| *idr).map(|(index, _)| index).collect();
        assert_eq!(idrs, [0, 10, 20]);
    }
    assert_eq!(stage.group.alignment(), Alignment { idrs: 3, misaligned: 0, healed: 1 });
}

#[test]
fn in_a_ladder_of_two_codes_and_two_rates_one_breaks_and_the_others_keep_their_cadence() {
    let half = FrameRate::new(15, 1).unwrap();
    let mut hevc = rendition(0, BackendKind::X265, FrameRate::FPS_30);
    (hevc.codec, hevc.profile) = (VideoCodec::Hevc, units::VideoProfile::Main);
    let ladder = vec![
        hevc,
        rendition(1, BackendKind::X264, FrameRate::FPS_30),
        rendition(2, BackendKind::OpenH264, half),
    ];
    let mut stage = Stage::with(ladder, &[40, 35]);
    stage.push(240);
    assert!(stage.group.finish());
    stage.take();
    assert_eq!(stage.deaths.len(), 2, "{:?}", stage.deaths);
    assert!(stage.deaths.iter().all(|(track, _, again)| *track == Track::Video(TrackId(1)) && *again));
    let whole: Vec<_> = (0..240).map(|index| (index, index % 30 == 0)).collect();
    assert_eq!(stage.of(0), whole);
    assert_eq!(stage.of(2), whole.into_iter().step_by(2).collect::<Vec<_>>());
    assert!(stage.of(1).iter().all(|(index, idr)| *idr == (index % 30 == 0)));
    assert_eq!(stage.of(1).last(), Some(&(239, false)));
    assert_eq!(stage.configs, 3);
    let alignment = stage.group.alignment();
    assert_eq!(alignment.idrs + alignment.misaligned, 8);
    assert!(alignment.misaligned <= 4, "{alignment:?}");
}
