//! Renditions against the plain scaler and against swscale.

use std::io::Write as _;
use std::process::Command;

use compositor::Scaler;
use units::{ColorSpace, PixelFormat, Size, VideoFrame};

use crate::reference::{Kernel, Plane, psnr, scale};
use crate::studio::{Studio, frame, layer, nv12, photograph, planes, planes_of, size};

const CANVAS: (u32, u32) = (640, 360);
const SIZES: [(u32, u32); 4] = [(426, 240), (320, 180), (160, 90), (960, 540)];
const SCALERS: [(Scaler, Kernel, f64); 5] = [
    (Scaler::Point, Kernel::Nearest, 45.0),
    (Scaler::Bilinear, Kernel::Triangle, 45.0),
    (Scaler::Bicubic, Kernel::Keys, 45.0),
    (Scaler::Lanczos, Kernel::Lanczos3, 40.0),
    (Scaler::Area, Kernel::Coverage, 45.0),
];

fn picture() -> std::sync::Arc<VideoFrame> {
    nv12(&photograph(CANVAS.0 as usize, CANVAS.1 as usize).to_yuv(), ColorSpace::default())
}

/// Every scaler, on the adapter and on the processor.
fn both_ways() -> impl Iterator<Item = ((Scaler, Kernel, f64), bool)> {
    SCALERS.into_iter().flat_map(|scaler| [false, true].map(|by_processor| (scaler, by_processor)))
}

fn renditions(scaler: Scaler, by_processor: bool) -> Vec<[Plane; 3]> {
    let canvas = size(CANVAS.0, CANVAS.1);
    let outputs: Vec<(Size, Scaler)> = SIZES.iter().map(|&(w, h)| (size(w, h), scaler)).collect();
    let mut studio = Studio::with_renditions(canvas, &outputs, Some(by_processor));
    studio.set(1, picture());
    let picture = scene::Picture { layers: vec![layer(1, (0.0, 0.0), (640.0, 360.0))], fade: None };
    studio.frame(&picture).pictures.iter().map(planes_of).collect()
}

#[test]
fn every_scaler_agrees_with_the_kernel_written_out() {
    let source = planes(&picture());
    for ((scaler, kernel, least_db), by_processor) in both_ways() {
        for ((width, height), found) in SIZES.iter().zip(renditions(scaler, by_processor)) {
            let (width, height) = (*width as usize, *height as usize);
            let wanted = [
                scale(&source[0], width, height, kernel, 0.5),
                scale(&source[1], width / 2, height / 2, kernel, 0.25),
                scale(&source[2], width / 2, height / 2, kernel, 0.25),
            ];
            for (plane, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
                let db = psnr(found, &wanted.rounded());
                assert!(db >= least_db, "{scaler:?} {width}x{height} plane {plane}: {db:.1} dB");
            }
        }
    }
}

#[test]
fn every_scaler_agrees_with_swscale() {
    let source = picture();
    let mut raw = source.plane(0).to_vec();
    raw.extend_from_slice(source.plane(1));
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.yuv");
    std::fs::File::create(&input).unwrap().write_all(&raw).unwrap();
    for ((scaler, _, least_db), by_processor) in both_ways() {
        let flags = match scaler {
            Scaler::Bilinear => "bilinear",
            Scaler::Bicubic => "bicubic",
            Scaler::Lanczos => "lanczos",
            Scaler::Point => "neighbor",
            Scaler::Area => "area",
        };
        for ((width, height), found) in SIZES.iter().zip(renditions(scaler, by_processor)) {
            if scaler == Scaler::Area && *width > CANVAS.0 {
                // There swscale's area scaler is its bilinear one.
                continue;
            }
            let output = folder.path().join("out.yuv");
            // Chroma sited left on both sides, as H.264 has it by default.
            let filter = format!(
                "scale={width}:{height}:in_h_chr_pos=0:out_h_chr_pos=0:sws_flags={flags}+accurate_rnd"
            );
            let status = Command::new("ffmpeg")
                .args(["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "nv12", "-s", "640x360", "-i"])
                .arg(&input)
                .args(["-vf", &filter, "-f", "rawvideo", "-pix_fmt", "nv12"])
                .arg(&output)
                .status()
                .expect("ffmpeg is installed");
            assert!(status.success(), "{filter}");
            let size = size(*width, *height);
            let wanted =
                frame(PixelFormat::Nv12, size, ColorSpace::default(), std::fs::read(&output).unwrap());
            for (plane, (found, wanted)) in found.iter().zip(&planes(&wanted)).enumerate() {
                let db = psnr(found, wanted);
                assert!(db >= least_db, "{scaler:?} {size} plane {plane}: {db:.1} dB");
            }
        }
    }
}
