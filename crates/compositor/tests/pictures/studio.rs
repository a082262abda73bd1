//! A compositor with named sources, for short tests.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use compositor::{CanvasConfig, ComposedFrame, Compositor, Delivery, Gpu, RenditionOutput, Scaler};
use scene::{AspectMode, Color, Crop, ItemId, Layer, Picture, SourceId, Vec2};
use units::{ColorSpace, EncoderPicture, MediaTime, PixelFormat, Pts, Size, VideoFrame};

use crate::reference::{Plane, Rgb};

/// Long enough for the slowest machine; only a broken adapter takes it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn gpu() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| Gpu::open(None).expect("an adapter; llvmpipe will do"))
}

pub(crate) fn size(width: u32, height: u32) -> Size {
    Size::new(width, height).unwrap()
}

pub(crate) struct Studio {
    pub(crate) compositor: Compositor,
    pub(crate) sources: HashMap<SourceId, Arc<VideoFrame>>,
    frames: i64,
}

impl Studio {
    /// One rendition, as large as the canvas; drawn as this adapter chooses.
    pub(crate) fn new(canvas: Size) -> Self {
        Self::with_renditions(canvas, &[(canvas, Scaler::Bilinear)], None)
    }

    /// One with opaque layers drawn by the adapter, and one with them drawn by the processor.
    pub(crate) fn both(canvas: Size) -> [Self; 2] {
        [false, true].map(|by| Self::with_renditions(canvas, &[(canvas, Scaler::Bilinear)], Some(by)))
    }

    pub(crate) fn with_renditions(
        canvas: Size,
        renditions: &[(Size, Scaler)],
        by_processor: Option<bool>,
    ) -> Self {
        let renditions = renditions
            .iter()
            .map(|&(size, scaler)| RenditionOutput { size, scaler, delivery: Delivery::Memory })
            .collect();
        let config = CanvasConfig { size: canvas, renditions, in_flight: Some(1), by_processor };
        let compositor = Compositor::new(gpu(), &config).unwrap();
        Self { compositor, sources: HashMap::new(), frames: 0 }
    }

    pub(crate) fn set(&mut self, source: u64, frame: Arc<VideoFrame>) {
        self.sources.insert(SourceId(source), frame);
    }

    pub(crate) fn frame(&mut self, picture: &Picture) -> ComposedFrame {
        let pts = Pts::from_millis(self.frames * 40);
        self.frames += 1;
        let sources = &self.sources;
        self.compositor.compose(pts, picture, &|source| sources.get(&source).cloned()).unwrap();
        let composed =
            self.compositor.collect(PATIENCE).unwrap().expect("one frame at a time is always given");
        assert_eq!(composed.pts, pts);
        composed
    }

    /// The planes of the first rendition.
    pub(crate) fn show(&mut self, layers: &[Layer]) -> [Plane; 3] {
        planes_of(&self.frame(&Picture { layers: layers.to_vec(), fade: None }).pictures[0])
    }
}

/// A layer of `source`, stretched to a slot.
pub(crate) fn layer(source: u64, position: (f32, f32), extent: (f32, f32)) -> Layer {
    Layer {
        item: ItemId(source),
        source: SourceId(source),
        position: Vec2 { x: position.0, y: position.1 },
        size: Vec2 { x: extent.0, y: extent.1 },
        aspect: AspectMode::None,
        fill_color: Color::default(),
        alpha: 1.0,
        crop: Crop::default(),
    }
}

/// The frame of a picture in system memory.
pub(crate) fn in_memory(picture: &EncoderPicture) -> &VideoFrame {
    picture.in_memory().expect("a picture in system memory")
}

/// Luma, Cb, Cr of an NV12 picture in system memory.
pub(crate) fn planes_of(picture: &EncoderPicture) -> [Plane; 3] {
    planes(in_memory(picture))
}

/// Luma, Cb, Cr of an NV12 frame.
pub(crate) fn planes(frame: &VideoFrame) -> [Plane; 3] {
    assert!(matches!(frame.format(), PixelFormat::Nv12), "{:?}", frame.format());
    let (width, height) = (frame.size().width_px() as usize, frame.size().height_px() as usize);
    [
        Plane::new(width, height, |x, y| f64::from(frame.row(0, y)[x])),
        Plane::new(width / 2, height / 2, |x, y| f64::from(frame.row(1, y)[2 * x])),
        Plane::new(width / 2, height / 2, |x, y| f64::from(frame.row(1, y)[2 * x + 1])),
    ]
}

pub(crate) fn frame(format: PixelFormat, size: Size, color: ColorSpace, bytes: Vec<u8>) -> Arc<VideoFrame> {
    Arc::new(VideoFrame::packed(format, size, color, MediaTime::ZERO, Arc::new(bytes)).unwrap())
}

/// A picture as bytes B G R x, the x holding nonsense.
pub(crate) fn bgrx(picture: &Rgb) -> Arc<VideoFrame> {
    let mut bytes = picture.interleaved([2, 1, 0, 3]);
    bytes.chunks_exact_mut(4).for_each(|texel| texel[3] = 77);
    frame(PixelFormat::Bgrx8, size_of(picture), ColorSpace::default(), bytes)
}

pub(crate) fn rgba(picture: &Rgb) -> Arc<VideoFrame> {
    frame(PixelFormat::Rgba8, size_of(picture), ColorSpace::default(), picture.interleaved([0, 1, 2, 3]))
}

pub(crate) fn nv12(planes: &[Plane; 3], color: ColorSpace) -> Arc<VideoFrame> {
    let mut bytes = planes[0].bytes();
    bytes.extend(planes[1].bytes().iter().zip(planes[2].bytes()).flat_map(|(cb, cr)| [*cb, cr]));
    let size = size(planes[0].width as u32, planes[0].height as u32);
    frame(PixelFormat::Nv12, size, color, bytes)
}

pub(crate) fn i420(planes: &[Plane; 3], color: ColorSpace) -> Arc<VideoFrame> {
    let bytes = planes.iter().flat_map(Plane::bytes).collect();
    frame(PixelFormat::I420, size(planes[0].width as u32, planes[0].height as u32), color, bytes)
}

fn size_of(picture: &Rgb) -> Size {
    size(picture.width() as u32, picture.height() as u32)
}

/// Something like a photograph: slow shades, some texture, a few hard edges. All colours within the cube.
pub(crate) fn photograph(width: usize, height: usize) -> Rgb {
    Rgb::new(width, height, |x, y| {
        let (fx, fy) = (x as f64, y as f64);
        let shade = |a: f64, b: f64, c: f64| 128.0 + 70.0 * (fx * a + fy * b + c).sin();
        let texture = 18.0 * (fx * 0.9).sin() * (fy * 0.7).cos();
        let edge = if (x / 37 + y / 29) % 2 == 0 { 20.0 } else { -20.0 };
        [
            shade(0.021, 0.013, 0.0) + texture + edge,
            shade(0.011, 0.027, 1.0) + texture + edge,
            shade(0.017, -0.019, 2.0) + texture - edge,
        ]
    })
}
