//! What composing costs on this adapter, step by step, and what it saves not to read pictures back.
//!
//! No encoder and no window: the compositor alone, so that it runs wherever there is an adapter, and says which.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use compositor::{CanvasConfig, Compositor, Delivery, Gpu, RenditionOutput, Scaler};
use scene::{AspectMode, Color, Crop, ItemId, Layer, Picture, SourceId, Vec2};
use serde_json::{Value, json};
use units::{ColorSpace, MediaTime, PixelFormat, Pts, Size, VideoFrame};

/// Frames per figure, after [`WARM_UP`] that do not count.
const FRAMES: u32 = 60;
const WARM_UP: u32 = 10;
/// Only an adapter that hangs takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two pictures of a source, shown in turn, so that every frame has to be made.
type Sources = HashMap<SourceId, [Arc<VideoFrame>; 2]>;

/// Everything, for 1920x1080 and 1280x720.
pub(crate) fn gpu(_: &Path) -> Result<Value> {
    let gpu = Gpu::open(None)?;
    let info = gpu.info();
    let mut figures = serde_json::Map::new();
    figures.insert(
        "ran_on".into(),
        json!({
            "adapter": info.name,
            "backend": info.backend,
            "driver": info.driver,
            "is_software": info.is_software,
            "textures": gpu.why_no_textures().map_or_else(|| "yes".to_owned(), |why| format!("no: {why}")),
        }),
    );
    for (width, height) in [(1920, 1080), (1280, 720)] {
        let canvas = Size::new(width, height)?;
        figures.insert(canvas.to_string(), of_canvas(&gpu, canvas)?);
    }
    Ok(Value::Object(figures))
}

fn of_canvas(gpu: &Gpu, canvas: Size) -> Result<Value> {
    let sources = sources(canvas)?;
    let whole = |source| vec![layer(source, (0.0, 0.0), (1.0, 1.0))];
    let scene = vec![
        layer(1, (0.0, 0.0), (1.0, 1.0)),
        layer(2, (0.62, 0.05), (0.35, 0.35)),
        Layer { alpha: 0.8, ..layer(1, (0.05, 0.7), (0.25, 0.25)) },
        Layer { alpha: 0.6, ..layer(2, (0.4, 0.45), (0.3, 0.3)) },
    ];
    let scaled = |layers: &[Layer]| -> Vec<Layer> {
        let (width, height) = (canvas.width_px() as f32, canvas.height_px() as f32);
        let of = |share: Vec2| Vec2 { x: share.x * width, y: share.y * height };
        let layer =
            |layer: &Layer| Layer { position: of(layer.position), size: of(layer.size), ..layer.clone() };
        layers.iter().map(layer).collect()
    };
    let measure = |layers: &[Layer], delivery: Delivery, renditions: u32, in_flight: Option<usize>| {
        let outputs = (0..renditions).map(|number| {
            // 1080p: 1920x1080, 1280x720, 852x480; 720p: 1280x720, 852x480, 568x320.
            let share = |px: u32| (px * [6, 4, 3].get(number as usize).copied().unwrap_or(2) / 6).max(2) & !1;
            let size = Size::new(share(canvas.width_px()), share(canvas.height_px()))?;
            Ok(RenditionOutput { size, scaler: Scaler::Bicubic, delivery })
        });
        let outputs = outputs.collect::<Result<Vec<_>, units::SizeError>>()?;
        let config = CanvasConfig { size: canvas, renditions: outputs, in_flight, by_processor: None };
        run(gpu, &config, &scaled(layers), &sources)
    };
    let alone = Some(1);
    let memory = Delivery::Memory;
    let mut found = json!({
        "compose_nv12_source": measure(&whole(1), memory, 0, alone)?,
        "compose_and_convert_rgb_source": measure(&whole(2), memory, 0, alone)?,
        "compose_four_layers": measure(&scene, memory, 0, alone)?,
        "and_read_back": measure(&scene, memory, 1, alone)?,
        "and_scale_to_three_and_read_back": measure(&scene, memory, 3, alone)?,
        "the_same_overlapping": measure(&scene, memory, 3, None)?,
    });
    if gpu.why_no_textures().is_none() {
        let texture = Delivery::Texture;
        found["three_as_textures"] = measure(&scene, texture, 3, alone)?;
        found["three_as_textures_overlapping"] = measure(&scene, texture, 3, None)?;
    }
    Ok(found)
}

/// Frame times from the call to the finished pictures, and frames per second.
fn run(gpu: &Gpu, config: &CanvasConfig, layers: &[Layer], sources: &Sources) -> Result<Value> {
    let mut compositor = Compositor::new(gpu, config)?;
    let picture = Picture { layers: layers.to_vec(), fade: None };
    let (mut times_ms, mut begun, mut under_way) = (Vec::new(), Instant::now(), 0);
    for number in 0..WARM_UP + FRAMES {
        if number == WARM_UP {
            while compositor.drain(PATIENCE)?.is_some() {}
            (begun, under_way) = (Instant::now(), 0);
        }
        let frame_begun = Instant::now();
        let lookup = |source: SourceId| sources.get(&source)?.get(number as usize % 2).cloned();
        let pts = Pts::from_nanos(i64::from(number) * 16_666_667);
        compositor.compose(pts, &picture, &lookup)?;
        under_way += 1;
        if under_way >= compositor.in_flight() {
            compositor.drain(PATIENCE)?.context("a frame")?;
            under_way -= 1;
        }
        if number >= WARM_UP {
            times_ms.push(frame_begun.elapsed().as_secs_f64() * 1e3);
        }
    }
    while compositor.drain(PATIENCE)?.is_some() {}
    let seconds = begun.elapsed().as_secs_f64();
    times_ms.sort_by(f64::total_cmp);
    let at = |share: f64| times_ms.get((times_ms.len() as f64 * share) as usize).copied();
    Ok(json!({
        "median_ms": at(0.5),
        "p95_ms": at(0.95),
        "frames_per_second": f64::from(FRAMES) / seconds,
        "in_memory_instead": compositor.in_memory_instead(),
    }))
}

/// A layer; place and extent in shares of the canvas.
fn layer(source: u64, position: (f32, f32), extent: (f32, f32)) -> Layer {
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

/// Source 1 in the canvas' own codes, source 2 in RGB, both of the canvas' size.
fn sources(canvas: Size) -> Result<Sources> {
    let mut made = HashMap::new();
    for (source, format) in [(1, PixelFormat::Nv12), (2, PixelFormat::Bgrx8)] {
        let frame = |shift: u8| -> Result<Arc<VideoFrame>> {
            let len: usize = format.plane_shapes(canvas).iter().map(|(row, rows)| row * rows).sum();
            let bytes: Vec<u8> = (0..len).map(|at| (at / 3 % 251) as u8 ^ shift).collect();
            let color = ColorSpace::default();
            Ok(Arc::new(VideoFrame::packed(format, canvas, color, MediaTime::ZERO, Arc::new(bytes))?))
        };
        made.insert(SourceId(source), [frame(0)?, frame(7)?]);
    }
    Ok(made)
}
