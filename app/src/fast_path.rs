//! Whether a rendition's pictures stay in the graphics adapter's memory on their way to its encoder.
//!
//! Through system memory is always right, and what everything else does. Without that detour goes only what this very
//! machine was seen to do right: a known picture is composed as a texture, encoded, decoded, and compared with the same
//! picture that went through memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use compositor::{CanvasConfig, Compositor, Delivery, Gpu, RenditionOutput, Scaler};
use encoder::{BackendKind, EncoderPicture, RenditionConfig};
use scene::{AspectMode, Color, Crop, ItemId, Layer, Picture, SourceId, Vec2};
use units::{ColorSpace, FrameRate, MediaTime, PixelFormat, Size, TrackId, VideoFrame};

/// Environment variable for support: `never` sends everything through memory, `always` tries textures also where the
/// processor draws. Both keep the self-test.
const VARIABLE: &str = "GENLOCK_TEXTURES";

/// Pictures of the self-test: enough for every texture of a short ring to be used again, and each different from the
/// one before, so that a picture that came too early or too late is seen.
const PICTURES: u64 = 8;
/// How long one picture may take to be composed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How close a decoded picture must be to the composed one, in decibels of the mean squared difference. Encoders give
/// 30 and more for the known picture at the bitrates of renditions; a plane that is shifted by a row, two planes that
/// are swapped, or the picture before, give less than 20.
const CLOSE_DB: f64 = 25.0;

/// What was decided for one rendition, and why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Path {
    /// Where its pictures go.
    pub(crate) delivery: Delivery,
    /// In words, without a full stop.
    pub(crate) why: String,
}

impl Path {
    fn memory(why: impl Into<String>) -> Self {
        Self { delivery: Delivery::Memory, why: why.into() }
    }
}

/// What the person wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Never,
    WhereItPays,
    Always,
}

impl Wish {
    fn read(text: Option<&str>) -> Self {
        match text.map(|text| text.trim().to_lowercase()).as_deref() {
            Some("never" | "off" | "0") => Self::Never,
            Some("always" | "on" | "1") => Self::Always,
            _ => Self::WhereItPays,
        }
    }
}

/// What a self-test is good for: one adapter with one driver, one way of making pictures, one encoder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    adapter: String,
    canvas: Size,
    size: Size,
    kind: BackendKind,
    codec: units::VideoCodec,
}

impl Key {
    fn new(gpu: &Gpu, canvas: Size, kind: BackendKind, config: &RenditionConfig) -> Self {
        let info = gpu.info();
        let adapter = format!("{:?} {} {}", gpu.adapter_luid(), info.name, info.driver);
        Self { adapter, canvas, size: config.size, kind, codec: config.codec }
    }
}

type Known = Mutex<HashMap<Key, Result<String, String>>>;

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(Known::default)
}

/// Decides for a rendition of `canvas` that `kind` encodes. Tries it when that is worth trying, once per process for
/// each adapter, driver, size and encoder; that takes as long as some pictures take to encode.
pub(crate) fn choose(gpu: &Gpu, canvas: Size, kind: BackendKind, config: &RenditionConfig) -> Path {
    let wish = Wish::read(std::env::var(VARIABLE).ok().as_deref());
    if !kind.takes_textures() {
        return Path::memory(format!("{kind} reads pictures from system memory"));
    }
    if let Some(why) = gpu.why_no_textures() {
        return Path::memory(why);
    }
    match wish {
        Wish::Never => return Path::memory(format!("{VARIABLE} says so")),
        Wish::WhereItPays if gpu.info().is_software => {
            return Path::memory("the processor draws, so nothing would be saved");
        }
        Wish::WhereItPays | Wish::Always => {}
    }
    let key = Key::new(gpu, canvas, kind, config);
    let cached = known().lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    let outcome = cached.unwrap_or_else(|| {
        let outcome = try_out(gpu, canvas, kind, config, Delivery::Texture);
        tracing::info!(encoder = %kind, size = %config.size, ?outcome, "tried pictures in the adapter's memory");
        known().lock().unwrap_or_else(PoisonError::into_inner).insert(key, outcome.clone());
        outcome
    });
    match outcome {
        Ok(why) => Path { delivery: Delivery::Texture, why },
        Err(why) => Path::memory(format!("the direct way failed its self-test: {why}")),
    }
}

/// The same for every rendition of a ladder, each with the encoder it would get; what has no encoder goes through
/// memory.
pub(crate) fn choose_all(gpu: &Gpu, canvas: Size, renditions: &[RenditionConfig]) -> Vec<Path> {
    let path = |config: &RenditionConfig| match encoder::choose(config) {
        Ok(choice) => choose(gpu, canvas, choice.kind, config),
        Err(error) => Path::memory(error.to_string()),
    };
    renditions.iter().map(path).collect()
}

/// Notes that it failed while it was used: from now on pictures of this kind go through memory.
pub(crate) fn give_up(gpu: &Gpu, canvas: Size, kind: BackendKind, config: &RenditionConfig, reason: &str) {
    let key = Key::new(gpu, canvas, kind, config);
    let outcome = Err(format!("it failed while it was used: {reason}"));
    known().lock().unwrap_or_else(PoisonError::into_inner).insert(key, outcome);
}

/// Composes, encodes, decodes and compares. Says in words how it went, in either case.
fn try_out(
    gpu: &Gpu,
    canvas: Size,
    kind: BackendKind,
    config: &RenditionConfig,
    delivery: Delivery,
) -> Result<String, String> {
    let config = RenditionConfig { track: TrackId::PRIMARY, backend: Some(kind), ..config.clone() };
    let (wanted, handed) = compose(gpu, canvas, config.size, delivery)?;
    let decoded = encoder::round_trip(kind, &config, &handed)?;
    let worst = wanted
        .iter()
        .zip(&decoded)
        .map(|(wanted, decoded)| closeness_db(wanted, decoded))
        .fold(f64::INFINITY, f64::min);
    if worst < CLOSE_DB {
        return Err(format!(
            "what was decoded is not what was composed ({worst:.0} dB instead of at least {CLOSE_DB:.0})"
        ));
    }
    Ok(format!("passed its self-test: {PICTURES} pictures composed, encoded, decoded, {worst:.0} dB"))
}

/// The known pictures as system memory has them, and as they are handed to the encoder.
fn compose(
    gpu: &Gpu,
    canvas: Size,
    size: Size,
    delivery: Delivery,
) -> Result<(Vec<Arc<VideoFrame>>, Vec<EncoderPicture>), String> {
    let said = |error: compositor::Error| error.to_string();
    let output = |delivery| RenditionOutput { size, scaler: Scaler::Bicubic, delivery };
    let renditions = vec![output(Delivery::Memory), output(delivery)];
    let config = CanvasConfig { size: canvas, renditions, in_flight: Some(1), by_processor: None };
    let mut compositor = Compositor::new(gpu, &config).map_err(said)?;
    let (mut wanted, mut handed) = (Vec::new(), Vec::new());
    for number in 0..PICTURES {
        let shown = known_picture(canvas, number).ok_or("the known picture could not be made")?;
        let picture = Picture { layers: vec![whole(canvas)], fade: None };
        let pts = FrameRate::FPS_30.pts_of(number);
        compositor.compose(pts, &picture, &|_| Some(shown.clone())).map_err(said)?;
        let frame = compositor.drain(PATIENCE).map_err(said)?.ok_or("no picture came")?;
        let [EncoderPicture::Memory(memory), direct] = frame.pictures.as_slice() else {
            return Err("two pictures were wanted".to_owned());
        };
        if delivery == Delivery::Texture && direct.on_adapter().is_none() {
            return Err("the compositor had no texture".to_owned());
        }
        wanted.push(memory.clone());
        handed.push(direct.clone());
    }
    Ok((wanted, handed))
}

/// A layer that is the canvas.
fn whole(canvas: Size) -> Layer {
    Layer {
        item: ItemId(1),
        source: SourceId(1),
        position: Vec2 { x: 0.0, y: 0.0 },
        size: Vec2 { x: canvas.width_px() as f32, y: canvas.height_px() as f32 },
        aspect: AspectMode::None,
        fill_color: Color::default(),
        alpha: 1.0,
        crop: Crop::default(),
    }
}

/// Four quarters of grey that change places from picture to picture, a patch of colour in the middle of each, and
/// lines across the upper right and down the lower left.
fn known_picture(size: Size, number: u64) -> Option<Arc<VideoFrame>> {
    const GREYS: [u8; 4] = [40, 95, 150, 205];
    const COLOURS: [[u8; 3]; 4] = [[30, 30, 200], [40, 170, 40], [190, 60, 40], [30, 180, 190]];
    const LINE_PX: u32 = 32;
    let (width, height) = (size.width_px(), size.height_px());
    let turn = usize::try_from(number % 4).ok()?;
    let mut bytes = Vec::new();
    for row in 0..height {
        for column in 0..width {
            let (right, low) = (column * 2 >= width, row * 2 >= height);
            let quarter = usize::from(right) + 2 * usize::from(low);
            let (x, y) = (column * 2 % width, row * 2 % height);
            let in_patch =
                (width / 4..width * 3 / 4).contains(&x) && (height / 4..height * 3 / 4).contains(&y);
            let on_line = match quarter {
                1 => row % LINE_PX < 2,
                2 => column % LINE_PX < 2,
                _ => false,
            };
            let place = (quarter + turn) % 4;
            let grey = GREYS.get(place).copied()?;
            let [b, g, r] = if on_line {
                [235; 3]
            } else if in_patch {
                COLOURS.get(place).copied()?
            } else {
                [grey; 3]
            };
            bytes.extend_from_slice(&[b, g, r, 255]);
        }
    }
    let color = ColorSpace::default();
    let frame = VideoFrame::packed(PixelFormat::Bgrx8, size, color, MediaTime::ZERO, Arc::new(bytes));
    frame.ok().map(Arc::new)
}

/// How close an I420 picture is to an NV12 picture of its size, the worse of luma and colour, in decibels; infinite
/// where they are equal.
fn closeness_db(nv12: &VideoFrame, i420: &VideoFrame) -> f64 {
    let rows = nv12.size().height_px() as usize;
    let square = |a: u8, b: u8| u64::from(a.abs_diff(b)).pow(2);
    let luma = (0..rows).flat_map(|row| nv12.row(0, row).iter().zip(i420.row(0, row)));
    let luma = luma.map(|(a, b)| square(*a, *b));
    let chroma = (0..rows.div_ceil(2)).flat_map(|row| {
        let (cb, cr) = (i420.row(1, row), i420.row(2, row));
        nv12.row(1, row).as_chunks::<2>().0.iter().zip(cb.iter().zip(cr))
    });
    let chroma = chroma.flat_map(|([cb, cr], (b, r))| [square(*cb, *b), square(*cr, *r)]);
    decibels(luma).min(decibels(chroma))
}

fn decibels(squares: impl Iterator<Item = u64>) -> f64 {
    let (sum, count) = squares.fold((0u64, 0u64), |(sum, count), square| (sum + square, count + 1));
    match (sum, count) {
        // Nothing to compare is no agreement.
        (_, 0) => 0.0,
        (0, _) => f64::INFINITY,
        (sum, count) => 10.0 * (255.0 * 255.0 * count as f64 / sum as f64).log10(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::Kbps;

    fn gpu() -> Gpu {
        Gpu::open(None).unwrap()
    }

    fn config(size: Size) -> RenditionConfig {
        RenditionConfig::new(TrackId::PRIMARY, size, FrameRate::FPS_30, Kbps(2500))
    }

    #[test]
    fn the_known_picture_comes_back_from_an_encoder_that_works() {
        let (canvas, size) = (Size::new(640, 360).unwrap(), Size::new(426, 240).unwrap());
        let said = try_out(&gpu(), canvas, BackendKind::X264, &config(size), Delivery::Memory).unwrap();
        assert!(said.contains("passed"), "{said}");
    }

    #[test]
    fn the_picture_before_or_a_shifted_plane_is_not_close() {
        let size = Size::new(320, 180).unwrap();
        let (wanted, _) = compose(&gpu(), size, size, Delivery::Memory).unwrap();
        let planar = |frame: &VideoFrame, shift: usize| {
            let mut bytes: Vec<u8> = (0..180).flat_map(|row| frame.row(0, row).to_vec()).collect();
            bytes.rotate_left(320 * shift);
            for part in 0..2 {
                bytes.extend((0..90).flat_map(|row| frame.row(1, row).iter().skip(part).step_by(2)));
            }
            let color = ColorSpace::default();
            VideoFrame::packed(PixelFormat::I420, size, color, MediaTime::ZERO, Arc::new(bytes)).unwrap()
        };
        assert!(closeness_db(&wanted[0], &planar(&wanted[0], 0)).is_infinite());
        for number in 1..wanted.len() {
            let before = closeness_db(&wanted[number], &planar(&wanted[number - 1], 0));
            assert!(before < CLOSE_DB - 5.0, "{number} {before}");
        }
        let shifted = closeness_db(&wanted[0], &planar(&wanted[0], 8));
        assert!(shifted < CLOSE_DB, "{shifted}");
    }

    /// The whole direct way, with a driver that is a fake: it reads the texture behind the fence and returns what it read
    /// as access units.
    #[cfg(windows)]
    #[test]
    fn a_texture_reaches_a_driver_and_comes_back() {
        use fake_nvenc as _;
        let own = std::env::current_exe().unwrap();
        let fake = own.parent().unwrap().join("fake_nvenc.dll");
        assert!(fake.is_file(), "{} is built as what these tests depend on", fake.display());
        // SAFETY: on Windows the environment may be changed while other threads read it.
        #[allow(unsafe_code, reason = "the environment of this process")]
        unsafe {
            std::env::set_var("GENLOCK_NVENC_LIBRARY", &fake);
        }
        let (canvas, size) = (Size::new(640, 360).unwrap(), Size::new(426, 240).unwrap());
        let gpu = gpu();
        assert_eq!(gpu.why_no_textures(), None);
        let way =
            |delivery| try_out(&gpu, canvas, BackendKind::NvencDirect, &config(size), delivery).unwrap();
        assert!(way(Delivery::Memory).contains("passed"));
        assert!(way(Delivery::Texture).contains("passed"));
    }

    #[test]
    fn memory_is_chosen_with_the_reason_wherever_the_direct_way_is_not_open() {
        let size = Size::new(320, 180).unwrap();
        let path = choose(&gpu(), size, BackendKind::X264, &config(size));
        assert_eq!(path.delivery, Delivery::Memory);
        assert!(path.why.contains("system memory"), "{}", path.why);
        let all = choose_all(&gpu(), size, &[config(size)]);
        assert!(all.iter().all(|path| path.delivery == Delivery::Memory));
        assert_eq!(Wish::read(Some(" Never ")), Wish::Never);
        assert_eq!(Wish::read(Some("always")), Wish::Always);
        assert_eq!(Wish::read(None), Wish::WhereItPays);
    }
}
