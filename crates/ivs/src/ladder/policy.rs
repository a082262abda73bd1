//! The policy that grants a ladder, as data: which renditions go together, at which bitrates.

use units::{FrameRate, Kbps, Size, VideoCodec, VideoProfile};

use super::{ResolutionClass, interpolate};

/// What a ladder is wanted for. `None` leaves the choice to the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The largest picture there is: the canvas, or what the person wants of it.
    pub canvas: Size,
    /// Frames per second that are composed.
    pub rate: FrameRate,
    /// Most video tracks.
    pub max_tracks: Option<u32>,
    /// Most that all video tracks together may take.
    pub max_bitrate: Option<Kbps>,
    /// Largest class of rendition.
    pub max_resolution: Option<ResolutionClass>,
    /// Codes that can be encoded, the preferred first; none given means AVC (the API reference, ClientDescription).
    pub codecs: Vec<VideoCodec>,
}

/// A granted rendition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Picture size, both sides even.
    pub size: Size,
    /// Frames per second; divides the canvas's.
    pub rate: FrameRate,
    /// Nominal bitrate.
    pub bitrate: Kbps,
    /// Bitrates to go down by, from 0 to the nominal; as many in every rung.
    pub points: Vec<Kbps>,
    /// The profile.
    pub profile: VideoProfile,
    /// The code.
    pub codec: VideoCodec,
}

/// Why no ladder is granted: always something the person can change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LadderRefusal {
    /// The canvas's rate is none of the service's (the guide, "Handling Warnings and Errors").
    #[error(
        "multitrack video does not take {} frames per second; choose 24, 25, 30, 48, 50 or 60",
        decimal(*.rate)
    )]
    FrameRate {
        /// The canvas's rate.
        rate: FrameRate,
    },
    /// No resolution of the service fits into the canvas with its aspect ratio.
    #[error(
        "multitrack video has no rendition for a canvas of {canvas}; its shorter side must have 160 pixels or more, \
         and its longer side must not be much longer than that"
    )]
    Canvas {
        /// The canvas.
        canvas: Size,
    },
    /// Not even the lowest rendition fits.
    #[error("{limit} is too little for multitrack video; the smallest rendition takes {needed}")]
    BitrateTooLow {
        /// What was allowed.
        limit: Kbps,
        /// What the smallest ladder takes.
        needed: Kbps,
    },
    /// No track is allowed.
    #[error("multitrack video needs at least one video track")]
    NoTracks,
}

/// A frame rate as people write it: 59.94 rather than 60000/1001.
fn decimal(rate: FrameRate) -> String {
    let text = format!("{:.2}", rate.as_f64());
    text.trim_end_matches('0').trim_end_matches('.').into()
}

/// Frame rates that the service takes (the API reference, Framerate; the guide, "Handling Warnings and Errors").
const FRAME_RATES: [u32; 6] = [24, 25, 30, 48, 50, 60];
/// Below this a frame rate is a standard one, from it on a high one (the guide, "Use GetClientConfiguration": 60, 50
/// and 48 are high; 30, 25 and 24 are standard).
const HIGH_FRAME_RATE: u32 = 48;

/// Resolutions of the service by their shorter side in pixels, with their bitrates (the guide, "Use
/// GetClientConfiguration").
///
/// 6000 and 200 are the guide's own for 1080p and 160p; 10.2 Mbps for 1080p, 720p, 480p, 360p and 160p and 1.5 Mbps for
/// 480p and 360p are its sums. 2500 for 720p and 500 for 360p were granted (obs-multitrack.md 1.12), which leaves 1000
/// for 480p. The guide names 540p and 240p without bitrates; theirs lie between their neighbours'.
const BITRATES: [(u32, Kbps); 7] = [
    (1080, Kbps(6000)),
    (720, Kbps(2500)),
    (540, Kbps(1500)),
    (480, Kbps(1000)),
    (360, Kbps(500)),
    (240, Kbps(300)),
    (160, Kbps(200)),
];

/// Ladders by the shorter sides of their rungs, the best first. The guide's fallbacks: 1080p with five or four rungs,
/// down to 480p with two; and three rungs at 1080p were granted (obs-multitrack.md 1.12).
const LADDERS: &[&[u32]] = &[
    &[1080, 720, 480, 360, 160],
    &[1080, 720, 480, 360],
    &[1080, 720, 360],
    &[720, 480, 360, 160],
    &[720, 480, 360],
    &[540, 360, 240],
    &[540, 360],
    &[480, 360],
    &[360, 160],
    &[240, 160],
];
/// Ladders of two rungs, where no more are allowed.
const PAIRS: &[&[u32]] = &[&[1080, 480], &[720, 360], &[540, 360], &[480, 360], &[360, 160], &[240, 160]];
/// What is left when one rung is allowed, or when there is no room for two.
const SINGLES: &[&[u32]] = &[&[1080], &[720], &[540], &[480], &[360], &[240], &[160]];

/// Grants a ladder, the highest rung first: the best of the guide's that the wish has room for. A limit that is a
/// little too low for a ladder lowers the bitrates of its upper rungs, along their interpolation points down to the
/// first, before a smaller ladder is taken.
///
/// # Errors
/// [`LadderRefusal`] with what to change.
pub fn grant(wish: &Wish) -> Result<Vec<Rung>, LadderRefusal> {
    let is_taken = wish.rate.denominator() == 1 && FRAME_RATES.contains(&wish.rate.numerator());
    if !is_taken {
        return Err(LadderRefusal::FrameRate { rate: wish.rate });
    }
    let ladders = match wish.max_tracks {
        Some(0) => return Err(LadderRefusal::NoTracks),
        Some(1) => [SINGLES, &[]],
        Some(2) => [PAIRS, SINGLES],
        _ => [LADDERS, SINGLES],
    };
    let most = wish.max_tracks.and_then(|tracks| usize::try_from(tracks).ok()).unwrap_or(usize::MAX);
    let shaped: Vec<Vec<Rung>> = ladders
        .into_iter()
        .flatten()
        .filter(|sides| sides.len() <= most)
        .filter_map(|sides| sides.iter().map(|side| rung(wish, *side)).collect())
        .collect();
    let smallest = shaped.last().ok_or(LadderRefusal::Canvas { canvas: wish.canvas })?;
    let needed = smallest.iter().map(|rung| rung.bitrate).sum();
    let limit = wish.max_bitrate.unwrap_or(Kbps(u32::MAX));
    let fitted = shaped.into_iter().find_map(|ladder| fit(ladder, limit));
    fitted.ok_or(LadderRefusal::BitrateTooLow { limit, needed })
}

/// The rung whose shorter side is `side`; `None` when the canvas or a limit has no room for it.
fn rung(wish: &Wish, side: u32) -> Option<Rung> {
    let (_, bitrate) = BITRATES.into_iter().find(|(of, _)| *of == side)?;
    let size = scaled(wish.canvas, side)?;
    if !wish.max_resolution.unwrap_or_default().takes(size) {
        return None;
    }
    let class = ResolutionClass::of(size)?;
    let is_high = wish.rate.numerator() >= HIGH_FRAME_RATE;
    // Up to 480p a standard rate is enough (obs-multitrack.md 1.13); half of a high rate is one, and divides.
    let rate = if is_high && class == ResolutionClass::Sd { half(wish.rate)? } else { wish.rate };
    let codec = wish.codecs.first().copied().unwrap_or(VideoCodec::Avc);
    // HEVC is Main at any size (the API reference, VideoTrackSettings); for AVC obs-multitrack.md 1.12 and 1.13.
    let profile = match (codec, class) {
        (VideoCodec::Hevc, _) | (_, ResolutionClass::Sd) => VideoProfile::Main,
        _ => VideoProfile::High,
    };
    Some(Rung { size, rate, bitrate, points: points(size, bitrate), profile, codec })
}

fn half(rate: FrameRate) -> Option<FrameRate> {
    FrameRate::new(rate.numerator(), rate.denominator().checked_mul(2)?).ok()
}

/// The canvas scaled down until its shorter side has `side` pixels. The longer side is rounded down to an even number,
/// as the guide does ("Connect Using Enhanced RTMP": 852x480).
fn scaled(canvas: Size, side: u32) -> Option<Size> {
    if side > canvas.shortest_px() {
        return None;
    }
    let longer = u64::from(canvas.longest_px()) * u64::from(side) / u64::from(canvas.shortest_px());
    let longer = u32::try_from(longer & !1).ok()?;
    let is_landscape = canvas.width_px() >= canvas.height_px();
    let (width, height) = if is_landscape { (longer, side) } else { (side, longer) };
    Size::new(width, height).ok()
}

/// The smallest shorter side, in pixels, of a rung that gives way before the others.
const HIGH_SIDE_PX: u32 = 720;

/// Bitrates to go down by. High rungs give way first: they have steps at 66 and 80 percent where low ones keep all of
/// theirs (obs-multitrack.md 1.12).
fn points(size: Size, nominal: Kbps) -> Vec<Kbps> {
    let percent = |percent: u32| Kbps(nominal.0 / 100 * percent + nominal.0 % 100 * percent / 100);
    if size.shortest_px() >= HIGH_SIDE_PX {
        vec![Kbps(0), percent(66), percent(80), nominal]
    } else {
        vec![Kbps(0), nominal, nominal, nominal]
    }
}

/// The ladder with bitrates that together stay within `limit`; `None` when that is below the first step of its points.
fn fit(ladder: Vec<Rung>, limit: Kbps) -> Option<Vec<Rung>> {
    let first_step: Kbps = ladder.iter().filter_map(|rung| rung.points.get(1).copied()).sum();
    if limit < first_step {
        return None;
    }
    let scale: Vec<(Kbps, &[Kbps])> =
        ladder.iter().map(|rung| (rung.bitrate, rung.points.as_slice())).collect();
    let bitrates = interpolate(&scale, limit);
    let fitted = ladder.into_iter().zip(bitrates);
    Some(fitted.map(|(rung, bitrate)| Rung { bitrate, points: points(rung.size, bitrate), ..rung }).collect())
}
