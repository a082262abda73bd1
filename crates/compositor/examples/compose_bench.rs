//! What composing costs: processor milliseconds and elapsed milliseconds per frame for typical sets of layers, as one
//! JSON object per line.
//!
//! `cargo run --release -p compositor --example compose_bench -- [ADAPTER] [SET]`, each a part of a name; an empty
//! ADAPTER chooses by itself.
//!
//! Processor time is that of the whole process, so the threads of a software adapter are counted.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use compositor::{CanvasConfig, Compositor, Delivery, Gpu, RenditionOutput, Scaler};
use scene::{AspectMode, Color, Crop, ItemId, Layer, Picture, SourceId, Vec2};
use units::{ColorMatrix, ColorRange, ColorSpace, MediaTime, PixelFormat, Pts, Size, VideoFrame};

type Failure = Box<dyn std::error::Error>;

/// Frames measured per set.
const FRAMES: u32 = 150;

/// Name, layers, fade, renditions, whether the preview is looked at.
type Set<'a> = (&'a str, Vec<Layer>, Option<(Vec<Layer>, f32)>, &'a [RenditionOutput], bool);

/// Two frames per source, shown in turn, so that each composition uploads.
type Sources = HashMap<SourceId, [Arc<VideoFrame>; 2]>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&format!("{{\"error\":{:?}}}", error.to_string()));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the figures are this program's result")]
fn report(line: &str) {
    println!("{line}");
}

fn run() -> Result<(), Failure> {
    let adapter = std::env::args().nth(1).filter(|name| !name.is_empty());
    let wanted_set = std::env::args().nth(2).unwrap_or_default();
    let gpu = Gpu::open(adapter.as_deref())?;
    let info = gpu.info();
    report(&format!(
        "{{\"adapter\":{:?},\"backend\":{:?},\"driver\":{:?},\"software\":{}}}",
        info.name, info.backend, info.driver, info.is_software
    ));
    let canvas = size(1280, 720)?;
    let sources = sources()?;
    let pattern = layer(1, (0.0, 0.0), (1280.0, 720.0));
    let screen_inset = layer(2, (600.0, 40.0), (640.0, 360.0));
    let text = layer(3, (40.0, 620.0), (600.0, 60.0));
    let camera = layer(4, (40.0, 40.0), (320.0, 180.0));
    let demo = vec![pattern.clone(), screen_inset.clone(), text.clone(), camera.clone()];
    let screen = vec![layer(2, (0.0, 0.0), (1280.0, 720.0)), text.clone(), camera.clone()];
    let same = [output(canvas)];
    let ladder = [output(canvas), output(size(852, 480)?), output(size(640, 360)?)];
    let sets: [Set<'_>; 10] = [
        ("pattern 720p NV12", vec![pattern.clone()], None, &same, false),
        ("pattern + screen 1080p inset + text + camera", demo.clone(), None, &same, false),
        ("the same with a 640x360 preview", demo.clone(), None, &same, true),
        ("screen 1080p on the canvas + text + camera", screen.clone(), None, &same, false),
        ("screen 720p on the canvas", vec![layer(5, (0.0, 0.0), (1280.0, 720.0))], None, &same, false),
        ("camera 720p full range BT.601", vec![layer(6, (0.0, 0.0), (1280.0, 720.0))], None, &same, false),
        ("camera 1080p NV12 on the canvas", vec![layer(7, (0.0, 0.0), (1280.0, 720.0))], None, &same, false),
        ("fade between the first two", demo.clone(), Some((screen, 0.4)), &same, false),
        ("three renditions, bicubic", demo, None, &ladder, false),
        ("nothing changes", vec![layer(8, (0.0, 0.0), (1280.0, 720.0)), text], None, &same, false),
    ];
    for (name, layers, fade, renditions, preview) in sets {
        if !name.contains(&wanted_set) {
            continue;
        }
        let config = CanvasConfig {
            size: canvas,
            renditions: renditions.to_vec(),
            in_flight: None,
            by_processor: None,
        };
        measure(&gpu, name, &config, &Picture { layers, fade }, &sources, preview)?;
    }
    Ok(())
}

fn measure(
    gpu: &Gpu,
    name: &str,
    config: &CanvasConfig,
    picture: &Picture,
    sources: &Sources,
    preview: bool,
) -> Result<(), Failure> {
    let mut compositor = Compositor::new(gpu, config)?;
    let tap = compositor.preview();
    let mut frame = |number: u32| -> Result<(), Failure> {
        if preview {
            tap.show(size(640, 360)?);
        }
        let lookup = |source: SourceId| {
            let pair = sources.get(&source)?;
            pair.get(number as usize % 2).cloned()
        };
        compositor.compose(Pts::from_nanos(i64::from(number) * 33_333_333), picture, &lookup)?;
        compositor.collect(Duration::from_secs(5))?;
        Ok(())
    };
    for number in 0..10 {
        frame(number)?;
    }
    let (cpu, wall) = (cpu_ms()?, Instant::now());
    for number in 0..FRAMES {
        frame(number)?;
    }
    let per_frame = |total_ms: f64| total_ms / f64::from(FRAMES);
    let (cpu, wall) = (per_frame(cpu_ms()? - cpu), per_frame(wall.elapsed().as_secs_f64() * 1e3));
    report(&format!(
        "{{\"layers\":{name:?},\"cpu_ms_per_frame\":{cpu:.2},\"wall_ms_per_frame\":{wall:.2},\
         \"cores_at_30_fps\":{:.3}}}",
        cpu * 30.0 / 1000.0
    ));
    Ok(())
}

/// Processor time of this process' threads, in milliseconds: the first field of /proc/self/task/*/schedstat is the
/// time spent on a processor in nanoseconds (Linux, Documentation/scheduler/sched-stats.rst).
fn cpu_ms() -> Result<f64, Failure> {
    let mut nanos = 0.0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let stat = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanos += stat.split_whitespace().next().unwrap_or("0").parse::<f64>()?;
    }
    Ok(nanos / 1e6)
}

fn size(width: u32, height: u32) -> Result<Size, Failure> {
    Ok(Size::new(width, height)?)
}

fn output(size: Size) -> RenditionOutput {
    RenditionOutput { size, scaler: Scaler::Bicubic, delivery: Delivery::Memory }
}

fn layer(source: u64, position: (f32, f32), extent: (f32, f32)) -> Layer {
    Layer {
        item: ItemId(source),
        source: SourceId(source),
        position: Vec2 { x: position.0, y: position.1 },
        size: Vec2 { x: extent.0, y: extent.1 },
        aspect: AspectMode::Fit,
        fill_color: Color::default(),
        alpha: 1.0,
        crop: Crop::default(),
    }
}

fn sources() -> Result<Sources, Failure> {
    let camera = ColorSpace { matrix: ColorMatrix::Bt601, range: ColorRange::Full };
    let limited = ColorSpace::default();
    let mut made = HashMap::new();
    let mut add = |id: u64, format, extent: (u32, u32), color, moving: bool| -> Result<(), Failure> {
        let first = frame(format, size(extent.0, extent.1)?, color, 0)?;
        let second =
            if moving { frame(format, size(extent.0, extent.1)?, color, 7)? } else { Arc::clone(&first) };
        made.insert(SourceId(id), [first, second]);
        Ok(())
    };
    add(1, PixelFormat::Nv12, (1280, 720), limited, true)?;
    add(2, PixelFormat::Bgrx8, (1920, 1080), limited, true)?;
    add(3, PixelFormat::Rgba8, (600, 60), limited, false)?;
    add(4, PixelFormat::Nv12, (640, 360), camera, true)?;
    add(5, PixelFormat::Bgrx8, (1280, 720), limited, true)?;
    add(6, PixelFormat::Nv12, (1280, 720), camera, true)?;
    add(7, PixelFormat::Nv12, (1920, 1080), limited, true)?;
    add(8, PixelFormat::Nv12, (1280, 720), limited, false)?;
    Ok(made)
}

fn frame(format: PixelFormat, size: Size, color: ColorSpace, shift: u8) -> Result<Arc<VideoFrame>, Failure> {
    let len: usize = format.plane_shapes(size).iter().map(|(row, rows)| row * rows).sum();
    let bytes: Vec<u8> = (0..len).map(|at| (at / 3 % 251) as u8 ^ shift).collect();
    Ok(Arc::new(VideoFrame::packed(format, size, color, MediaTime::ZERO, Arc::new(bytes))?))
}
