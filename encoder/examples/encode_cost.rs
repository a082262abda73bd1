//! Encodes raw NV12 pictures with the encoder group and prints what came out: for measuring what it costs, with the
//! system's own tools, beside ffmpeg on the same pictures.
//!
//!     encode_cost FILE WIDTHxHEIGHT RATE KBPS [ELEMENT]

#![expect(clippy::print_stdout, reason = "its result")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use encoder::{BackendKind, CanvasFrame, EncoderGroup, EncoderOutput, RenditionConfig};
use units::{Clock, ColorSpace, FrameRate, Kbps, MediaTime, PixelFormat, Plane, Size, TrackId, VideoFrame};

struct Running(Instant);

impl Clock for Running {
    fn now(&self) -> MediaTime {
        MediaTime::from_nanos(i64::try_from(self.0.elapsed().as_nanos()).unwrap_or(i64::MAX))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, size, rate, kbps, element @ ..] = arguments.as_slice() else {
        return Err("encode_cost FILE WIDTHxHEIGHT RATE KBPS [ELEMENT]".into());
    };
    let size: Size = size.parse()?;
    let rate: FrameRate = rate.parse()?;
    let mut config = RenditionConfig::new(TrackId::PRIMARY, size, rate, Kbps(kbps.parse()?));
    config.backend = element.first().and_then(|element| BackendKind::from_element(element));
    let source = Arc::new(std::fs::read(Path::new(file))?);
    let (stride, picture_bytes) = (size.width_px() as usize, usize::try_from(size.pixels())? * 3 / 2);
    let clock: Arc<dyn Clock> = Arc::new(Running(Instant::now()));
    let (group, receiver) = EncoderGroup::start(rate, vec![config], clock.clone())?;
    for report in group.reports() {
        println!("{}: {}", report.backend, report.reason);
    }
    let (mut units, mut bytes) = (0u64, 0u64);
    let mut take = |event| {
        if let EncoderOutput::Unit(unit) = event {
            units += 1;
            bytes += unit.data.len() as u64;
        }
    };
    let frames = source.len() / picture_bytes;
    for number in 0..frames {
        let offset = number * picture_bytes;
        let planes = vec![Plane { offset, stride }, Plane { offset: offset + picture_bytes * 2 / 3, stride }];
        let bytes = source.clone();
        let picture =
            VideoFrame::new(PixelFormat::Nv12, size, ColorSpace::default(), MediaTime::ZERO, planes, bytes)?;
        if !group.wait_for_room(Duration::from_secs(10)) {
            return Err("the encoder hangs".into());
        }
        let index = number as u64;
        let pictures = vec![(TrackId::PRIMARY, Arc::new(picture).into())];
        group.push(&CanvasFrame {
            index,
            pts: rate.pts_of(index),
            composed_at: clock.now(),
            rendered: index + 1,
            lagged: 0,
            pictures,
        })?;
        receiver.try_iter().for_each(&mut take);
    }
    group.finish();
    receiver.try_iter().for_each(&mut take);
    let seconds = frames as f64 / rate.as_f64();
    println!("{units} pictures, {:.0} kbps", bytes as f64 / 125.0 / seconds);
    Ok(())
}
