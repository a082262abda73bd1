//! Codes of colours, and pictures in every pixel format.

use std::sync::Arc;

use scene::{Color, Layer};
use units::{ColorMatrix, ColorRange, ColorSpace, PixelFormat};

use crate::reference::{Plane, Rgb, bt709, from_bt601_full, largest_difference, psnr};
use crate::studio::{Studio, bgrx, frame, i420, layer, nv12, photograph, rgba, size};

const FULL_601: ColorSpace = ColorSpace { matrix: ColorMatrix::Bt601, range: ColorRange::Full };

fn whole(source: u64) -> Vec<Layer> {
    vec![layer(source, (0.0, 0.0), (64.0, 48.0))]
}

#[test]
fn primaries_white_black_and_grey_within_two_codes() {
    for mut studio in Studio::both(size(64, 48)) {
        for value in 0..8 {
            let on = |bit: u8| f64::from(u8::from(value & bit != 0)) * 255.0;
            check_color(&mut studio, [on(1), on(2), on(4)]);
        }
        check_color(&mut studio, [128.0; 3]);
    }
}

fn check_color(studio: &mut Studio, color: [f64; 3]) {
    let wanted = bt709(color);
    let picture = Rgb::new(64, 48, |_, _| color);
    for frame in [bgrx(&picture), rgba(&picture)] {
        studio.set(1, frame);
        for (plane, code) in studio.show(&whole(1)).iter().zip(wanted) {
            assert!(plane.samples.iter().all(|sample| (sample - code).abs() <= 1.0), "{color:?}");
        }
    }
    // The same colour as a fill around a picture.
    let [r, g, b] = color.map(|value| (value / 255.0) as f32);
    let mut boxed = layer(2, (0.0, 0.0), (64.0, 48.0));
    boxed.aspect = scene::AspectMode::Fit;
    boxed.fill_color = Color { r, g, b, a: 1.0 };
    studio.set(2, bgrx(&Rgb::new(8, 48, |_, _| [0.0; 3])));
    for (plane, code) in studio.show(&[boxed]).iter().zip(wanted) {
        assert!((plane.samples[0] - code).abs() <= 1.0, "{color:?}");
    }
}

#[test]
fn rgb_pictures_become_bt709_with_chroma_sited_left() {
    let picture = photograph(64, 48);
    let wanted = picture.to_yuv();
    for mut studio in Studio::both(size(64, 48)) {
        for frame in [bgrx(&picture), rgba(&picture)] {
            studio.set(1, frame);
            for (found, wanted) in studio.show(&whole(1)).iter().zip(&wanted) {
                assert!(largest_difference(found, wanted) <= 2.0);
                assert!(psnr(found, wanted) >= 48.0, "{}", psnr(found, wanted));
            }
        }
    }
}

#[test]
fn a_picture_that_is_the_canvas_comes_out_byte_for_byte() {
    let picture = photograph(64, 48).to_yuv().map(|plane| plane.rounded());
    let mut studio = Studio::new(size(64, 48));
    for frame in [nv12(&picture, ColorSpace::default()), i420(&picture, ColorSpace::default())] {
        studio.set(1, frame);
        assert_eq!(studio.show(&whole(1)), picture);
    }
}

#[test]
fn a_full_range_bt601_camera_is_converted() {
    // Codes of a camera, and what they mean.
    let camera = photograph(64, 48)
        .planes
        .map(|plane| Plane::new(64, 48, |x, y| 96.0 + plane.at(x as i64, y as i64) / 4.0));
    let [luma, cb, cr] = camera;
    let halved = |plane: &Plane| Plane::new(32, 24, |x, y| plane.at(2 * x as i64, 2 * y as i64).round());
    let (cb, cr) = (halved(&cb), halved(&cr));
    let luma = luma.rounded();
    // Chroma sample i is at luma column 2i, between rows 2j and 2j + 1.
    let chroma =
        |plane: &Plane, x: usize, y: usize| plane.bilinear(x as f64 / 2.0 + 0.5, y as f64 / 2.0 + 0.25);
    let meant = Rgb::new(64, 48, |x, y| {
        from_bt601_full([luma.at(x as i64, y as i64), chroma(&cb, x, y), chroma(&cr, x, y)])
    });
    let wanted = meant.to_yuv();
    let planes = [luma, cb, cr];
    for (mut studio, luma_within) in Studio::both(size(64, 48)).into_iter().zip([2.0, 3.0]) {
        for frame in [nv12(&planes, FULL_601), i420(&planes, FULL_601)] {
            studio.set(1, frame);
            let found = studio.show(&whole(1));
            assert!(largest_difference(&found[0], &wanted[0]) <= luma_within);
            // Chroma is converted sample by sample, not blurred by going up to luma's resolution and down again.
            assert!(psnr(&found[1], &wanted[1]) >= 34.0 && psnr(&found[2], &wanted[2]) >= 34.0);
        }
    }
}

#[test]
fn full_range_bt709_only_changes_range() {
    let space = ColorSpace { matrix: ColorMatrix::Bt709, range: ColorRange::Full };
    let bytes: Vec<u8> =
        (0..64 * 48).map(|at| (at % 256) as u8).chain(std::iter::repeat_n(128, 64 * 24)).collect();
    let frame = frame(PixelFormat::Nv12, size(64, 48), space, bytes);
    let wanted = Plane::new(64, 48, |x, y| 16.0 + 219.0 * ((y * 64 + x) % 256) as f64 / 255.0);
    for mut studio in Studio::both(size(64, 48)) {
        studio.set(1, Arc::clone(&frame));
        let found = studio.show(&whole(1));
        assert!(largest_difference(&found[0], &wanted) <= 1.0);
        assert!(found[1].samples.iter().chain(&found[2].samples).all(|code| *code == 128.0));
    }
}
